"""PostgreSQL 18 as our child: passwords for everyone, 127.0.0.1 only, gone when we are gone."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from countersign.embedded.children import Child, Children, wait_until
from countersign.embedded.ports import LOOPBACK, free_port, port_taken
from countersign.embedded.postgres_home import Home, home_for
from countersign.embedded.state import kept_secret
from countersign.embedded.trouble import EmbeddedTrouble

SUPERUSER = "postgres"
READY_WITHIN = 30.0
ATTEMPTS = 4
ORPHAN_GONE_WITHIN = 10.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    # The log is a file that people send to one another: no statements, no values of rows.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """One cluster, belonging to the state folder, with `children` (default: its own) to watch it."""

    def __init__(self, state: Path, children: Children | None = None) -> None:
        self._state = state.absolute()
        self._children = children or Children(self._state / "logs")
        self._child: Child | None = None
        self._home: Home | None = None
        self._password = ""
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def child(self) -> Child:
        """The running server; for tests that look at or pause it."""
        if self._child is None:
            raise EmbeddedTrouble("The embedded PostgreSQL is not running.")
        return self._child

    def start(self) -> None:
        """Make the cluster if there is none, start it, and return when it answers. Raises EmbeddedTrouble after 30 s."""
        self._home = home = home_for(self._state)
        self._password = kept_secret(self._state / "postgres" / "password")
        if not home.data.exists():
            make_cluster(home, self._password)
        leave_no_stale_pid(home.data)
        kept = self._state / "postgres" / "port"
        self._port = int(kept.read_text()) if kept.exists() else free_port()
        deadline = time.monotonic() + READY_WITHIN
        for _ in range(ATTEMPTS):
            if port_taken(LOOPBACK, self._port):
                self._port = free_port()
            self._child = self._spawn(home)
            if wait_until(self._answers, self._child, deadline - time.monotonic()):
                kept.write_text(str(self._port))
                return
            # It ended: its port was taken meanwhile, or a crashed server's last processes still hold the shared memory.
            self._child.stop()
            time.sleep(0.5)
        raise EmbeddedTrouble(f"PostgreSQL did not start within {READY_WITHIN:.0f} seconds; see {self.child.log}.")

    def stop(self) -> None:
        """A clean stop: connections are ended, everything is written."""
        if self._child is not None:
            self._child.stop(grace=20.0)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.child.kill()

    def admin_url(self, database: str = "postgres") -> str:
        """The superuser's address, password included: for migrations and set-up alone. Never print it."""
        return f"postgresql://{SUPERUSER}:{quote(self._password, safe='')}@{LOOPBACK}:{self._port}/{quote(database, safe='')}"

    def create_database(self, name: str) -> None:
        """Does nothing if it is there."""
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def drop_database(self, name: str) -> None:
        """Ends its connections first. Does nothing if it is not there."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url(), autocommit=True) as connection:
            connection.execute(statement)

    def _spawn(self, home: Home) -> Child:
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return self._children.start(
            "postgres",
            [home.binaries / "postgres", "-D", home.data, "-p", str(self._port), *options],
            environment=bare_environment(),
            folder=home.folder,
            account=home.account,
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
            orphan_signal=signal.SIGQUIT,  # "immediate": nobody is left to wait for a checkpoint, the log recovers it
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def make_cluster(home: Home, password: str) -> None:
    """A new cluster that asks everybody for a password. One that was interrupted half-way is made again."""
    unfinished, secret = home.folder / "data.new", home.folder / "password.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    secret.unlink(missing_ok=True)
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(password)
    who = home.account
    if who is not None:
        os.chown(secret, who.uid, who.gid)
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options = [f"--username={SUPERUSER}", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions", *locale]
    made = subprocess.run(  # noqa: S603
        [home.binaries / "initdb", "-D", unfinished, *options],
        env=bare_environment(),
        cwd=home.folder,
        user=who.uid if who else None,
        group=who.gid if who else None,
        extra_groups=[] if who else None,
        check=False,
        capture_output=True,
        text=True,
    )
    secret.unlink()
    if made.returncode != 0:
        said = (made.stderr.strip() or "no reason given").splitlines()[-1]
        raise EmbeddedTrouble(f"PostgreSQL's data could not be laid out in {home.folder}: {said}")
    unfinished.rename(home.data)


def leave_no_stale_pid(data: Path) -> None:
    """Remove the note of a server that was killed, in case another process has its number by now.

    A server still running on this data is on its way out (its lifeline sees to that): wait for it, never start beside it.
    """
    note = data / "postmaster.pid"
    deadline = time.monotonic() + ORPHAN_GONE_WITHIN
    while note.exists():
        pid = int((note.read_text().split() or ["0"])[0])
        if not serves(pid, data):
            note.unlink(missing_ok=True)
        elif time.monotonic() > deadline:
            raise EmbeddedTrouble(f"Another PostgreSQL (process {pid}) is running on {data}; stop it first.")
        else:
            time.sleep(0.1)


def serves(pid: int, data: Path) -> bool:
    """Whether process `pid` is a PostgreSQL on this data."""
    try:
        if Path("/proc/self").exists():
            said = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        else:
            said = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], check=False, capture_output=True, text=True).stdout  # noqa: S603
    except OSError:
        return False
    return str(data) in said


def bare_environment() -> dict[str, str]:
    """Nothing of ours: PG* variables would change what the server does."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
