"""From the command to the first page, and where the time goes."""

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from countersign.embedded.ports import free_port
from countersign.embedded.trouble import EmbeddedTrouble

STARTS_WITHIN = 90.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Start:
    """Seconds until the sign-in page answered, until the command said so, and what it said of its parts."""

    first_page: float
    announced: float
    parts: tuple[str, ...]


def measure_start(state: Path) -> Start:
    """`countersign demo` as a process, until its first page and its announcement; then it is stopped."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "countersign", "demo", "--port", str(port), "--state", str(state)]
    log = state.with_suffix(".log")
    with log.open("wb") as said:
        began = time.perf_counter()
        running = subprocess.Popen(command, stdout=said, stderr=said)  # noqa: S603
        try:
            return _until_announced(running, f"http://127.0.0.1:{port}/sign-in", log, began)
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)


def _until_announced(running: "subprocess.Popen[bytes]", url: str, log: Path, began: float) -> Start:
    first_page = 0.0
    while True:
        words = log.read_text()
        if not first_page and _answers(url):
            first_page = time.perf_counter() - began
        if first_page and "Countersign is at" in words:
            parts = tuple(line.strip() for line in words.splitlines() if " ready (" in line)
            return Start(first_page, time.perf_counter() - began, parts)
        if running.poll() is not None or time.perf_counter() - began > STARTS_WITHIN:
            raise EmbeddedTrouble(f"The demo did not start: {words.strip()[-400:]}")
        time.sleep(POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
