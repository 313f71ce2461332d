"""The embedded Temporal server: loopback only, its record survives SIGKILL, it goes with its parent."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from countersign.embedded.temporal import EmbeddedTemporal, find_program
from countersign.embedded.trouble import EmbeddedTrouble
from tests.countersign.test_embedded_children import gone

PARENT = """
import sys, time
from pathlib import Path
from countersign.embedded.temporal import EmbeddedTemporal
server = EmbeddedTemporal(Path(sys.argv[1]))
server.start()
print(server.child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedTemporal]:
    server = EmbeddedTemporal(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.mark.temporal
@pytest.mark.anyio
async def test_a_started_workflow_survives_sigkill_at_the_same_address(server: EmbeddedTemporal) -> None:
    client = await Client.connect(server.address)
    await client.start_workflow("Waiting", id="draft-1", task_queue="nobody")
    address = server.address
    server.kill()
    server.start()
    assert server.address == address
    again = await Client.connect(server.address)
    described = await again.get_workflow_handle("draft-1").describe()
    assert described.workflow_type == "Waiting"


@pytest.mark.temporal
def test_every_port_it_opens_is_on_loopback(server: EmbeddedTemporal) -> None:
    fds = {link.readlink().name for link in Path(f"/proc/{server.child.pid}/fd").iterdir() if link.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    wide = [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    ours = [row[1] for row in rows + wide if row[3] == "0A" and f"socket:[{row[9]}]" in fds]
    assert ours
    assert all(address.startswith("0100007F:") for address in ours)


@pytest.mark.temporal
def test_it_is_gone_within_five_seconds_of_its_parents_sigkill(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_program_asked_for_comes_before_the_paths_and_the_paths_before_the_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_program().parent == Path(sys.executable).parent
    on_path = tmp_path / "temporal"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program() == on_path
    assert find_program(Path("/bin/sh")) == Path("/bin/sh")


def test_a_missing_program_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name, path=None: None)
    with pytest.raises(EmbeddedTrouble, match="set TEMPORAL_ADDRESS"):
        find_program()
    with pytest.raises(EmbeddedTrouble, match="not a program that can be run"):
        find_program(tmp_path / "absent")
