"""The source files that the guards read."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("countersign", "core", "workflows", "integrations", "api", "web")


def source_files(*packages: str) -> list[Path]:
    """Every Python file of these packages (default: all but the tests)."""
    return sorted(path for package in packages or PACKAGES for path in (ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@cache
def tracked_files() -> tuple[Path, ...]:
    """What git keeps, and what it would if it were added now. Outside a clone: every file that is not hidden."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
    return tuple(path for path in paths if path.is_file())
