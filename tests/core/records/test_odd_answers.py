"""Whatever a platform said is written down, and no log quotes what people wrote."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.domain.outcome import Outcome, Result
from core.records.calls import record_receipt
from core.records.database import Database
from tests.core.publishing import as_admin, at_the_gate, dispatched
from tests.kit import Urls, new_cast

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_an_answer_that_no_text_column_can_hold_is_written_down(
    database: Database, worker_database: Database, urls: Urls
) -> None:
    one = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    sent = await dispatched(worker_database, one)
    assert sent.attempt_id is not None
    outcome = Outcome(Result.REFUSED, "X refused the post. It said: \x00no\ud800.", post_id="1\x00", permalink="https://x\ud800")
    async with worker_database.transaction() as session:
        await record_receipt(session, attempt_id=sent.attempt_id, outcome=outcome)
    (row,) = as_admin(urls, "SELECT state, note FROM publication WHERE id = %s", one.id)
    assert row == {"state": "rejected", "note": "X refused the post. It said: no?."}
    (kept,) = as_admin(urls, "SELECT post_id, permalink FROM receipt WHERE attempt_id = %s", sent.attempt_id)
    assert kept == {"post_id": "1", "permalink": "https://x?"}


async def test_an_error_of_the_database_quotes_no_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as error:
        async with database.transaction() as session:
            await session.execute(text("SELECT CAST(:words AS text), 1 / 0"), {"words": "a canary in a draft"})
    assert "canary" not in str(error.value)
