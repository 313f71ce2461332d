"""Alarms belong to account managers and authorisers, stay until they are answered in words, and are answered once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.domain.people import Person
from core.domain.refusals import NoRole, NotFound, Refusal, StepUpNeeded
from core.records.alarms import raise_alarm
from core.records.database import Database
from core.use_cases.alarms import (
    Alarm,
    AlarmAnswered,
    AnswerMissing,
    WatchTooSeldom,
    alarm,
    answer_alarm,
    answered_alarms,
    count_open_alarms,
    open_alarms,
    set_watch,
    watches,
)
from tests.core.publishing import as_admin
from tests.kit import ACCOUNTS, Urls, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]
X = ACCOUNTS["x"]


@pytest.fixture
async def keeper(database: Database) -> Person:
    return await new_person(database, "account_manager", name="Amira Khan")


@pytest.fixture
async def raised(worker_database: Database, database: Database, keeper: Person) -> AsyncIterator[Alarm]:
    """A rogue post, seen a moment ago."""
    post_id = uuid4().hex
    async with worker_database.transaction() as session:
        assert await raise_alarm(
            session, X, "rogue", about=post_id, post_id=post_id, sentence="A post stands.", evidence={"text": "Not\x00 ours."}
        )
    async with database.transaction() as session:
        (found,) = [one for one in await open_alarms(session, by=keeper) if one.post_id == post_id]
    yield found
    async with database.transaction() as session:
        for left in await open_alarms(session, by=keeper):
            await answer_alarm(session, by=keeper, authenticated_at=datetime.now(UTC), alarm_id=left.id, words="Seen.")


async def counted(database: Database, by: Person) -> int:
    async with database.transaction() as session:
        return await count_open_alarms(session, by=by)


async def answered(
    database: Database, by: Person, alarm_id: UUID, words: str = "Our own post, by hand.", *, ago: timedelta = timedelta()
) -> None:
    async with database.transaction() as session:
        await answer_alarm(session, by=by, authenticated_at=datetime.now(UTC) - ago, alarm_id=alarm_id, words=words)


async def test_whoever_answers_has_signed_in_lately(database: Database, keeper: Person, raised: Alarm) -> None:
    with pytest.raises(StepUpNeeded):
        await answered(database, keeper, raised.id, ago=timedelta(minutes=16))
    async with database.transaction() as session:
        assert raised.id in {one.id for one in await open_alarms(session, by=keeper)}


async def test_the_same_thing_is_raised_once(worker_database: Database, raised: Alarm, urls: Urls) -> None:
    async with worker_database.transaction() as session:
        assert not await raise_alarm(session, X, "rogue", about=raised.post_id or "", sentence="Again.")
        assert await raise_alarm(session, X, "vanished", about=raised.post_id or "", sentence="Another kind of thing.")
    events = as_admin(
        urls, "SELECT action, actor FROM audit_event WHERE subject = %s ORDER BY number DESC LIMIT 2", f"account:{X}"
    )
    assert [(event["action"], event["actor"]) for event in events] == [("alarm.vanished", "service"), ("alarm.rogue", "service")]


async def test_an_alarm_is_counted_until_somebody_says_what_they_did(database: Database, keeper: Person, raised: Alarm) -> None:
    authoriser = await new_person(database, "authoriser")
    before = await counted(database, keeper)
    assert before >= 1
    assert await counted(database, authoriser) == before
    assert raised.evidence == {"text": "Not ours."}
    with pytest.raises(AnswerMissing):
        await answered(database, keeper, raised.id, "  ")
    await answered(database, keeper, raised.id)
    assert await counted(database, keeper) == before - 1
    with pytest.raises(AlarmAnswered):
        await answered(database, authoriser, raised.id)
    async with database.transaction() as session:
        found = await alarm(session, by=authoriser, alarm_id=raised.id)
        assert raised.id in {one.id for one in await answered_alarms(session, by=authoriser)}
    assert (found.answered_by, found.answer) == ("Amira Khan", "Our own post, by hand.")


async def test_who_does_not_own_alarms_neither_answers_nor_is_counted_to(database: Database, raised: Alarm) -> None:
    officer, auditor = await new_person(database, "officer"), await new_person(database, "auditor")
    assert (await counted(database, officer), await counted(database, auditor)) == (0, 0)
    for person in (officer, auditor):
        with pytest.raises(NoRole):
            await answered(database, person, raised.id)
    async with database.transaction() as session:
        assert raised.id in {one.id for one in await open_alarms(session, by=auditor)}
        with pytest.raises(NoRole):
            await open_alarms(session, by=officer)


async def test_an_alarm_that_is_not_there_is_not_found(database: Database, keeper: Person) -> None:
    with pytest.raises(NotFound):
        await answered(database, keeper, uuid4())


@pytest.mark.parametrize(
    ("seconds", "account", "refusal"),
    [(14, X, WatchTooSeldom), (241, X, WatchTooSeldom), (60, UUID(int=7), NotFound)],
)
async def test_an_account_is_watched_often_enough_to_see_a_rogue_post_within_five_minutes(
    database: Database, keeper: Person, seconds: int, account: UUID, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        async with database.transaction() as session:
            await set_watch(session, by=keeper, account_id=account, every=timedelta(seconds=seconds))


async def test_account_managers_set_how_often_an_account_is_watched(database: Database, keeper: Person, urls: Urls) -> None:
    async def every() -> Any:
        async with database.transaction() as session:
            return {watch.account_id: watch.every_seconds for watch in await watches(session, by=keeper)}[X]

    assert await every() == 120
    for seconds in (60, 30):
        async with database.transaction() as session:
            await set_watch(session, by=keeper, account_id=X, every=timedelta(seconds=seconds))
        assert await every() == seconds
    assert as_admin(urls, "SELECT 1 FROM audit_event WHERE subject = %s AND action = 'account.watch'", f"account:{X}")
    with pytest.raises(NoRole):
        async with database.transaction() as session:
            await set_watch(session, by=await new_person(database, "authoriser"), account_id=X, every=timedelta(seconds=60))
