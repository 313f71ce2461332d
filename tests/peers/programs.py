"""Programs of others, at the versions that a lock file names: fetched once into the user's cache, then found there."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "countersign" / "peers"
INSTALL_WITHIN = 900
OLDEST_NODE = (20, 0)
# The PDS's database module crashes under these (a segmentation fault in its native part).
BROKEN_NODES = ((24, 14), (24, 19))


def skip_aloud(reason: str) -> NoReturn:
    """Not checked here, and said so where nobody overlooks it: in the warnings as well as among the skipped."""
    warnings.warn(f"A peer was not asked: {reason}", stacklevel=2)
    pytest.skip(reason)


def node() -> tuple[str, tuple[int, int]]:
    """The Node on this machine and its version; skips where there is none that works."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        skip_aloud("There is no Node with npm on this machine. Install Node 20 or 22.")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < OLDEST_NODE or BROKEN_NODES[0] <= version <= BROKEN_NODES[1]:
        skip_aloud(f"The PDS does not run under Node {said.strip()}. Install Node 22.")
    return program, version


def installed(name: str) -> Path:
    """The folder in which `npm ci` put what `tests/peers/<name>/package-lock.json` names; skips where that is impossible."""
    _, version = node()
    lock = (HERE / name / "package-lock.json").read_bytes()
    # Native modules are built for one Node.
    key = hashlib.sha256(lock + str(version[0]).encode()).hexdigest()[:16]
    folder = CACHE / key
    if not folder.exists():
        install(name, folder)
    return folder


def install(name: str, folder: Path) -> None:
    """All or nothing: an installation that breaks off, or another one at the same time, leaves no half of one behind."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}-") as begun:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name / file, begun)
        try:
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"],
                cwd=begun,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=INSTALL_WITHIN,
                check=False,
            )
        except subprocess.TimeoutExpired:
            skip_aloud(f"npm did not finish installing {name} within {INSTALL_WITHIN} seconds.")
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
            skip_aloud(f"npm could not install {name}: {' '.join(lines[:3])[:300]}")
        if not folder.exists():
            Path(begun).rename(folder)
            Path(begun).mkdir()  # for its own clearing up
