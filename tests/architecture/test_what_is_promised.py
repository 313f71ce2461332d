"""What documents, Makefile and lock files say is so."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, named, tracked_files

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
DOCUMENTS = sorted(path for path in tracked_files() if path.suffix == ".md")
PROMISED = {
    "help",
    "setup",
    "demo",
    "demo-reset",
    "test",
    "check",
    "peers",
    "walk",
    "bench",
    "faults",
    "faults-long",
    "lock",
    "screenshots",
}

# Addresses of package indexes: an installation follows its own configuration. In pieces, so that this file passes too.
INDEXES = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "registry.yarnpkg" + ".com", "quay" + ".io")
SOMEBODYS_FOLDER = re.compile(
    r"(?<![\w.])/(?:" + "|".join(("wo" + "rk", "ho" + "me/[a-z]", "Us" + "ers/[a-z]", "ro" + "ot")) + r")/"
)


def test_every_promised_target_exists_and_explains_itself() -> None:
    assert TARGETS == PROMISED
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in listed for target in PROMISED)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_command_in_a_document_exists(document: Path) -> None:
    text = document.read_text()
    commands = re.findall(r"`make ([a-z][a-z-]*)|^\s*(?:\$ )?make ([a-z][a-z-]*)", text, re.MULTILINE)
    assert {one or other for one, other in commands} <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_linked_from_a_document_exists(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_script_that_make_calls_exists() -> None:
    assert all((ROOT / script).is_file() for script in re.findall(r"scripts/[\w.]+", MAKEFILE))


def test_continuous_integration_runs_make_test_and_asks_nobody() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in script
    assert "make test </dev/null" in script


def test_no_file_names_a_package_index_or_somebodys_folder() -> None:
    found = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{named(path)}: {index}" for index in INDEXES if index in text]
        found += [f"{named(path)}: {match.group()}" for match in SOMEBODYS_FOLDER.finditer(text)]
    assert found == []


@pytest.mark.parametrize(("lock", "groups"), [("base", []), ("all", ["embedded", "dev"])])
def test_every_dependency_is_locked_with_hashes(lock: str, groups: list[str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*settings["project"]["dependencies"], *(name for group in groups for name in settings["dependency-groups"][group])]
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE))
    assert {re.split(r"[\[=<>~ ]", name)[0].lower() for name in wanted} - pinned.keys() == set()
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_both_lock_files_agree() -> None:
    pins = {}
    for lock in ("all", "base", "uv"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        pins[lock] = dict(re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE))
    assert pins["base"].items() <= pins["all"].items()
    assert pins["uv"].items() <= pins["all"].items()
