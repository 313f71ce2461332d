"""The API over the real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from core.records.database import Database
from tests.api.kit import KnownTokens, application, calling


@pytest.fixture
def tokens() -> KnownTokens:
    return KnownTokens()


@pytest.fixture
async def client(database: Database, tokens: KnownTokens, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(application(database, tokens, tmp_path)) as client:
        yield client
