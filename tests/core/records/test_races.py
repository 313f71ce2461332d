"""Stopping always wins or is told truthfully that it came too late: never both, never neither, at any interleaving."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core.domain.refusals import AlreadySent
from core.records.audit import verify
from core.records.calls import Dispatched, dispatch
from core.records.database import Database
from core.use_cases.drafting import save_draft
from core.use_cases.holding import place_hold
from core.use_cases.submitting import withdraw
from tests.core.publishing import AtTheGate, Twin, as_admin, at_the_gate, twins
from tests.kit import Urls, in_minutes, new_cast, source

pytestmark = [pytest.mark.anyio, pytest.mark.database]

RUNS = 200
AT_ONCE = 8
# What a pause between the two starts may be, in seconds: about as long as either transaction takes.
PAUSE = 0.008


@dataclass
class Race:
    """What both sides did: `sent` by the attempt's instant, `stopped` by the rival's own; None where it was refused."""

    sent: datetime | None
    stopped: datetime | None


@pytest.fixture
async def admin(urls: Urls) -> AsyncIterator[Database]:
    made = Database(urls.admin, pool_size=10)
    yield made
    await made.close()


@pytest.fixture
async def starting_line(database: Database, worker_database: Database, urls: Urls) -> AsyncIterator[tuple[AtTheGate, list[Twin]]]:
    """Two hundred publications at the gate, all due."""
    first = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    yield first, twins(urls, first, RUNS, valid_until=datetime.now(UTC) + timedelta(minutes=30))
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


async def send(worker: Database, twin: Twin) -> Dispatched:
    async with worker.transaction() as session:
        return await dispatch(session, twin.id, epoch=1, verdict=twin.verdict)


async def run(
    worker: Database, field: list[Twin], stop: Callable[[Twin], Awaitable[datetime | None]]
) -> tuple[list[Race], set[str]]:
    """Each twin's dispatch against its own rival, each starting at random a little before or after the other."""
    lanes = asyncio.Semaphore(AT_ONCE)
    answers: set[str] = set()

    async def late(pause: float) -> None:
        if pause > 0:
            await asyncio.sleep(pause)

    async def one(twin: Twin) -> Race:
        head_start = random.uniform(-PAUSE, PAUSE)  # noqa: S311

        async def sending() -> datetime | None:
            await late(head_start)
            answer = await send(worker, twin)
            answers.add(answer.result)
            return answer.at if answer.result == "sending" else None

        async def stopping() -> datetime | None:
            await late(-head_start)
            return await stop(twin)

        async with lanes:
            sent, stopped = await asyncio.gather(sending(), stopping())
        assert (await send(worker, twin)).result != "sending", "whatever happened, not once more after both committed"
        return Race(sent, stopped)

    return list(await asyncio.gather(*(one(twin) for twin in field))), answers


def attempts_of(urls: Urls, field: list[Twin]) -> dict[UUID, datetime]:
    rows = as_admin(
        urls, "SELECT publication_id, dispatched_at FROM attempt WHERE publication_id = ANY(%s)", [t.id for t in field]
    )
    assert len(rows) == len({row["publication_id"] for row in rows}), "at most one attempt each"
    return {row["publication_id"]: row["dispatched_at"] for row in rows}


def both_happened(races: list[Race]) -> None:
    """Otherwise nothing was raced: each side must have come first now and then."""
    sent = sum(race.sent is not None for race in races)
    assert 0 < sent < len(races), f"{sent} of {len(races)} were sent: no race"


async def test_nothing_is_dispatched_after_a_hold_committed(
    database: Database, worker_database: Database, urls: Urls, starting_line: tuple[AtTheGate, list[Twin]]
) -> None:
    _, field = starting_line
    binding: dict[UUID, datetime] = {}

    async def stop(twin: Twin) -> datetime | None:
        async with database.transaction() as session:
            hold = await place_hold(session, actor="a", scope="draft", target=str(twin.draft_id), reason="Stop.")
            row = await session.execute(text("SELECT starts_at FROM hold WHERE id = :id"), {"id": hold})
            binding[twin.id] = row.scalar_one()
        return binding[twin.id]

    races, answers = await run(worker_database, field, stop)
    both_happened(races)
    assert answers == {"sending", "held"}
    for publication, at in attempts_of(urls, field).items():
        # The hold's instant is read under its exclusive lock, before it commits: stricter than the promise.
        assert at < binding[publication]


async def test_a_hold_on_everything_stops_a_burst_at_one_instant(
    database: Database, worker_database: Database, urls: Urls, starting_line: tuple[AtTheGate, list[Twin]]
) -> None:
    _, field = starting_line
    lanes = asyncio.Semaphore(AT_ONCE)

    in_the_middle = asyncio.Event()
    done: list[UUID] = []

    async def sending(twin: Twin) -> str:
        async with lanes:
            answer = await send(worker_database, twin)
        done.append(twin.id)
        if len(done) == RUNS // 4:
            in_the_middle.set()
        return answer.result

    async def holding() -> datetime:
        await in_the_middle.wait()
        async with database.transaction() as session:
            hold = await place_hold(session, actor="a", scope="all", target="", reason="Stop.")
            row = await session.execute(text("SELECT starts_at FROM hold WHERE id = :id"), {"id": hold})
            at: datetime = row.scalar_one()
        return at

    answers, bound = await asyncio.gather(asyncio.gather(*(sending(twin) for twin in field)), holding())
    dispatched = attempts_of(urls, field)
    assert all(at < bound for at in dispatched.values())
    assert answers.count("sending") == len(dispatched)
    assert answers.count("held") == RUNS - len(dispatched) > 0


async def test_a_withdrawal_wins_or_is_told_that_it_was_sent(
    database: Database, worker_database: Database, urls: Urls, starting_line: tuple[AtTheGate, list[Twin]]
) -> None:
    first, field = starting_line

    async def stop(twin: Twin) -> datetime | None:
        try:
            async with database.transaction() as session:
                await withdraw(session, by=first.cast.officer, draft_id=twin.draft_id, reason="")
        except AlreadySent:
            return None
        return datetime.now(UTC)

    races, answers = await run(worker_database, field, stop)
    both_happened(races)
    assert answers == {"sending", "withdrawn"}
    assert all((race.sent is None) != (race.stopped is None) for race in races)
    assert len(attempts_of(urls, field)) == sum(race.sent is not None for race in races)


async def test_an_edit_wins_or_is_told_that_it_was_sent(
    database: Database, worker_database: Database, urls: Urls, starting_line: tuple[AtTheGate, list[Twin]]
) -> None:
    first, field = starting_line
    words = source(text="Other words.")

    async def stop(twin: Twin) -> datetime | None:
        try:
            async with database.transaction() as session:
                await save_draft(
                    session,
                    by=first.cast.officer,
                    draft_id=twin.draft_id,
                    seen_version=1,
                    source=words,
                    publish_at=in_minutes(60),
                )
        except AlreadySent:
            return None
        return datetime.now(UTC)

    races, answers = await run(worker_database, field, stop)
    both_happened(races)
    assert answers == {"sending", "stale"}
    assert all((race.sent is None) != (race.stopped is None) for race in races)


@asynccontextmanager
async def locked(admin: Database, authority: UUID) -> AsyncIterator[Callable[[], Awaitable[datetime]]]:
    """Revoking as the register's page will: the row's lock first, then the clock."""
    async with admin.transaction() as session:
        await session.execute(text("SELECT 1 FROM authority WHERE id = :id FOR UPDATE"), {"id": authority})

        async def revoke() -> datetime:
            row = await session.execute(
                text(
                    "UPDATE authority SET revoked_at = clock_timestamp(), revoked_by = 'a', revision = revision + 1 "
                    "WHERE id = :id RETURNING revoked_at"
                ),
                {"id": authority},
            )
            at: datetime = row.scalar_one()
            return at

        yield revoke


async def test_nothing_is_dispatched_on_a_revoked_authority(
    admin: Database, worker_database: Database, urls: Urls, starting_line: tuple[AtTheGate, list[Twin]]
) -> None:
    _, field = starting_line
    revoked: dict[UUID, datetime] = {}

    async def stop(twin: Twin) -> datetime | None:
        async with locked(admin, twin.authority_id) as revoke:
            revoked[twin.id] = await revoke()
        return revoked[twin.id]

    races, answers = await run(worker_database, field, stop)
    both_happened(races)
    assert answers == {"sending", "revoked"}
    for publication, at in attempts_of(urls, field).items():
        assert at < revoked[publication]


async def test_two_workers_never_both_send(
    database: Database, worker_database: Database, urls: Urls, starting_line: tuple[AtTheGate, list[Twin]]
) -> None:
    _, field = starting_line

    async def rival(twin: Twin) -> datetime | None:
        answer = await send(worker_database, twin)
        return answer.at if answer.result == "sending" else None

    races, answers = await run(worker_database, field, rival)
    assert all((race.sent is None) != (race.stopped is None) for race in races)
    assert answers == {"sending", "fenced"}
    assert len(attempts_of(urls, field)) == RUNS
    async with database.transaction() as session:
        assert (await verify(session)).faults == ()
