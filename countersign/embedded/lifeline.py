"""Run one command that must not outlive whoever started it.

    python lifeline.py LIFE_FD STATUS_FD ORPHAN_SIGNAL GRACE UID GID -- command…

The parent holds the write end of LIFE_FD. When the parent dies, SIGKILL included, the kernel closes that end, and this
process sends ORPHAN_SIGNAL to the command and SIGKILL to its group after GRACE seconds. SIGINT, SIGTERM and SIGQUIT are
passed on to the command. The command's pid is written to STATUS_FD; its exit status becomes this one's (128 + signal).

A parent-death signal alone would not do: it fires when the *thread* that started the child ends, and only Linux has it.
It is set as a second line, for the case that this process itself is killed. Standard library only: it starts in 30 ms.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
PR_SET_PDEATHSIG = 1
CANNOT_START = 127


def die_with_parent() -> None:
    """Runs in the child between fork and exec, after the change of user, which would have cleared the setting."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    life, status = int(arguments[0]), int(arguments[1])
    orphan_signal, grace = int(arguments[2]), float(arguments[3])
    uid, gid = int(arguments[4]), int(arguments[5])
    command = arguments[arguments.index("--") + 1 :]
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (*PASSED_ON, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    try:
        child = start(command, uid, gid)
    except OSError as problem:
        os.write(status, f"!{problem.strerror}: {command[0]}\n".encode())
        return CANNOT_START
    os.write(status, f"{child.pid}\n".encode())
    os.close(status)
    watch(child, life, wake_read, orphan_signal, grace)
    # What the command left in its group (a crashed server's children) goes with it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def start(command: list[str], uid: int, gid: int) -> "subprocess.Popen[bytes]":
    """Start the command in a process group of its own, as another user where `uid` is not -1."""
    if uid == -1:
        return subprocess.Popen(command, process_group=0, preexec_fn=die_with_parent)  # noqa: S603
    return subprocess.Popen(  # noqa: S603
        command, process_group=0, preexec_fn=die_with_parent, user=uid, group=gid, extra_groups=[]
    )


def watch(child: "subprocess.Popen[bytes]", life: int, wake: int, orphan_signal: int, grace: float) -> None:
    """Return when the command has ended, whether by itself, by a signal passed on, or because the parent is gone."""
    listening, deadline = [life, wake], float("inf")
    while child.poll() is None:
        wait = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(listening, [], [], wait)
        if wake in ready:
            for number in os.read(wake, 64):
                if number in PASSED_ON:
                    tell(child, number)
        if life in ready and not os.read(life, 1):
            listening.remove(life)
            deadline = time.monotonic() + grace
            tell(child, orphan_signal)
        if time.monotonic() >= deadline:
            tell(child, signal.SIGKILL)
            deadline = float("inf")


def tell(child: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
