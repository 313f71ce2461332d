"""A sandbox server that never outlives the process that started it."""

import os
import signal
import threading
import time

_EVERY_SECONDS = 0.25
_GRACE_SECONDS = 3.0


def die_with_parent(parent_pid: int | None = None) -> threading.Thread:
    """End this process (SIGTERM, then at once) soon after its parent is gone, however the parent ended.

    `parent_pid` is the parent as it knows itself: given, nothing is missed even if it died before we got here.
    Asking is used rather than PR_SET_PDEATHSIG, which fires when the parent's *thread* ends and exists on Linux alone.
    """
    expected = os.getppid() if parent_pid is None else parent_pid
    watch = threading.Thread(target=_watch, args=(expected,), name="lifeline", daemon=True)
    watch.start()
    return watch


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)
