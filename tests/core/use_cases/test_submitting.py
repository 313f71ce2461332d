"""Submitting freezes the plan; withdrawing stops what can still be stopped and says truthfully what cannot."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from core.domain.people import Person
from core.domain.refusals import (
    AlreadySent,
    AlreadySubmitted,
    ChangesNeeded,
    DraftChanged,
    NothingToWithdraw,
    TimePast,
)
from core.domain.route import Answer
from core.domain.standing import Standing
from core.records.database import Database
from core.use_cases.drafting import Saved, reschedule, save_draft
from core.use_cases.looking import DraftView, look
from core.use_cases.submitting import submit, withdraw
from tests.core.publishing import as_admin, at_the_gate, dispatched, scheduled, set_time, state_of
from tests.kit import ACCOUNTS, Cast, Urls, authorised, decided, in_minutes, new_cast, new_person, source, submitted, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def submit_again(database: Database, by: Person, saved: Saved) -> UUID:
    async with database.transaction() as session:
        return await submit(session, by=by, draft_id=saved.draft_id, digest=saved.digest)


async def take_back(database: Database, by: Person, saved: Saved, reason: str = "") -> None:
    async with database.transaction() as session:
        await withdraw(session, by=by, draft_id=saved.draft_id, reason=reason)


async def seen(database: Database, by: Person, saved: Saved) -> DraftView:
    async with database.transaction() as session:
        return await look(session, by=by, draft_id=saved.draft_id)


@pytest.fixture
def route(urls: Urls) -> Iterator[Any]:
    """Adds routes, and takes them away again."""
    made: list[UUID] = []

    def add(*roles: str, account: UUID | None = None, name: str = "Special", version: int = 1) -> None:
        made.append(uuid4())
        steps = [{"role": role, "label": role, "quorum": 1, "paragraph": 36} for role in roles]
        as_admin(
            urls,
            "INSERT INTO route (id, account_id, version, name, steps, made_by, confirmed_by) "
            "VALUES (%s, %s, %s, %s, %s, 'a', 'b')",
            *(made[-1], account, version, name, Jsonb(steps)),
        )

    yield add
    as_admin(urls, "DELETE FROM route WHERE id = ANY(%s)", made)


async def test_a_changed_route_does_not_touch_a_running_submission(database: Database, urls: Urls, route: Any) -> None:
    cast = await new_cast(database, urls)
    running = await submitted(database, cast.officer)
    route("legal", name="Default", version=2)
    assert [step.step.role for step in (await seen(database, cast.officer, running)).steps] == ["press_office", "policy_owner"]
    await decided(database, cast.press, running, step=1)
    assert (await decided(database, cast.policy, running, step=2)).standing is Standing.AUTHORISED
    fresh = await submitted(database, cast.officer)
    assert [step.step.role for step in (await seen(database, cast.officer, fresh)).steps] == ["legal"]


async def test_an_account_with_a_route_of_its_own_adds_its_steps(database: Database, urls: Urls, route: Any) -> None:
    cast = await new_cast(database, urls)
    route("legal", account=ACCOUNTS["linkedin"])
    saved = await submitted(database, cast.officer, account_ids=tuple(str(a) for a in ACCOUNTS.values()))
    roles = {step.step.role for step in (await seen(database, cast.officer, saved)).steps}
    assert roles == {"press_office", "policy_owner", "legal"}


async def test_two_routes_of_one_name_and_version_both_count(database: Database, urls: Urls, route: Any) -> None:
    cast = await new_cast(database, urls)
    route("legal", account=ACCOUNTS["x"], name="Press")
    route("statistics", account=ACCOUNTS["linkedin"], name="Press")
    saved = await submitted(database, cast.officer, account_ids=(str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])))
    assert {step.step.role for step in (await seen(database, cast.officer, saved)).steps} == {"legal", "statistics"}


async def test_only_the_words_that_were_shown_are_submitted(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    async with database.transaction() as session:
        with pytest.raises(DraftChanged):
            await submit(session, by=cast.officer, draft_id=saved.draft_id, digest="v1:sha256:" + "0" * 64)
    assert as_admin(urls, "SELECT count(*) FROM submission WHERE draft_id = %s", saved.draft_id) == [{"count": 0}]


async def test_one_version_is_not_submitted_twice_at_once(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    with pytest.raises(AlreadySubmitted):
        await submit_again(database, cast.officer, saved)
    await decided(database, cast.press, saved, step=1)
    await decided(database, cast.policy, saved, step=2)
    with pytest.raises(AlreadySubmitted):
        await submit_again(database, cast.officer, saved)


async def test_submitting_again_after_withdrawal_starts_the_plan_anew(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    await decided(database, cast.press, saved, step=1)
    await take_back(database, cast.officer, saved, "Too soon.")
    view = await seen(database, cast.officer, saved)
    assert view.standing is Standing.WITHDRAWN
    assert "submit" in view.may
    await submit_again(database, cast.officer, saved)
    view = await seen(database, cast.officer, saved)
    assert [(step.state, step.decisions) for step in view.steps] == [("open", ()), ("later", ())], (
        "what was said before is history"
    )
    await decided(database, cast.press, saved, step=1)
    assert (await decided(database, cast.policy, saved, step=2)).standing is Standing.AUTHORISED


@pytest.mark.parametrize("answer", [Answer.REJECT, Answer.ASK_FOR_CHANGES])
async def test_after_a_no_only_new_words_are_submitted(database: Database, urls: Urls, answer: Answer) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    await decided(database, cast.press, saved, step=1, answer=answer, reason="The date is wrong.\x00")
    with pytest.raises(ChangesNeeded):
        await submit_again(database, cast.officer, saved)
    with pytest.raises(NothingToWithdraw):
        await take_back(database, cast.officer, saved)
    async with database.transaction() as session:
        changed = await save_draft(
            session,
            by=cast.officer,
            draft_id=saved.draft_id,
            seen_version=1,
            source=source(text="New."),
            publish_at=in_minutes(9),
        )
    await submit_again(database, cast.officer, changed)
    assert (await seen(database, cast.officer, saved)).standing is Standing.AWAITING


async def test_a_time_that_has_passed_is_not_submitted(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    set_time(urls, saved.draft_id, "-1 second")
    with pytest.raises(TimePast):
        await submit_again(database, cast.officer, saved)


async def test_there_is_nothing_to_withdraw_before_and_after(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    with pytest.raises(NothingToWithdraw):
        await take_back(database, cast.officer, saved)
    await submit_again(database, cast.officer, saved)
    await take_back(database, cast.officer, saved)
    with pytest.raises(NothingToWithdraw):
        await take_back(database, cast.officer, saved)
    assert as_admin(urls, "SELECT count(*) FROM awaiting WHERE draft_id = %s", saved.draft_id) == [{"count": 0}]


async def test_withdrawing_makes_nobody_a_contributor(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    other = await new_person(database, "officer")
    saved = await submitted(database, cast.officer)
    await take_back(database, other, saved)
    async with database.transaction() as session:
        await reschedule(session, by=other, draft_id=saved.draft_id, publish_at=in_minutes(30))
    contributors = as_admin(urls, "SELECT person_id FROM contributor WHERE draft_id = %s", saved.draft_id)
    assert contributors == [{"person_id": cast.officer.id}]


async def test_what_was_sent_is_not_withdrawn_and_says_so(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    gate = await at_the_gate(database, worker_database, urls, cast)
    await dispatched(worker_database, gate)
    with pytest.raises(AlreadySent):
        await take_back(database, cast.officer, gate.saved)
    with pytest.raises(AlreadySent):
        await submit_again(database, cast.officer, gate.saved)
    async with database.transaction() as session:
        with pytest.raises(AlreadySent):
            await reschedule(session, by=cast.officer, draft_id=gate.saved.draft_id, publish_at=in_minutes(30))
    view = await seen(database, cast.officer, gate.saved)
    assert not {"edit", "withdraw", "submit", "reschedule"} & view.may


async def partly_sent(database: Database, worker: Database, urls: Urls, cast: Cast) -> tuple[Saved, UUID]:
    """X is being sent, LinkedIn still waits."""
    gate = await at_the_gate(database, worker, urls, cast, account_ids=(str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])))
    waiting = await scheduled(worker, gate.saved, account=ACCOUNTS["linkedin"])
    assert (await dispatched(worker, gate)).result == "sending"
    return gate.saved, waiting


async def test_the_rest_of_a_partly_sent_draft_is_withdrawn(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved, waiting = await partly_sent(database, worker_database, urls, cast)
    view = await seen(database, cast.officer, saved)
    assert view.standing is Standing.PUBLISHING
    assert {"withdraw", "reschedule"} <= view.may
    assert "edit" not in view.may
    await take_back(database, cast.officer, saved)
    assert await state_of(worker_database, waiting) == "scheduled", "the service closes it; the api writes no outcome"
    with pytest.raises(AlreadySent):
        await submit_again(database, cast.officer, saved)


async def test_the_rest_of_a_partly_sent_draft_is_given_another_time(
    database: Database, worker_database: Database, urls: Urls
) -> None:
    cast = await new_cast(database, urls)
    saved, _ = await partly_sent(database, worker_database, urls, cast)
    async with database.transaction() as session:
        await reschedule(session, by=cast.officer, draft_id=saved.draft_id, publish_at=in_minutes(30))


async def test_each_act_leaves_word_for_the_workflows(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    made = await scheduled(worker_database, saved)
    as_admin(urls, "UPDATE outbox SET delivered_at = now() WHERE subject_id = ANY(%s)", [made, saved.draft_id])
    await take_back(database, cast.officer, saved)
    rows = as_admin(
        urls, "SELECT kind, subject_id FROM outbox WHERE delivered_at IS NULL AND subject_id = ANY(%s)", [made, saved.draft_id]
    )
    assert {(row["kind"], row["subject_id"]) for row in rows} == {("draft", saved.draft_id), ("publication", made)}
