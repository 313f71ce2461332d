"""The real servers that tests talk to: one of each per pytest process, started at first use, gone with it.

`tests/conftest.py` imports the fixtures. A test that uses one carries the marker `database` or `temporal`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.browser import find_browser
from countersign.embedded.forget import forget
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.temporal import EmbeddedTemporal


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL of this pytest process; make databases in it with `create_database`."""
    state = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(state)
    server.start()
    yield server
    server.stop()
    forget(state)


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    """A running Temporal server of this pytest process, at `.address`, namespace `default`."""
    server = EmbeddedTemporal(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program to launch (`executable_path=`). Without any browser the test is skipped, and the reason is said."""
    found = find_browser()
    if found.program is None:
        pytest.skip(found.reason)
    return found.program
