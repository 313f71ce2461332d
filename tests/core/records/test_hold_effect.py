"""A hold takes effect within a second on every target, in a burst too; a calendar hold ends by the clock and frees nothing."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.domain.publication import State
from core.records.calls import dispatch
from core.records.database import Database
from core.records.departures import Departure, dispatch_all
from core.records.upkeep import renew_leases
from core.use_cases.following import Following, follow
from core.use_cases.holding import place_hold
from tests.core.publishing import AtTheGate, Twin, as_admin, at_the_gate, dispatched, set_time, state_of, twins
from tests.kit import ACCOUNTS, Urls, in_minutes, new_cast

pytestmark = [pytest.mark.anyio, pytest.mark.database]
BURST = 1_000
# As the worker leaves: twenty to a transaction, two transactions at once; and some alone beside them.
TOGETHER, AT_ONCE, ALONE = 20, 2, 200


@pytest.fixture(autouse=True)
def nothing_stays_held(urls: Urls) -> Iterator[None]:
    yield
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


@pytest.fixture
async def gate(database: Database, worker_database: Database, urls: Urls) -> AtTheGate:
    return await at_the_gate(database, worker_database, urls, await new_cast(database, urls))


def target_of(scope: str, gate: AtTheGate) -> str:
    return {"all": "", "platform": "x", "account": str(ACCOUNTS["x"]), "draft": str(gate.saved.draft_id)}[scope]


@pytest.mark.parametrize("scope", ["all", "platform", "account", "draft"])
async def test_a_hold_placed_in_a_burst_binds_within_a_second(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate, scope: str
) -> None:
    field = twins(urls, gate, BURST, valid_until=datetime.now(UTC) + timedelta(minutes=5))
    together, alone, under_way = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(4), asyncio.Event()
    answers: list[str] = []

    async def leave_alone(one: Twin) -> None:
        async with alone, worker_database.transaction() as session:
            answers.append((await dispatch(session, one.id, epoch=1, verdict=one.verdict)).result)

    async def leave_together(ones: list[Twin]) -> None:
        async with together, worker_database.transaction() as session:
            left = await dispatch_all(session, [Departure(one.id, 1, one.verdict) for one in ones])
        answers.extend(one.result for one in left)
        if len(answers) >= BURST // 10:
            under_way.set()

    async def burst() -> None:
        batches = [field[at : at + TOGETHER] for at in range(ALONE, BURST, TOGETHER)]
        await asyncio.gather(*map(leave_alone, field[:ALONE]), *map(leave_together, batches))

    async def hold() -> float:
        await under_way.wait()
        began = time.monotonic()
        async with database.transaction() as session:
            await place_hold(session, actor="a", scope=scope, target=target_of(scope, gate), reason="An incident.")
        return time.monotonic() - began

    took, _ = await asyncio.gather(hold(), burst())
    as_admin(urls, "UPDATE publication SET state = 'unknown' WHERE state = 'sending'")
    assert took < 1.0, f"from asking to commit took {took:.2f} s"
    assert (await dispatched(worker_database, gate)).result == "held", "and it binds as soon as it committed"
    assert len(answers) == BURST
    if scope != "draft":  # the twins' drafts are their own
        assert answers.count("held") > BURST // 10, "it was placed amid the burst, and the rest of it stopped"
    as_admin(urls, "UPDATE publication SET state = 'withdrawn' WHERE state IN ('claimed', 'held')")


async def test_a_hold_stops_until_its_end_and_what_it_stopped_stays_stopped(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    draft = str(gate.saved.draft_id)
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="draft", target=draft, reason="Silence.", ends_at=in_minutes(2))
    assert (await dispatched(worker_database, gate)).result == "held"
    as_admin(urls, "UPDATE hold SET starts_at = now() - interval '2 minutes', ends_at = now() WHERE target = %s", draft)
    assert await state_of(worker_database, gate.id) == State.HELD
    assert (await dispatched(worker_database, gate)).result == "fenced", "its end releases nothing by itself"


async def test_a_hold_that_ended_binds_nothing_later(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    draft = str(gate.saved.draft_id)
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="draft", target=draft, reason="Silence.", ends_at=in_minutes(2))
    as_admin(urls, "UPDATE hold SET starts_at = now() - interval '2 minutes', ends_at = now() WHERE target = %s", draft)
    assert (await dispatched(worker_database, gate)).result == "sending"


@pytest.mark.parametrize(("due", "held"), [("90 seconds", True), ("3 minutes", False)])
async def test_the_gate_sends_nobody_away_whose_time_is_after_the_end(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate, due: str, held: bool
) -> None:
    """A post due just after the two-minute silence is claimed while the silence lasts, and goes out at its time."""
    as_admin(urls, "UPDATE publication SET publish_at = now() + CAST(%s AS interval) WHERE id = %s", due, gate.id)
    async with database.transaction() as session:
        await place_hold(
            session, actor="a", scope="draft", target=str(gate.saved.draft_id), reason="Silence.", ends_at=in_minutes(2)
        )
    async with worker_database.transaction() as session:
        _, found = await renew_leases(session, waiting={gate.id: gate.epoch}, lease_seconds=15)
    assert [row.held for row in found] == [held]


def followed(seen: Following, ours: set[UUID]) -> list[tuple[UUID, State | None, State]]:
    return [(one.id, one.was, one.state) for one in seen.in_flight if one.id in ours]


async def test_a_hold_follows_what_was_in_flight_when_it_began(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    waiting, after = twins(urls, gate, 2, valid_until=datetime.now(UTC) + timedelta(minutes=5))
    assert (await dispatched(worker_database, gate)).result == "sending"
    async with database.transaction() as session:
        hold = await place_hold(session, actor="a", scope="account", target=str(ACCOUNTS["x"]), reason="An incident.")
        elsewhere = await place_hold(session, actor="a", scope="platform", target="facebook", reason="Elsewhere.")
    async with worker_database.transaction() as session:
        assert (await dispatch(session, waiting.id, epoch=1, verdict=waiting.verdict)).result == "held"
    reader, ours = gate.cast.officer, {gate.id, waiting.id, after.id}
    async with database.transaction() as session:
        seen = await follow(session, by=reader, hold_id=hold)
        assert followed(seen, ours) == [(gate.id, State.SENDING, State.SENDING)]
        assert seen.moving
        assert [one.id for one in seen.stopped if one.id in ours] == [waiting.id]
        assert [one.id for one in seen.waiting if one.id in ours] == [after.id]
        assert (await follow(session, by=reader, hold_id=elsewhere)).in_flight == ()
    as_admin(urls, "UPDATE publication SET state = 'published', post_id = '1' WHERE id = %s", gate.id)
    async with database.transaction() as session:
        settled = await follow(session, by=reader, hold_id=hold)
    assert followed(settled, ours) == [(gate.id, State.SENDING, State.PUBLISHED)]
    assert gate.id not in [one.id for one in settled.unsettled]


async def test_what_settled_before_the_hold_is_not_followed(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    assert (await dispatched(worker_database, gate)).result == "sending"
    as_admin(urls, "UPDATE publication SET state = 'published', post_id = '2' WHERE id = %s", gate.id)
    async with database.transaction() as session:
        hold = await place_hold(session, actor="a", scope="draft", target=str(gate.saved.draft_id), reason="Stop.")
        assert (await follow(session, by=gate.cast.officer, hold_id=hold)).in_flight == ()


async def test_a_planned_hold_tells_what_it_will_stop_and_nothing_is_in_flight_yet(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    set_time(urls, gate.saved.draft_id, "1 minute")
    draft = str(gate.saved.draft_id)
    async with database.transaction() as session:
        hold = await place_hold(
            session, actor="a", scope="draft", target=draft, reason="Silence.", starts_at=in_minutes(60), ends_at=in_minutes(62)
        )
        seen = await follow(session, by=gate.cast.officer, hold_id=hold)
    assert (seen.hold.stands, seen.in_flight, seen.moving) == (False, (), False)
    assert [one.id for one in seen.waiting] == [gate.id]
