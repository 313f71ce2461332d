"""Leaving together: each judged by itself as if it were alone, holds bind in the middle, nobody waits in a ring."""

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core.domain.outcome import Outcome, Result
from core.records.database import Database
from core.records.departures import Departure, Receipt, dispatch_all, record_receipts
from core.use_cases.holding import place_hold
from tests.core.publishing import AtTheGate, Twin, as_admin, at_the_gate, state_of, twins
from tests.kit import ACCOUNTS, Urls, new_cast

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def gate(database: Database, worker_database: Database, urls: Urls) -> AtTheGate:
    return await at_the_gate(database, worker_database, urls, await new_cast(database, urls))


def many(urls: Urls, gate: AtTheGate, count: int) -> list[Twin]:
    return twins(urls, gate, count, valid_until=datetime.now(UTC) + timedelta(minutes=5))


def leaving(twin: Twin, *, epoch: int = 1, **changed: object) -> Departure:
    return Departure(twin.id, epoch, {**twin.verdict, **changed})


async def left(worker: Database, departures: list[Departure]) -> list[str]:
    async with worker.transaction() as session:
        return [answered.result for answered in await dispatch_all(session, departures)]


async def test_each_is_judged_by_itself_and_answered_in_the_order_asked(
    worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    one, two, three, four, five = many(urls, gate, 5)
    as_admin(urls, "UPDATE authority SET revoked_at = now(), revoked_by = 'a' WHERE id = %s", two.authority_id)
    asked = [
        leaving(one),
        leaving(two),
        leaving(three, epoch=7),
        leaving(four, draft_revision=99),
        Departure(uuid4(), 1, five.verdict),
        leaving(five),
    ]
    assert await left(worker_database, asked) == ["sending", "revoked", "fenced", "judge_again", "fenced", "sending"]
    states = [await state_of(worker_database, twin.id) for twin in (one, two, three, four, five)]
    assert states == ["sending", "revoked", "claimed", "claimed", "sending"]


async def test_the_same_twice_in_one_go_leaves_once(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    [one] = many(urls, gate, 1)
    assert sorted(await left(worker_database, [leaving(one), leaving(one)])) == ["fenced", "sending"]
    assert len(as_admin(urls, "SELECT 1 FROM attempt WHERE publication_id = %s", one.id)) == 1


async def test_receipts_move_each_publication_by_its_own_answer(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    field = many(urls, gate, 4)
    async with worker_database.transaction() as session:
        answered = await dispatch_all(session, [leaving(twin) for twin in field])
    later = datetime.now(UTC) + timedelta(minutes=1)
    results = (Result.ACCEPTED, Result.UNKNOWN, Result.NOT_SENT, Result.REFUSED)
    receipts = [
        Receipt(uuid4(), dispatched.attempt_id, Outcome(result, f"{result}\x00", post_id=f"p{place}"), later)
        for place, (dispatched, result) in enumerate(zip(answered, results, strict=True))
        if dispatched.attempt_id
    ]
    for _ in range(2):  # given again it changes nothing
        async with worker_database.transaction() as session:
            states = await record_receipts(session, receipts)
        assert states == ["published", "unknown", "scheduled", "rejected"]
    assert [await state_of(worker_database, twin.id) for twin in field] == states
    kept = as_admin(urls, "SELECT count(*) AS n FROM receipt WHERE attempt_id = ANY(%s)", [r.attempt_id for r in receipts])
    assert kept[0]["n"] == 4


async def test_holds_bind_in_the_middle_of_a_burst_and_nobody_waits_in_a_ring(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    """Four lanes of forty in random order, while people hold drafts, the account, the platform, all of it."""
    field = many(urls, gate, 240)
    random.Random(3).shuffle(field)  # noqa: S311 - an order, not a secret
    batches = [[leaving(twin) for twin in field[first : first + 40]] for first in range(0, 240, 40)]
    placed: list[float] = []

    async def hold(scope: str, target: str) -> None:
        began = time.monotonic()
        async with database.transaction() as session:
            await place_hold(session, actor="a", scope=scope, target=target, reason="An incident.")
        placed.append(time.monotonic() - began)

    people = [hold("draft", str(field[n].draft_id)) for n in (10, 130, 230)]
    people += [hold("account", str(ACCOUNTS["x"])), hold("platform", "x"), hold("all", "")]
    answers, _ = await asyncio.gather(
        asyncio.gather(*(left(worker_database, batch) for batch in batches)), asyncio.gather(*people)
    )
    seen = {result for batch in answers for result in batch}
    assert seen <= {"sending", "held"}, "no deadlock, no other refusal"
    assert max(placed) < 1.0
    late = as_admin(
        urls,
        "SELECT count(*) AS n FROM attempt t JOIN publication p ON p.id = t.publication_id JOIN hold h ON h.placed_at < "
        "t.dispatched_at AND h.lifted_at IS NULL AND h.starts_at < t.dispatched_at AND h.scope = 'all' WHERE p.id = ANY(%s)",
        [twin.id for twin in field],
    )
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")
    assert late[0]["n"] == 0, "placed_at is stamped under the lock: nothing is dispatched after it"
