"""Children stop with their parent, and an unasked death is noticed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from countersign.embedded.children import Children
from countersign.embedded.ports import LOOPBACK, free_port, port_taken
from countersign.embedded.state import claimed, kept_secret, make_folder
from countersign.embedded.trouble import EmbeddedTrouble

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
PARENT = """
import sys, time
from pathlib import Path
from countersign.embedded.children import Children
children = Children(Path(sys.argv[1]))
child = children.start("sleeper", [sys.executable, "-c", sys.argv[2]], orphan_grace=0.5)
print(child.pid, child._launcher.pid, flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def wait_for(log: Path, word: str) -> None:
    deadline = time.monotonic() + 10
    while not (log.exists() and word in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("program", [SLEEPER[2], STUBBORN[2]])
def test_a_child_is_gone_within_five_seconds_of_its_parents_sigkill(tmp_path: Path, program: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    wait_for(tmp_path / "sleeper.log", "up")
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_a_child_is_gone_when_its_launcher_is_killed(tmp_path: Path) -> None:
    child = Children(tmp_path).start("sleeper", SLEEPER)
    os.kill(child._launcher.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not gone(child.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_unasked_death_is_told_with_its_code_and_last_words(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.start("worker", [sys.executable, "-c", "print('no such setting', flush=True); raise SystemExit(3)"])
    death = children.watch(10)
    assert death is not None
    assert (death.name, death.exit_code, death.last_lines) == ("worker", 3, ("no such setting",))
    assert "worker ended with code 3" in death.sentence
    assert str(tmp_path / "worker.log") in death.sentence


def test_a_child_killed_from_outside_is_told_by_its_signal(tmp_path: Path) -> None:
    children = Children(tmp_path)
    child = children.start("worker", SLEEPER)
    os.kill(child.pid, signal.SIGKILL)
    death = children.watch(10)
    assert death is not None
    assert "killed by signal 9" in death.sentence


def test_a_stop_that_was_asked_for_is_no_death(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.start("one", SLEEPER)
    children.start("two", SLEEPER)
    children.stop()
    assert children.watch() is None
    assert not children["one"].alive
    assert gone(children["two"].pid)


def test_a_child_that_will_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = Children(tmp_path).start("stubborn", STUBBORN)
    wait_for(tmp_path / "stubborn.log", "up")
    child.stop(grace=0.3)
    assert gone(child.pid)


def test_what_a_command_started_goes_with_it(tmp_path: Path) -> None:
    program = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print('pid', p.pid, 'up', flush=True); p.wait()"
    child = Children(tmp_path).start("family", [sys.executable, "-c", program])
    wait_for(tmp_path / "family.log", "up")
    grandchild = int((tmp_path / "family.log").read_text().split()[1])
    child.stop()
    deadline = time.monotonic() + 5
    while not gone(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_name_is_free_again_when_its_child_has_ended(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.start("worker", SLEEPER).kill()
    again = children.start("worker", SLEEPER)
    with pytest.raises(ValueError, match="already running"):
        children.start("worker", SLEEPER)
    again.kill()


def test_a_command_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedTrouble, match=r"worker could not be started: No such file or directory: /nowhere/worker\."):
        Children(tmp_path).start("worker", ["/nowhere/worker"])


def test_a_taken_port_is_seen_and_a_free_one_is_free() -> None:
    port = free_port()
    assert not port_taken(LOOPBACK, port)
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", LOOPBACK, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not port_taken(LOOPBACK, port):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.kill()
    server.wait()


def test_two_starts_on_the_same_state_are_refused(tmp_path: Path) -> None:
    first, second = claimed(tmp_path / "state"), claimed(tmp_path / "state")
    with first, pytest.raises(EmbeddedTrouble, match="already running with the data in"):
        second.__enter__()
    with claimed(tmp_path / "state"):
        pass


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedTrouble, match="cannot be made"):
        make_folder(tmp_path / "file" / "state")


def test_a_kept_secret_stays_the_same_and_is_its_owners_alone(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "state" / "password")
    assert kept_secret(tmp_path / "state" / "password") == secret
    assert len(secret) >= 32
    assert (tmp_path / "state" / "password").stat().st_mode & 0o777 == 0o600
