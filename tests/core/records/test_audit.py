"""The chain verifies after every act, and tells on whoever changes, removes, moves or adds anything."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.records.audit import append, verify
from core.records.database import Database
from core.records.reads import look_again
from tests.core.publishing import at_the_gate, dispatched
from tests.kit import Urls, authorised, new_cast

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_the_chain_verifies_after_many_acts_at_once(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    await asyncio.gather(*(authorised(database, cast) for _ in range(5)))
    await dispatched(worker_database, await at_the_gate(database, worker_database, urls, cast))
    subject = f"test:{uuid4()}"

    async def write(number: int) -> None:
        async with database.transaction() as session:
            await append(session, subject=subject, actor="somebody", action="test.write", detail={"n": number, "words": "é\n\"'"})

    await asyncio.gather(*(write(n) for n in range(40)))
    async with database.transaction() as session:
        report = await verify(session)
        numbers = await session.execute(
            text("SELECT array_agg(number ORDER BY number) FROM audit_event WHERE subject = :s"), {"s": subject}
        )
        assert numbers.scalar_one() == list(range(1, 41))
    assert report.faults == ()
    assert report.events > 40
    assert report.subjects > 6


async def test_an_act_that_fails_leaves_no_event_and_no_gap(database: Database) -> None:
    subject = f"test:{uuid4()}"
    for fails in (False, True, False):
        try:
            async with database.transaction() as session:
                await append(session, subject=subject, actor="somebody", action="test.write")
                if fails:
                    raise LookupError
        except LookupError:
            continue
    async with database.transaction() as session:
        assert (await verify(session)).faults == ()
        rows = await session.execute(text("SELECT count(*) FROM audit_event WHERE subject = :s"), {"s": subject})
        assert rows.scalar_one() == 2


async def test_if_the_event_cannot_be_written_the_act_fails(database: Database) -> None:
    message = uuid4()

    async def act() -> None:
        async with database.transaction() as session:
            await look_again(session, draft_id=message)
            await append(session, subject="test:x", actor="service", action="draft.authorise")

    with pytest.raises(DBAPIError):
        await act()
    async with database.transaction() as session:
        left = await session.execute(text("SELECT count(*) FROM outbox WHERE subject_id = :id"), {"id": message})
        assert left.scalar_one() == 0


@pytest.fixture
async def intruder(database: Database, urls: Urls) -> AsyncIterator[AsyncSession]:
    """A superuser with every trigger and check out of the way, before a chain of five; nothing of it is kept."""
    async with database.transaction() as session:
        for n in range(5):
            await append(session, subject="test:five", actor="somebody", action=f"test.{n}", paragraph=36)
    admin = Database(urls.admin, pool_size=1)
    try:
        async with admin.engine.connect() as connection:
            session = AsyncSession(connection)
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            assert (await verify(session)).faults == ()
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(
                text(
                    "ALTER TABLE audit_event DROP CONSTRAINT audit_event_hash_matches, DROP CONSTRAINT audit_event_prev_key, "
                    "DROP CONSTRAINT audit_event_subject_number_key"
                )
            )
            await session.execute(text("CREATE TEMP VIEW five AS SELECT * FROM audit_event WHERE subject = 'test:five'"))
            yield session
            await session.rollback()
            await session.close()
    finally:
        await admin.close()


FORGED_BODY = "body = convert_to(replace(convert_from(body, 'UTF8'), 'somebody', 'nobodyy'), 'UTF8')"
# :last is the number of the last event of the chain.
TAMPERED = {
    "the body": ("UPDATE five SET {forged} WHERE number = :last - 2",),
    "the body and its hash": (
        "UPDATE five SET {forged} WHERE number = :last - 2",
        "UPDATE five SET hash = sha256(body), actor = 'nobodyy' WHERE number = :last - 2",
    ),
    "the last body and its hash": (
        "UPDATE five SET {forged} WHERE number = :last",
        "UPDATE five SET hash = sha256(body), actor = 'nobodyy' WHERE number = :last",
    ),
    "a body that is no JSON": ("UPDATE five SET body = 'junk', hash = sha256('junk') WHERE number = :last",),
    "a body that is a list": ("UPDATE five SET body = '[]', hash = sha256('[]') WHERE number = :last",),
    "the actor shown": ("UPDATE five SET actor = 'somebody else' WHERE number = :last - 2",),
    "the action shown": ("UPDATE five SET action = 'test.other' WHERE number = :last - 2",),
    "the paragraph shown": ("UPDATE five SET paragraph = NULL WHERE number = :last - 2",),
    "the time shown": ("UPDATE five SET at = at - interval '1 microsecond' WHERE number = :last - 2",),
    "one deleted": ("DELETE FROM five WHERE number = :last - 2",),
    "the first deleted": ("DELETE FROM five WHERE number = 1",),
    "the tail cut off": ("DELETE FROM five WHERE number = :last",),
    "all of them": ("DELETE FROM five",),
    "the table emptied": ("TRUNCATE audit_event",),
    "the head deleted": ("DELETE FROM audit_head WHERE subject = 'test:five'",),
    "the head put back": (
        "DELETE FROM five WHERE number = :last",
        "UPDATE audit_head SET number = number - 1 WHERE subject = 'test:five'",
    ),
    "two changed places": (
        "UPDATE five SET number = -1 WHERE number = :last - 2",
        "UPDATE five SET number = :last - 2 WHERE number = :last - 1",
        "UPDATE five SET number = :last - 1 WHERE number = -1",
    ),
    "one moved to another chain": ("UPDATE five SET subject = 'test:other', number = 1 WHERE number = :last",),
    "one forged at the end": (
        "INSERT INTO five (subject, number, prev, hash, body, at, actor, action) "
        "SELECT subject, number + 1, hash, sha256(body), body, at, actor, action FROM five WHERE number = :last",
    ),
    "one forged well, but for the head": (
        "INSERT INTO five (subject, number, prev, hash, body, at, actor, action) "
        "SELECT subject, number + 1, hash, ''::bytea, convert_to(json_build_object('subject', subject, 'number', number + 1, "
        "'prev', encode(hash, 'hex'), 'at', '2026-01-01T00:00:00.000000Z', 'actor', 'x', 'action', 'y')::text, 'UTF8'), "
        "'2026-01-01T00:00:00Z', 'x', 'y' FROM five WHERE number = :last",
        "UPDATE five SET hash = sha256(body) WHERE number = :last + 1",
    ),
    "one doubled": (
        "INSERT INTO five (subject, number, prev, hash, body, at, actor, action) "
        "SELECT subject, number, prev, hash, body, at, actor, action FROM five WHERE number = :last",
    ),
}


@pytest.mark.parametrize("statements", TAMPERED.values(), ids=TAMPERED.keys())
async def test_whoever_tampers_is_told_on(intruder: AsyncSession, statements: tuple[str, ...]) -> None:
    last = (await intruder.execute(text("SELECT max(number) FROM five"))).scalar_one()
    for statement in statements:
        done = await intruder.execute(text(statement.replace("{forged}", FORGED_BODY)), {"last": last})
        assert done.rowcount != 0, "the forgery itself must have worked"  # type: ignore[attr-defined]
    report = await verify(intruder)
    assert report.faults
    assert all(fault.endswith(".") for fault in report.faults)
