"""A database, a Temporal client and sandboxes for each test that asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.temporal import EmbeddedTemporal
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, make_database, seed_register
from tests.workflows.service import sandboxes


@pytest.fixture
def urls(postgres_server: EmbeddedPostgres) -> Urls:
    """A database of the test's own: a worker takes up whatever waits in the one it serves."""
    made = make_database(postgres_server)
    seed_register(made)
    return made


@pytest.fixture
async def client(temporal_server: EmbeddedTemporal) -> Client:
    return await Client.connect(temporal_server.address)


@pytest.fixture
def x(tmp_path: Path) -> Iterator[dict[str, Sandbox]]:
    with sandboxes(tmp_path, "x") as there:
        yield there


@pytest.fixture
def all_three(tmp_path: Path) -> Iterator[dict[str, Sandbox]]:
    with sandboxes(tmp_path, "x", "facebook", "linkedin") as there:
        yield there
