"""Fixtures of the page tests."""

from pathlib import Path

import pytest

from core.records.database import Database
from integrations.store import MediaStore
from tests.web.house import House


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(database, MediaStore.at(str(tmp_path / "media")))
