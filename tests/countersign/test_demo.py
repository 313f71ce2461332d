"""`countersign demo` as somebody at a terminal meets it: it starts, it stops, and when it cannot it says why in one sentence."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from countersign.embedded.forget import forget
from countersign.embedded.ports import free_port

pytestmark = pytest.mark.faults

READY_WITHIN = 90.0


class Demo:
    """One `countersign demo` process on a state folder of its own."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "countersign", "demo", "--port", str(port), "--state", str(state)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_ready(self) -> str:
        """Everything printed until it says how to stop it."""
        assert self.process.stdout is not None
        said = ""
        deadline = time.monotonic() + READY_WITHIN
        while "Ctrl-C stops everything" not in said:
            line = self.process.stdout.readline()
            assert line, f"It ended before it was ready: {said}"
            assert time.monotonic() < deadline, said
            said += line
        return said

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ended(self, within: float = 40.0) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=within)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "state"
    yield folder
    forget(folder)


def _all_gone(children: list[psutil.Process], within: float = 10.0) -> bool:
    _, alive = psutil.wait_procs(children, timeout=within)
    return not alive


def test_it_starts_stops_on_ctrl_c_and_keeps_its_data_for_the_next_start(state: Path) -> None:
    for _ in range(2):
        demo = Demo(state, free_port())
        said = demo.wait_until_ready()
        assert f"http://127.0.0.1:{demo.port}" in said
        assert "Olivia Okafor" in said
        children = demo.children()
        assert len(children) >= 8, "PostgreSQL, Temporal, the provider, three platforms, api and worker"
        demo.process.send_signal(signal.SIGINT)
        code, rest = demo.ended()
        assert code == 0, rest
        assert _all_gone(children)


def test_a_dead_part_stops_the_rest_with_one_sentence(state: Path) -> None:
    demo = Demo(state, free_port())
    demo.wait_until_ready()
    children = demo.children()
    worker = next(child for child in children if "worker" in child.cmdline())
    os.kill(worker.pid, signal.SIGKILL)
    code, said = demo.ended()
    assert code == 1
    assert "worker was killed by signal 9" in said
    assert "Traceback" not in said
    assert _all_gone(children)


def test_nothing_is_left_when_it_is_killed_itself(state: Path) -> None:
    demo = Demo(state, free_port())
    demo.wait_until_ready()
    children = demo.children()
    demo.process.kill()
    demo.process.wait(10)
    assert _all_gone(children)


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = Demo(tmp_path / "state", taken.getsockname()[1])
        code, said = demo.ended()
    assert code == 1
    assert f"Port {demo.port} is taken by another program; choose one with PORT=" in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    demo = Demo(in_the_way / "state", free_port())
    code, said = demo.ended()
    assert code == 1
    assert "cannot be made" in said
    assert "Traceback" not in said


def test_a_second_demo_on_the_same_data_is_refused(state: Path) -> None:
    demo = Demo(state, free_port())
    demo.wait_until_ready()
    code, said = Demo(state, free_port()).ended()
    assert code == 1
    assert "already running" in said
    demo.process.send_signal(signal.SIGTERM)
    assert demo.ended()[0] == 0
