"""One asks, another confirms: nobody is their own second person, and what was asked stays as it was asked."""

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from core.domain.people import Person
from core.domain.refusals import BadInput, NotFound
from core.records.database import Database
from core.use_cases.second_person import (
    AlreadyAsked,
    NothingToConfirm,
    SecondPersonNeeded,
    confirm,
    open_proposals,
    propose,
    take_back,
)
from tests.core.publishing import as_admin
from tests.kit import Urls, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def asked(database: Database, by: Person, subject: str, *, good_for: timedelta = timedelta(hours=1)) -> UUID:
    async with database.transaction() as session:
        return await propose(session, by=by, kind="test.act", subject=subject, reason="because", good_for=good_for)


async def said_yes(database: Database, by: Person, proposal: UUID, kind: str = "test.act") -> None:
    async with database.transaction() as session:
        await confirm(session, by=by, proposal_id=proposal, kind=kind)


async def test_another_person_confirms_and_both_are_on_the_record(database: Database, urls: Urls) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    subject = f"test:{uuid4()}"
    proposal = await asked(database, one, subject)
    async with database.transaction() as session:
        assert [p.id for p in await open_proposals(session, subject=subject)] == [proposal]
    await said_yes(database, two, proposal)
    async with database.transaction() as session:
        assert await open_proposals(session, subject=subject) == []
    events = as_admin(urls, "SELECT action, actor FROM audit_event WHERE subject = %s ORDER BY number", subject)
    assert [(e["action"], e["actor"].split("|")[1]) for e in events] == [
        ("test.act.ask", one.subject),
        ("test.act.confirm", two.subject),
    ]


async def test_nobody_is_their_own_second_person(database: Database, urls: Urls) -> None:
    one = await new_person(database, "account_manager")
    proposal = await asked(database, one, f"test:{uuid4()}")
    with pytest.raises(SecondPersonNeeded):
        await said_yes(database, one, proposal)
    with psycopg.connect(urls.api) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE proposal SET confirmed_by = %s WHERE id = %s", (one.id, proposal))


async def test_it_is_asked_once_and_answered_once(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    subject = f"test:{uuid4()}"
    proposal = await asked(database, one, subject)
    with pytest.raises(AlreadyAsked):
        await asked(database, two, subject)
    await said_yes(database, two, proposal)
    with pytest.raises(NothingToConfirm):
        await said_yes(database, two, proposal)
    assert await asked(database, two, subject) != proposal


async def test_what_was_taken_back_or_lapsed_is_not_confirmed(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    subject = f"test:{uuid4()}"
    proposal = await asked(database, one, subject)
    async with database.transaction() as session:
        await take_back(session, by=two, proposal_id=proposal, kind="test.act")
    with pytest.raises(NothingToConfirm):
        await said_yes(database, two, proposal)
    lapsed = await asked(database, one, subject, good_for=timedelta(0))
    with pytest.raises(NothingToConfirm):
        await said_yes(database, two, lapsed)
    assert await asked(database, one, subject) != lapsed


async def test_a_yes_to_one_act_is_no_yes_to_another(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    proposal = await asked(database, one, f"test:{uuid4()}")
    with pytest.raises(NotFound):
        await said_yes(database, two, proposal, kind="another.act")


async def test_a_reason_is_needed(database: Database) -> None:
    one = await new_person(database, "account_manager")
    async with database.transaction() as session:
        with pytest.raises(BadInput) as refused:
            await propose(session, by=one, kind="test.act", subject="test:x", reason="  ")
    assert refused.value.field == "reason"


@pytest.mark.parametrize("column", ["reason", "subject", "asked_by", "good_until"])
async def test_what_was_asked_stays_as_it_was_asked(database: Database, urls: Urls, column: str) -> None:
    one = await new_person(database, "account_manager")
    proposal = await asked(database, one, f"test:{uuid4()}")
    with psycopg.connect(urls.api) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"UPDATE proposal SET {column} = {column} WHERE id = %s", (proposal,))  # noqa: S608
