"""Processes that stop when we stop, however we stop, and whose unasked death is noticed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign.embedded.trouble import EmbeddedTrouble

LIFELINE = Path(__file__).with_name("lifeline.py")
LOG_LINES_SHOWN = 12
LOG_BYTES_KEPT = 5_000_000
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Account:
    """The system user that a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Death:
    """A child that ended though nobody asked it to."""

    name: str
    exit_code: int
    log: Path
    last_lines: tuple[str, ...]

    @property
    def sentence(self) -> str:
        # Above 128: the command was; below 0: its launcher itself, and the command with it.
        number = -self.exit_code if self.exit_code < 0 else self.exit_code - 128
        how = f"was killed by signal {number}" if number > 0 else f"ended with code {self.exit_code}"
        return f"{self.name} {how} though nothing asked it to; what it last said is in {self.log}."


class Child:
    """One running command. `pid` is the command's own, for tests that pause or kill it."""

    def __init__(self, name: str, launcher: "subprocess.Popen[bytes]", life: int, pid: int, log: Path, stop_signal: int) -> None:
        self.name, self.pid, self.log = name, pid, log
        self._launcher, self._life, self._stop_signal = launcher, life, stop_signal
        self.asked_to_stop = False

    @property
    def exit_code(self) -> int | None:
        """None while it runs; 128 + the signal's number when a signal ended it."""
        return self._launcher.poll()

    @property
    def alive(self) -> bool:
        return self.exit_code is None

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to stop, and make it after `grace` seconds. Returns when it is gone."""
        self.asked_to_stop = True
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._launcher.send_signal(self._stop_signal)
            try:
                self._launcher.wait(grace)
            except subprocess.TimeoutExpired:
                self.kill()
        self._let_go()

    def kill(self) -> None:
        """SIGKILL to the command and everything in its group, as a crash would; returns when they are gone."""
        self.asked_to_stop = True
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._launcher.wait()
        self._let_go()

    def death(self) -> Death | None:
        """How it ended, if it ended unasked."""
        code = self.exit_code
        if code is None or self.asked_to_stop:
            return None
        return Death(self.name, code, self.log, last_lines(self.log))

    def _let_go(self) -> None:
        if self._life >= 0:
            os.close(self._life)
            self._life = -1


class Children:
    """Everything that one process started. Each child logs to `<logs>/<name>.log`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, Child] = {}

    def __getitem__(self, name: str) -> Child:
        return self._children[name]

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        account: Account | None = None,
        stop_signal: int = signal.SIGTERM,
        orphan_signal: int | None = None,
        orphan_grace: float = 3.0,
    ) -> Child:
        """Start `command`; a name is free again once its child has ended.

        `stop_signal` is what `stop()` sends, `orphan_signal` (default the same) what the child gets if this process dies.
        Raises EmbeddedTrouble if the command cannot be started at all.
        """
        if name in self._children and self._children[name].alive:
            raise ValueError(f"{name} is already running")
        who = account or Account(-1, -1)
        numbers = (int(orphan_signal or stop_signal), orphan_grace, who.uid, who.gid)
        log = self._log(name)
        launcher, life, told = launch(
            [*map(str, numbers), "--", *map(str, command)],
            log=log,
            folder=folder,
            environment=None if environment is None else dict(environment),
        )
        if not told.isdigit():
            os.close(life)
            launcher.wait()
            raise EmbeddedTrouble(f"{name} could not be started: {told.lstrip('!') or f'see {log}'}.")
        self._children[name] = Child(name, launcher, life, int(told), log, int(stop_signal))
        return self._children[name]

    def _log(self, name: str) -> Path:
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_KEPT:
            log.replace(log.with_suffix(".log.1"))
        return log

    def watch(self, seconds: float = 0.0) -> Death | None:
        """The first child found to have ended unasked, waiting up to `seconds` for one."""
        deadline = time.monotonic() + seconds
        while True:
            for child in self._children.values():
                if death := child.death():
                    return death
            if time.monotonic() >= deadline:
                return None
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop everything, the last started first."""
        for child in reversed(list(self._children.values())):
            child.stop()


def launch(
    arguments: list[str], *, log: Path, folder: Path | None, environment: dict[str, str] | None
) -> tuple["subprocess.Popen[bytes]", int, str]:
    """The lifeline process, our end of its line, and what it said: the command's pid, or `!` and why there is none."""
    life_read, life_write = os.pipe()
    status_read, status_write = os.pipe()
    with log.open("ab") as output:
        # -I -S: nothing of the surroundings (paths, site-packages) reaches or slows the launcher; the command gets its own.
        launcher = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", LIFELINE, str(life_read), str(status_write), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            pass_fds=(life_read, status_write),
            start_new_session=True,
        )
    os.close(life_read)
    os.close(status_write)
    with os.fdopen(status_read) as status:
        return launcher, life_write, status.readline().strip()


def last_lines(log: Path, count: int = LOG_LINES_SHOWN) -> tuple[str, ...]:
    """The end of a log, for showing beside the sentence that says what died."""
    if not log.exists():
        return ()
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 8192))
        return tuple(line.decode(errors="replace").rstrip() for line in lines.readlines()[-count:])


def wait_until(ready: Callable[[], bool], child: Child, seconds: float) -> bool:
    """Whether `ready()` came true within `seconds` while the child lived."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.alive:
        if ready():
            return True
        time.sleep(POLL_SECONDS)
    return False
