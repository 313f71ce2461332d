"""The whole main job over HTTP against the demo as a process: it holds, again and again, and a lie is found and named."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from countersign.embedded.forget import forget
from countersign.embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 120.0
WALKS_WITHIN = 240.0

pytestmark = pytest.mark.temporal


@dataclass(frozen=True)
class Demo:
    url: str
    state: Path

    def walk(self, *, state: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "countersign", "walk", "--url", self.url, "--state", str(state or self.state)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WALKS_WITHIN, check=False)

    def sandbox(self, platform: str) -> str:
        return f"http://127.0.0.1:{json.loads((self.state / 'ports.json').read_text())[platform]}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    state = tmp_path_factory.mktemp("demo") / "state"
    port = free_port()
    command = [sys.executable, "-m", "countersign", "demo", "--port", str(port), "--state", str(state)]
    log = state.parent / "demo.log"
    with log.open("w") as out:
        running = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            deadline = time.monotonic() + STARTS_WITHIN
            while "Ctrl-C stops everything" not in log.read_text():
                assert running.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield Demo(f"http://127.0.0.1:{port}", state)
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)
    forget(state)


def test_the_main_job_holds_twice_in_a_row_without_reset(demo: Demo, tmp_path: Path) -> None:
    first = demo.walk()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "nothing yet at" in first.stdout
    # Without the demo's folder the walk learns where the sandboxes are from the links to the live posts.
    second = demo.walk(state=tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("text, image") == 3


def test_a_platform_that_cuts_the_text_is_found_and_named(demo: Demo) -> None:
    httpx2.post(f"{demo.sandbox('linkedin')}/_lie", json={"mode": "truncate"}).raise_for_status()
    walked = demo.walk()
    assert walked.returncode == 1, walked.stdout + walked.stderr
    assert "It did not hold" in walked.stdout
    assert "LinkedIn" in walked.stdout.partition("It did not hold")[2]
