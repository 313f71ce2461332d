"""The whole service as processes, its workers behind the proxy: two of them, killed, paused and started again by name."""

import contextlib
import os
import re
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx2

from countersign.demo.parts import Parts, Say
from countersign.embedded.ports import LOOPBACK, free_port
from countersign.faults.plan import PLATFORMS
from countersign.faults.proxy import Wires

WORKERS = ("worker", "worker 2")
# What a worker is told of where the public reads is for permalinks alone: nobody calls it.
UNTOUCHED = frozenset({"COUNTERSIGN_PUBLIC_URLS"})
# A limit that a platform says is used up resets soon: a run must not wait a quarter of an hour for it.
LIMIT = {"posts": 100_000, "seconds": 5}


class Field(Parts):
    """Parts as the demo has them; whatever a worker connects to, it reaches through a wire that can be cut."""

    def __init__(self, state: Path, *, say: Say) -> None:
        super().__init__(state, port=free_port(), say=say)
        self.wires = Wires()
        self.paused: set[str] = set()
        self.deaths: Counter[str] = Counter()
        """How often a worker died at which named point."""
        self._armed: dict[str, str] = {}
        self._starting = WORKERS[0]
        self._http = httpx2.Client(trust_env=False, timeout=10)

    def begin(self) -> None:
        """Everything up, the second worker too."""
        self.start()
        self.wait_for_api()
        self.work(WORKERS[1])
        for platform in PLATFORMS:
            self.tell_sandbox(platform, "/_limit", LIMIT)

    def work(self, name: str, stop_at: str = "") -> None:
        """Start this worker, which must not be running."""
        self._starting, self._armed[name] = name, stop_at
        try:
            self.start_worker(stop_at)
        finally:
            self._starting = WORKERS[0]

    def _python(self, name: str, module: list[str], environment: Mapping[str, str]) -> None:
        if name != "worker":
            super()._python(name, module, environment)
            return
        wired = {key: value if key in UNTOUCHED else self._through(value) for key, value in environment.items()}
        super()._python(self._starting, module, wired)

    def _through(self, told: str) -> str:
        """The same words with every server's port replaced by that of the wire that leads there."""
        for name, port in self.ports().items():
            told = re.sub(rf"{re.escape(LOOPBACK)}:{port}\b", f"{LOOPBACK}:{self.wires.lay(name, port).port}", told)
        return told

    def ports(self) -> dict[str, int]:
        behind = {platform: self.addresses.port(platform) for platform in PLATFORMS}
        return {"database": self.postgres.port, "engine": int(self.temporal.address.rpartition(":")[2]), **behind}

    def kill(self, name: str) -> None:
        """SIGKILL to a part: `database`, `engine`, `api` or a worker."""
        if name == "database":
            self.postgres.kill()
        elif name == "engine":
            self.temporal.kill()
        else:
            self._armed.pop(name, None)
            self.children[name].kill()
            self.paused.discard(name)

    def start_again(self, name: str) -> None:
        """After a kill, a part that is not up. Servers come back on their ports, with what they had kept."""
        if name == "database":
            if not self.postgres.child.alive:
                self.postgres.start()
        elif name == "engine":
            if not self.temporal.child.alive:
                self.temporal.start()
        elif not self.children[name].alive:
            if at := self._armed.pop(name, ""):
                self.deaths[at] += 1
            self.children[name].kill()
            self.start_api() if name == "api" else self.work(name)
        for wire, port in self.ports().items():
            self.wires.lay(wire, port)

    def pause(self, name: str) -> None:
        if self.children[name].alive:
            self.paused.add(name)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.children[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.paused.discard(name)
        if self.children[name].alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.children[name].pid, signal.SIGCONT)

    def heal(self) -> None:
        """Everything up and connected again, nobody lying."""
        for name in ("database", "engine", "api", *WORKERS):
            if name in WORKERS and name not in self.paused:
                self.resume(name)
            if name not in self.paused:
                self.start_again(name)
        self.wires.heal()
        for platform in PLATFORMS:
            self._http.delete(f"{self.addresses.url(platform)}/_lie")

    def tell_sandbox(self, platform: str, path: str, body: Mapping[str, object]) -> None:
        self._http.post(f"{self.addresses.url(platform)}{path}", json=body).raise_for_status()

    def ledger(self, platform: str) -> list[dict[str, object]]:
        """What the platform accepted, whatever we believe."""
        posts: list[dict[str, object]] = self._http.get(f"{self.addresses.url(platform)}/_ledger").json()["posts"]
        return posts

    def stop(self) -> None:
        for name in WORKERS:
            with contextlib.suppress(KeyError):
                self.resume(name)
        super().stop()
        self.wires.close()
        self._http.close()
