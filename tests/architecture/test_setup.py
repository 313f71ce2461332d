"""Setting up: once, then in no time; whatever goes wrong is one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

TOOLS = ("sh", "cat", "dirname", "cksum", "mkdir", "rm", "tail", "chmod")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    for part in ("scripts", "requirements"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


def set_up(clone: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "scripts/setup"],
        cwd=clone,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def sentences(result: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("countersign: ")]


def test_without_a_new_enough_python_it_says_so(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    result = set_up(clone, PATH=str(tools))
    assert result.returncode == 1
    assert [line.split(";")[0] for line in sentences(result)] == ["countersign: Python 3.11 or newer was not found"]


def test_where_nothing_can_be_written_it_says_so(clone: Path) -> None:
    (clone / ".venv").write_text("a file where the folder should be")
    result = set_up(clone)
    assert result.returncode == 1
    assert [line.split(" in ")[0] for line in sentences(result)] == ["countersign: Nothing can be written"]


def venv_whose_pip_fails(clone: Path) -> None:
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\ncase "$*" in *"pip install"*) echo "ERROR: no index"; exit 1 ;; esac\n')
    python.chmod(0o755)


def test_without_an_index_it_says_so_and_the_next_run_tries_again(clone: Path) -> None:
    venv_whose_pip_fails(clone)
    result = set_up(clone)
    assert result.returncode == 1
    assert [line.split(":")[1].strip() for line in sentences(result)] == ["uv could not be installed"]
    assert not (clone / ".venv" / "countersign-stamp").exists()
    assert "ERROR: no index" in (clone / ".venv" / "setup.log").read_text()


def test_a_second_run_does_nothing(clone: Path) -> None:
    """The stamp names the folder and every locked file; a changed lock file sets up again."""
    venv_whose_pip_fails(clone)
    stamp = clone / ".venv" / "countersign-stamp"
    made = "{ pwd -P; cat requirements/all.txt requirements/uv.txt scripts/setup; } | cksum"
    stamp.write_text(subprocess.run(["sh", "-c", made], cwd=clone, capture_output=True, text=True, check=True).stdout.strip())
    result = set_up(clone)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    (clone / "requirements" / "uv.txt").write_text("# changed\n")
    assert set_up(clone).returncode == 1
