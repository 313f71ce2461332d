"""People by issuer and subject; sessions nobody undoes; one POST, one act."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.domain.identity import StoredSession
from core.records.database import Database
from core.use_cases.idempotency import KeptAnswer, KeyReused, keep_answer, kept_answer
from core.use_cases.people import caller, is_fresh, person_by_id, recognise
from core.use_cases.sessions import DatabaseSessions, delete_ended
from tests.core.publishing import as_admin
from tests.kit import ISSUER, Urls

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def known(database: Database, subject: str, *roles: str, **changes: Any) -> Any:
    asked: dict[str, Any] = {"issuer": ISSUER, "name": "Olivia", "email": "olivia@example.org"}
    async with database.transaction() as session:
        return await recognise(session, subject=subject, roles=frozenset(roles), **{**asked, **changes})


async def test_a_person_stays_the_same_whatever_their_name_becomes(database: Database, urls: Urls) -> None:
    subject = uuid4().hex
    before = await known(database, subject, "officer")
    after = await known(database, subject, "auditor", name="Olivia Married", email=None)
    assert before.id == after.id
    async with database.transaction() as session:
        found = await person_by_id(session, before.id)
    assert found is not None
    assert (found.name, found.roles) == ("Olivia Married", frozenset({"auditor"}))
    kept = as_admin(urls, "SELECT email FROM person WHERE id = %s", before.id)
    assert kept == [{"email": "olivia@example.org"}], "an access token without an address takes none away"


async def test_one_subject_at_two_issuers_is_two_people(database: Database) -> None:
    subject = uuid4().hex
    one, two = await known(database, subject), await known(database, subject, issuer="https://elsewhere.test")
    assert one.id != two.id


async def test_first_seen_ten_times_at_once_is_one_person(database: Database) -> None:
    subject = uuid4().hex
    people = await asyncio.gather(*(known(database, subject, "officer") for _ in range(10)))
    assert len({person.id for person in people}) == 1


async def test_a_caller_is_written_only_when_something_changed(database: Database, urls: Urls) -> None:
    subject = uuid4().hex

    async def call(*roles: str) -> Any:
        async with database.transaction() as session:
            person = await caller(session, issuer=ISSUER, subject=subject, name="O", roles=frozenset(roles))
        seen = as_admin(urls, "SELECT seen_at, roles FROM person WHERE id = %s", person.id)[0]
        return person.id, seen["seen_at"], seen["roles"]

    first, again, changed = await call("officer"), await call("officer"), await call("auditor")
    assert first == again
    assert changed[0] == first[0]
    assert (changed[1] > first[1], changed[2]) == (True, ["auditor"])


async def test_somebody_unknown_is_nobody(database: Database) -> None:
    async with database.transaction() as session:
        assert await person_by_id(session, uuid4()) is None


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(None, False), (timedelta(0), True), (timedelta(minutes=15), True), (timedelta(minutes=15, seconds=1), False)],
)
def test_a_sign_in_is_fresh_for_fifteen_minutes(age: timedelta | None, fresh: bool) -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert is_fresh(None if age is None else now - age, now) is fresh


def new_session(**changes: Any) -> StoredSession:
    now = datetime.now(UTC)
    usual: dict[str, Any] = {"id_hash": secrets.token_bytes(32), "person_id": None, "data": {}, "created_at": now, "seen_at": now}
    return StoredSession(**{**usual, **changes})


async def test_of_two_replacements_at_once_one_is_told_to_look_again(database: Database) -> None:
    sessions = DatabaseSessions(database)
    row = new_session()
    await sessions.create(row)
    replaced = [StoredSession(row.id_hash, None, {"revision": 1, "by": n}, row.created_at, row.seen_at) for n in range(5)]
    outcomes = await asyncio.gather(*(sessions.replace(one, was=0) for one in replaced))
    assert sorted(outcomes) == [False] * 4 + [True]
    kept = await sessions.load(row.id_hash)
    assert kept is not None
    assert kept.data["by"] == outcomes.index(True)


async def test_being_seen_never_goes_back_in_time(database: Database) -> None:
    sessions = DatabaseSessions(database)
    row = new_session()
    await sessions.create(row)
    later = row.seen_at + timedelta(minutes=1)
    await sessions.touch(row.id_hash, later)
    await sessions.touch(row.id_hash, row.seen_at)
    kept = await sessions.load(row.id_hash)
    assert kept is not None
    assert kept.seen_at == later


async def test_a_session_that_ended_is_gone_and_cannot_be_written_back(database: Database) -> None:
    sessions = DatabaseSessions(database)
    row = new_session()
    await sessions.create(row)
    await sessions.delete(row.id_hash)
    assert not await sessions.replace(row, was=0)
    assert await sessions.load(row.id_hash) is None


async def test_sessions_past_their_limit_are_forgotten_and_no_others(database: Database) -> None:
    sessions = DatabaseSessions(database)
    old, young = new_session(created_at=datetime(2020, 1, 1, tzinfo=UTC)), new_session()
    for row in (old, young):
        await sessions.create(row)
    await delete_ended(database, older_than=datetime(2021, 1, 1, tzinfo=UTC))
    assert await sessions.load(old.id_hash) is None
    assert await sessions.load(young.id_hash) is not None


async def post(
    database: Database, key: str, acts: list[str], *, who: str = "me", request: bytes = b"r", fails: bool = False
) -> Any:
    async with database.transaction() as session:
        kept = await kept_answer(session, caller=who, key=key, request=request)
        if kept is not None:
            return kept
        await asyncio.sleep(0.05)
        if fails:
            raise LookupError
        acts.append(who)
        await keep_answer(session, caller=who, key=key, status=201, body=b"done")
        return KeptAnswer(201, b"done")


async def test_one_key_sent_eight_times_at_once_is_one_act_and_one_answer(database: Database) -> None:
    acts: list[str] = []
    key = uuid4().hex
    answers = await asyncio.gather(*(post(database, key, acts) for _ in range(8)))
    assert acts == ["me"]
    assert set(answers) == {KeptAnswer(201, b"done")}


async def test_an_act_that_failed_leaves_its_key_free(database: Database) -> None:
    acts: list[str] = []
    key = uuid4().hex
    outcomes = await asyncio.gather(post(database, key, acts, fails=True), post(database, key, acts), return_exceptions=True)
    assert outcomes[1] == KeptAnswer(201, b"done"), "whichever came first"
    assert (await post(database, key, acts)).status == 201
    assert acts == ["me"]


async def test_a_key_used_for_another_request_is_refused_and_belongs_to_its_caller(database: Database) -> None:
    acts: list[str] = []
    key = uuid4().hex
    await post(database, key, acts)
    with pytest.raises(KeyReused):
        await post(database, key, acts, request=b"another")
    assert (await post(database, key, acts, who="somebody else", request=b"another")).status == 201
    assert acts == ["me", "somebody else"]
