"""A service for each module of faults: what one kill left behind is no other module's concern."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.embedded.forget import forget
from tests.faults.running import Running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state: Path = tmp_path_factory.mktemp("faults")
    running = Running(state)
    try:
        asyncio.run(running.start())
        yield running
    finally:
        running.parts.stop()
        forget(state)
