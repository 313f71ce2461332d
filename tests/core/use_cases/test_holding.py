"""One person stops everything at once; two people lift it; and a hold always names something that exists."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core.domain.refusals import BadInput, HoldTargetUnknown, NotFound
from core.records.database import Database
from core.use_cases.holding import LiftTakesTwo, lift_hold, place_hold, standing_holds
from tests.core.publishing import as_admin
from tests.kit import ACCOUNTS, Urls, in_minutes, new_cast, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture(autouse=True)
def nothing_stays_held(urls: Urls) -> Iterator[None]:
    yield
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


async def place(database: Database, **changes: Any) -> UUID:
    asked: dict[str, Any] = {"actor": "one", "scope": "platform", "target": "x", "reason": "Two minutes' silence."}
    async with database.transaction() as session:
        return await place_hold(session, **{**asked, **changes})


async def lift(database: Database, hold_id: UUID, first: str = "one", second: str = "two") -> None:
    async with database.transaction() as session:
        await lift_hold(session, hold_id=hold_id, first=first, second=second)


async def standing(database: Database) -> dict[UUID, tuple[str, str]]:
    async with database.transaction() as session:
        return {hold.id: (hold.scope, hold.target) for hold in await standing_holds(session)}


async def test_a_hold_stands_until_two_people_lift_it(database: Database, urls: Urls) -> None:
    hold_id = await place(database)
    assert (await standing(database))[hold_id] == ("platform", "x")
    await lift(database, hold_id)
    assert hold_id not in await standing(database)
    events = as_admin(urls, "SELECT action, actor FROM audit_event WHERE subject = %s ORDER BY number", f"hold:{hold_id}")
    assert [(e["action"], e["actor"]) for e in events] == [("hold.place", "one"), ("hold.lift", "one"), ("hold.lift", "two")]
    with pytest.raises(NotFound):
        await lift(database, hold_id)


@pytest.mark.parametrize(("first", "second"), [("one", "one"), ("one", " one "), ("", "two"), ("one", " ")])
async def test_one_person_lifts_nothing(database: Database, first: str, second: str) -> None:
    hold_id = await place(database)
    with pytest.raises(LiftTakesTwo):
        await lift(database, hold_id, first, second)
    assert hold_id in await standing(database)


@pytest.mark.parametrize("names", ["'one', 'one'", "'one', NULL", "NULL, NULL"])
async def test_the_database_itself_wants_two(database: Database, urls: Urls, names: str) -> None:
    hold_id = await place(database)
    first, second = names.split(", ")
    with psycopg.connect(urls.api) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            f"UPDATE hold SET lifted_at = now(), lifted_by = {first}, lift_confirmed_by = {second} WHERE id = %s",  # noqa: S608
            (hold_id,),
        )


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        ("all", "x"),
        ("platform", "myspace"),
        ("platform", ""),
        ("account", "nonsense"),
        ("account", "0d3e6c1a-54f4-4a57-9a55-7a6c2f0f1a01"),
        ("draft", ""),
        ("draft", "0d3e6c1a-54f4-4a57-9a55-7a6c2f0f1a02"),
        ("everything", ""),
    ],
)
async def test_a_hold_on_nothing_is_refused(database: Database, scope: str, target: str) -> None:
    before = await standing(database)
    with pytest.raises(HoldTargetUnknown):
        await place(database, scope=scope, target=target)
    assert await standing(database) == before


@pytest.mark.parametrize("reason", ["", "  \n", "\x00"])
async def test_a_hold_says_why(database: Database, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        await place(database, reason=reason)
    assert refused.value.field == "reason"


async def test_an_id_is_kept_in_the_spelling_that_dispatch_reads(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    draft = (await written(database, cast.officer)).draft_id
    for scope, known in (("account", ACCOUNTS["x"]), ("draft", draft)):
        for spelling in (str(known).upper(), known.hex, f"{{{known}}}"):
            hold_id = await place(database, scope=scope, target=spelling)
            assert (await standing(database))[hold_id] == (scope, str(known))


async def test_a_hold_may_begin_later(database: Database, urls: Urls) -> None:
    at = in_minutes(60)
    hold_id = await place(database, starts_at=at)
    assert as_admin(urls, "SELECT starts_at FROM hold WHERE id = %s", hold_id) == [{"starts_at": at}]
