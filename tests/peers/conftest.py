"""The peers, each started once for all its tests; they die with the test run, however it ends."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from countersign.embedded.children import Child, Children, last_lines
from countersign.embedded.ports import free_port
from tests.peers.programs import HERE, installed, node, skip_aloud

SPECIFICATION = Path(__file__).parents[3] / "shared/specs/x/openapi.prism-patched.json"
READY_WITHIN = 60


def until_it_answers(url: str, child: Child) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and child.alive:
        try:
            httpx2.get(url, trust_env=False, timeout=2)
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("\n".join([f"{child.name} did not answer at {url}.", *last_lines(child.log)]))


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PDS."""
    program, version = node()
    modules, folder = installed("pds"), tmp_path_factory.mktemp("pds")
    # Modules are looked for beside the script that asks for them.
    script = folder / "pds.mjs"
    script.write_text((HERE / "pds/pds.mjs").read_text())
    (folder / "node_modules").symlink_to(modules / "node_modules")
    flags = ["--harmony-iterator-helpers"] if version[0] < 22 else []
    port, directory = free_port(), free_port()
    children = Children(folder / "logs")
    environment = {
        "PATH": str(Path(program).parent),
        "PORT": str(port),
        "DIRECTORY_PORT": str(directory),
        "DATA": str(folder / "data"),
        "LOG_ENABLED": "false",
    }
    command = [program, *flags, "--require", str(HERE / "pds/beforehand.cjs"), str(script)]
    try:
        child = children.start("pds", command, environment=environment, folder=folder)
        until_it_answers(f"http://127.0.0.1:{port}/xrpc/_health", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        children.stop()


@dataclass(frozen=True)
class BlueskyAccount:
    did: str
    handle: str
    app_password: str


@pytest.fixture(scope="session")
def accounts(pds: str) -> tuple[BlueskyAccount, BlueskyAccount]:
    """Two accounts of the PDS, with an app password each."""
    return (make_account(pds, "department"), make_account(pds, "ministry"))


def make_account(pds: str, name: str) -> BlueskyAccount:
    with httpx2.Client(base_url=f"{pds}/xrpc/", trust_env=False, timeout=30) as client:
        asked = {"email": f"{name}@example.test", "handle": f"{name}.test", "password": f"whole password of {name}"}
        made = client.post("com.atproto.server.createAccount", json=asked).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {made['accessJwt']}"}
        app = client.post("com.atproto.server.createAppPassword", json={"name": "countersign"}, headers=bearer)
        return BlueskyAccount(made["did"], made["handle"], app.raise_for_status().json()["password"])


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Prism, answering as X's OpenAPI document says and naming what in a request is not as it says."""
    if not SPECIFICATION.exists():
        skip_aloud(f"X's OpenAPI document is not at {SPECIFICATION}.")
    program, _ = node()
    modules, folder = installed("prism"), tmp_path_factory.mktemp("prism")
    port = free_port()
    children = Children(folder / "logs")
    command: list[str | Path] = [
        program,
        modules / "node_modules/.bin/prism",
        "mock",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        SPECIFICATION,
    ]
    try:
        child = children.start("prism", command, environment={"PATH": str(Path(program).parent)}, folder=folder)
        until_it_answers(f"http://127.0.0.1:{port}/", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        children.stop()
