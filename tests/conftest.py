"""Fixtures every test may use."""

import pytest

from tests.kit import database, urls, worker_database
from tests.servers import chromium, postgres_server, temporal_server

__all__ = ["anyio_backend", "chromium", "database", "postgres_server", "temporal_server", "urls", "worker_database"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
