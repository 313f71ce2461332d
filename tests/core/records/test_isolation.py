"""Holds bind because dispatch reads them after their locks: only where each statement sees what was committed before it."""

import json

import psycopg
import pytest
from sqlalchemy import text

from core.records.database import Database
from core.use_cases.holding import place_hold
from tests.core.publishing import AtTheGate, as_admin, attempts, state_of
from tests.kit import Urls

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.mark.parametrize("level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE])
async def test_a_worker_that_could_not_see_a_hold_sends_nothing(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate, level: psycopg.IsolationLevel
) -> None:
    """Its snapshot is older than the hold."""
    with psycopg.connect(urls.worker) as late:
        late.isolation_level = level
        late.execute("SELECT count(*) FROM hold")
        async with database.transaction() as session:
            await place_hold(session, actor="a", scope="platform", target="x", reason="Stop.")
        with pytest.raises(psycopg.errors.InvalidTransactionState, match="READ COMMITTED"):
            late.execute("SELECT * FROM dispatch(%s, %s, %s::jsonb)", (gate.id, gate.epoch, json.dumps(gate.verdict)))
    assert (await state_of(worker_database, gate.id), attempts(urls, gate.id)) == ("claimed", [])


def test_a_hold_is_placed_only_where_it_binds(urls: Urls) -> None:
    with psycopg.connect(urls.api) as api:
        api.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.errors.InvalidTransactionState, match="READ COMMITTED"):
            api.execute("SELECT lock_before_holding('all', '')")


async def test_the_service_chooses_its_isolation_whatever_the_servers_default_is(urls: Urls) -> None:
    (row,) = as_admin(urls, "SELECT current_database() AS name")
    as_admin(urls, f"ALTER DATABASE {row['name']} SET default_transaction_isolation TO 'repeatable read'")
    database = Database(urls.worker)
    try:
        shown = text("SHOW transaction_isolation")
        async with database.transaction() as session:
            assert (await session.execute(shown)).scalar_one() == "read committed"
        async with database.single() as connection:
            assert (await connection.execute(shown)).scalar_one() == "read committed"
    finally:
        await database.close()
        as_admin(urls, f"ALTER DATABASE {row['name']} RESET default_transaction_isolation")
