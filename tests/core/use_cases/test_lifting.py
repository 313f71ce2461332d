"""One person stops posts, two let them go again; a hold that was to end by the clock ends by the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.domain.people import Person, Role
from core.domain.refusals import BadInput, NoRole, NotFound, StepUpNeeded
from core.records.audit import actor_name
from core.records.database import Database
from core.use_cases.holding import HoldBackwards, HoldOver, hold_named, standing_holds, stop_posts
from core.use_cases.lifting import HoldIsOver, ask_to_lift, confirm_lift, keep_hold, lift_asked
from core.use_cases.second_person import AlreadyAsked, AskerMayNoMore, NothingToConfirm, SecondPersonNeeded
from tests.core.publishing import as_admin
from tests.kit import Urls, in_minutes, new_cast, new_person, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture(autouse=True)
def nothing_stays_held(urls: Urls) -> Iterator[None]:
    yield
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


async def stop(database: Database, by: Person, **changes: Any) -> UUID:
    asked: dict[str, Any] = {"scope": "platform", "target": "x", "reason": "Two minutes' silence."}
    async with database.transaction() as session:
        return await stop_posts(session, by=by, **{**asked, **changes})


async def ask(database: Database, by: Person, hold_id: UUID, *, ago: timedelta = timedelta()) -> UUID:
    async with database.transaction() as session:
        return await ask_to_lift(
            session, by=by, authenticated_at=datetime.now(UTC) - ago, hold_id=hold_id, reason="The silence is over."
        )


async def confirm(database: Database, by: Person, hold_id: UUID, proposal: UUID, *, ago: timedelta = timedelta()) -> None:
    async with database.transaction() as session:
        signed_in = datetime.now(UTC) - ago
        await confirm_lift(session, by=by, authenticated_at=signed_in, hold_id=hold_id, proposal_id=proposal)


async def stands(database: Database, hold_id: UUID) -> bool:
    async with database.transaction() as session:
        return hold_id in [hold.id for hold in await standing_holds(session)]


@pytest.mark.parametrize("role", [Role.OFFICER, Role.AUTHORISER, Role.ACCOUNT_MANAGER])
async def test_whoever_works_with_posts_may_stop_them(database: Database, role: Role) -> None:
    assert await stands(database, await stop(database, await new_person(database, role)))


@pytest.mark.parametrize("roles", [(), ("auditor",)])
async def test_who_only_reads_stops_nothing(database: Database, roles: tuple[str, ...]) -> None:
    with pytest.raises(NoRole):
        await stop(database, await new_person(database, *roles))


async def test_a_draft_one_cannot_see_is_not_there_to_be_held(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    draft = (await written(database, cast.officer)).draft_id
    with pytest.raises(NotFound):
        await stop(database, cast.press, scope="draft", target=str(draft))
    assert await stands(database, await stop(database, cast.officer, scope="draft", target=str(draft)))


async def test_two_people_lift_it_and_both_are_on_the_record(database: Database, urls: Urls) -> None:
    one, two = await new_person(database, "officer"), await new_person(database, "account_manager")
    hold_id = await stop(database, one)
    proposal = await ask(database, one, hold_id)
    assert await stands(database, hold_id), "asking lifts nothing"
    with pytest.raises(AlreadyAsked):
        await ask(database, two, hold_id)
    await confirm(database, two, hold_id, proposal)
    assert not await stands(database, hold_id)
    events = as_admin(urls, "SELECT action, actor FROM audit_event WHERE subject = %s ORDER BY number", f"hold:{hold_id}")
    first, second = actor_name(one), actor_name(two)
    assert [(event["action"], event["actor"]) for event in events] == [
        ("hold.place", first),
        ("hold.lift.ask", first),
        ("hold.lift.confirm", second),
        ("hold.lift", first),
        ("hold.lift", second),
    ]
    for act in (ask(database, one, hold_id), confirm(database, two, hold_id, proposal)):
        with pytest.raises(HoldIsOver):
            await act


async def test_nobody_lifts_a_hold_alone_without_a_role_or_on_an_old_sign_in(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    hold_id = await stop(database, one)
    with pytest.raises(StepUpNeeded):
        await ask(database, one, hold_id, ago=timedelta(minutes=16))
    with pytest.raises(NoRole):
        await ask(database, await new_person(database, "auditor"), hold_id)
    proposal = await ask(database, one, hold_id)
    with pytest.raises(SecondPersonNeeded):
        await confirm(database, one, hold_id, proposal)
    with pytest.raises(NoRole):
        await confirm(database, await new_person(database, "officer"), hold_id, proposal)
    with pytest.raises(StepUpNeeded):
        await confirm(database, two, hold_id, proposal, ago=timedelta(minutes=16))
    assert await stands(database, hold_id)


async def test_a_yes_to_one_hold_is_no_yes_to_another(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    first, other = await stop(database, one), await stop(database, one, target="facebook")
    proposal = await ask(database, one, first)
    with pytest.raises(NotFound):
        await confirm(database, two, other, proposal)
    with pytest.raises(NotFound):
        await confirm(database, two, uuid4(), proposal)
    assert await stands(database, first)
    assert await stands(database, other)
    async with database.transaction() as session:
        assert await lift_asked(session, first) is not None, "the refused yes was not used up"


async def test_what_was_asked_can_be_taken_back(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    hold_id = await stop(database, one)
    proposal = await ask(database, one, hold_id)
    async with database.transaction() as session:
        await keep_hold(session, by=two, hold_id=hold_id, proposal_id=proposal)
    with pytest.raises(NothingToConfirm):
        await confirm(database, two, hold_id, proposal)
    assert await stands(database, hold_id)


async def test_a_planned_hold_is_taken_back_by_two(database: Database) -> None:
    one, two = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    hold_id = await stop(database, one, starts_at=in_minutes(60), ends_at=in_minutes(62))
    async with database.transaction() as session:
        assert not (await hold_named(session, by=one, hold_id=hold_id)).stands
    await confirm(database, two, hold_id, await ask(database, one, hold_id))
    assert not await stands(database, hold_id)


async def test_a_hold_that_ended_by_the_clock_is_over(database: Database, urls: Urls) -> None:
    one = await new_person(database, "account_manager")
    hold_id = await stop(database, one, ends_at=in_minutes(2))
    assert await stands(database, hold_id)
    as_admin(urls, "UPDATE hold SET starts_at = now() - interval '2 minutes', ends_at = now() WHERE id = %s", hold_id)
    assert not await stands(database, hold_id)
    with pytest.raises(HoldIsOver):
        await ask(database, one, hold_id)


@pytest.mark.parametrize(
    ("starts", "ends", "refusal"), [(60, 59, HoldBackwards), (60, 60, HoldBackwards), (None, -1, HoldOver), (-60, -1, HoldOver)]
)
async def test_a_hold_that_would_stop_nothing_is_refused(
    database: Database, starts: int | None, ends: int, refusal: type[BadInput]
) -> None:
    one = await new_person(database, "account_manager")
    base = datetime.now(UTC)
    starts_at = None if starts is None else base + timedelta(minutes=starts)
    with pytest.raises(refusal) as refused:
        await stop(database, one, starts_at=starts_at, ends_at=base + timedelta(minutes=ends))
    assert refused.value.field == "ends_at"


async def test_a_beginning_that_has_passed_is_now(database: Database) -> None:
    one = await new_person(database, "account_manager")
    hold_id = await stop(database, one, starts_at=in_minutes(-60))
    async with database.transaction() as session:
        hold = await hold_named(session, by=one, hold_id=hold_id)
    assert hold.stands
    assert datetime.now(UTC) - hold.starts_at < timedelta(minutes=1), "the record says when it began to bind"


async def test_nobody_lifts_a_hold_with_somebody_who_lost_the_role(database: Database, urls: Urls) -> None:
    one, two = await new_person(database, Role.OFFICER), await new_person(database, Role.AUTHORISER)
    hold = await stop(database, one)
    proposal = await ask(database, one, hold)
    as_admin(urls, "UPDATE person SET roles = '{auditor}' WHERE id = %s", one.id)
    with pytest.raises(AskerMayNoMore):
        await confirm(database, two, hold, proposal)
    assert await stands(database, hold)
