"""Imports run one way, workflows stay light, platforms do not know one another."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, named, parsed, source_files

HEAVY = ("sqlmodel", "sqlalchemy", "httpx2", "fastapi", "starlette", "psycopg", "obstore", "PIL", "authlib", "jinja2")
# Modules of `workflows` that run as workflow code or are imported by it: everything but these.
RUNS_OUTSIDE_WORKFLOWS = {
    *("activities", "capturing", "courier", "departures", "gate", "gateway", "housekeeping", "watching"),
    *("worker", "connecting", "refreshing", "rotating", "tokens", "clients", "strongbox"),
}


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def definitions() -> list[str]:
    modules = [path.stem for path in (ROOT / "workflows").glob("*.py") if path.stem not in RUNS_OUTSIDE_WORKFLOWS]
    return sorted("workflows" if name == "__init__" else f"workflows.{name}" for name in modules)


def test_the_import_contracts_are_kept() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    kept = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert kept.returncode == 0, kept.stdout + kept.stderr


def test_every_module_of_workflows_has_its_layer() -> None:
    """An unnamed module would be free to import anything."""
    layers = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    assert isinstance(layers, list)
    placed = {part.strip(" ()") for layer in layers for part in layer.replace(":", "|").split("|")}
    modules = {path.stem if path.is_file() else path.name for path in (ROOT / "workflows").iterdir()}
    modules -= {"__init__", "__pycache__"}
    assert {f"workflows.{name}" for name in modules} - placed == set()


@pytest.mark.parametrize("module", definitions())
def test_importing_a_workflow_definition_loads_nothing_heavy(module: str) -> None:
    """SQLModel alone cost 15.7 MB and 0.34 s for every running workflow."""
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == []


def test_platforms_do_not_know_one_another() -> None:
    folder = ROOT / "integrations" / "platforms"
    registered = {name.split(".")[2] for name in imported(folder / "registry.py") if name.startswith("integrations.platforms.")}
    platforms = registered - {"base"}
    assert platforms
    for name in platforms:
        others = {f"integrations.platforms.{other}" for other in platforms - {name}} | {"integrations.platforms.registry"}
        assert imported(folder / f"{name}.py") & others == set(), name


def test_doors_hand_a_session_on_and_ask_it_nothing() -> None:
    """They may name its type; a statement of their own would go past the use-cases."""
    modules = {"sqlalchemy.ext.asyncio", "sqlmodel.ext.asyncio.session"}
    allowed = modules | {f"{module}.AsyncSession" for module in modules}
    asked = {
        f"{named(path)}: {name}"
        for path in source_files("api", "web")
        for name in imported(path) - allowed
        if name.split(".")[0] in ("sqlalchemy", "sqlmodel")
    }
    assert asked == set()


def test_settings_are_read_at_the_roof_alone() -> None:
    """Everything else gets values as arguments. The sandbox's servers are programs of their own, with their own settings."""
    inside = [path for path in source_files("core", "workflows", "integrations", "api", "web") if "sandbox" not in path.parts]
    assert [named(path) for path in inside if reads_settings(path)] == []


def reads_settings(path: Path) -> bool:
    names = {ast.unparse(node) for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute | ast.Name)}
    return bool({"os.environ", "os.getenv", "environ", "getenv"} & names) or "pydantic_settings" in imported(path)
