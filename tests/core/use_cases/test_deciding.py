"""Two pairs of eyes, over exactly the words that were shown. The five things that must never happen are here first."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core.domain.authority import NoAuthority, OneStepEach, SameHandTwice, StepNotOpen
from core.domain.refusals import DraftChanged, NoRole, PromptsUnanswered, ReasonMissing, Refusal, StepUpNeeded
from core.domain.route import Answer
from core.domain.standing import Standing
from core.records.database import Database
from core.use_cases.drafting import save_draft
from core.use_cases.lists import waiting
from core.use_cases.looking import look
from core.use_cases.submitting import submit, withdraw
from tests.kit import (
    ACCOUNTS,
    Urls,
    decided,
    grant,
    in_minutes,
    new_authoriser,
    new_cast,
    new_person,
    source,
    submitted,
    written,
)

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def decisions_on(database: Database, draft_id: UUID) -> int:
    async with database.transaction() as session:
        counted = await session.execute(
            text("SELECT count(*) FROM decision d JOIN submission s ON s.id = d.submission_id WHERE s.draft_id = :d"),
            {"d": draft_id},
        )
        return int(counted.scalar_one())


async def test_words_the_first_approver_never_saw_cannot_go_out(database: Database, urls: Urls) -> None:
    """A peer lets an approver edit, then approve, and publishes what the first approver never saw."""
    cast = await new_cast(database, urls)
    editor = await new_authoriser(database, urls, "policy_owner", "officer")
    saved = await submitted(database, cast.officer)
    await decided(database, cast.press, saved, step=1)
    async with database.transaction() as session:
        changed = await save_draft(
            session,
            by=editor,
            draft_id=saved.draft_id,
            seen_version=1,
            source=source(text="Other words."),
            publish_at=in_minutes(60),
        )
    assert changed.changed
    with pytest.raises(Refusal):
        await decided(database, editor, changed, step=2)
    with pytest.raises(DraftChanged):
        await decided(database, cast.policy, saved, step=2)
    async with database.transaction() as session:
        assert (await look(session, by=cast.officer, draft_id=saved.draft_id)).standing is Standing.DRAFT
        await submit(session, by=cast.officer, draft_id=saved.draft_id, digest=changed.digest)
    async with database.transaction() as session:
        view = await look(session, by=cast.officer, draft_id=saved.draft_id)
    assert [step.state for step in view.steps] == ["open", "later"], "the plan starts again"
    with pytest.raises(SameHandTwice):
        await decided(database, editor, changed, step=1)


async def test_the_submitter_cannot_authorise(database: Database, urls: Urls) -> None:
    both = await new_authoriser(database, urls, "press_office", "officer")
    saved = await submitted(database, both)
    with pytest.raises(SameHandTwice) as refused:
        await decided(database, both, saved, step=1)
    assert refused.value.paragraph == 36
    assert await decisions_on(database, saved.draft_id) == 0


async def test_who_only_submits_has_touched_it_too(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    both = await new_authoriser(database, urls, "press_office", "officer")
    saved = await written(database, cast.officer)
    async with database.transaction() as session:
        await submit(session, by=both, draft_id=saved.draft_id, digest=saved.digest)
    with pytest.raises(SameHandTwice):
        await decided(database, both, saved, step=1)


async def test_one_decision_posted_ten_times_at_once_is_recorded_once(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    outcomes = await asyncio.gather(*(decided(database, cast.press, saved, step=1) for _ in range(10)), return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(isinstance(o, OneStepEach | StepNotOpen) for o in outcomes if isinstance(o, BaseException)), outcomes
    assert await decisions_on(database, saved.draft_id) == 1


async def test_two_people_cannot_both_fill_a_step_of_one(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    other = await new_authoriser(database, urls, "press_office")
    saved = await submitted(database, cast.officer)
    outcomes = await asyncio.gather(
        decided(database, cast.press, saved, step=1), decided(database, other, saved, step=1), return_exceptions=True
    )
    assert sum(isinstance(outcome, StepNotOpen) for outcome in outcomes) == 1, outcomes


async def test_nobody_fills_two_steps(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    grant(urls, cast.press, "policy_owner")
    saved = await submitted(database, cast.officer)
    await decided(database, cast.press, saved, step=1)
    with pytest.raises(OneStepEach):
        await decided(database, cast.press, saved, step=2)


async def test_another_digest_is_told_that_the_draft_changed(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    with pytest.raises(DraftChanged):
        await decided(database, cast.press, saved, step=1, digest="v1:sha256:" + "0" * 64)
    assert await decisions_on(database, saved.draft_id) == 0


async def test_administrators_have_no_bypass(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    manager = await new_person(database, "account_manager", "auditor", "officer")
    grant(urls, manager, "press_office")
    saved = await submitted(database, cast.officer)
    with pytest.raises(NoRole):
        await decided(database, manager, saved, step=1)


async def test_the_role_without_the_authority_decides_nothing(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    stranger = await new_person(database, "authoriser")
    saved = await submitted(database, cast.officer)
    with pytest.raises(NoAuthority):
        await decided(database, stranger, saved, step=1)


async def test_an_authority_must_last_to_the_end_of_the_window(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    brief = await new_authoriser(database, urls, "press_office", until=datetime.now(UTC) + timedelta(days=1))
    saved = await submitted(database, cast.officer)
    with pytest.raises(NoAuthority):
        await decided(database, brief, saved, step=1)


async def test_an_authority_for_one_account_does_not_cover_another(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    narrow = await new_authoriser(database, urls, "press_office", account=ACCOUNTS["x"])
    both = await submitted(database, cast.officer, account_ids=(str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])))
    only_x = await submitted(database, cast.officer)
    with pytest.raises(NoAuthority):
        await decided(database, narrow, both, step=1)
    assert (await decided(database, narrow, only_x, step=1)).standing is Standing.AWAITING


async def test_a_no_needs_a_reason_and_ends_the_submission(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    for answer, standing in ((Answer.ASK_FOR_CHANGES, Standing.CHANGES_ASKED), (Answer.REJECT, Standing.REJECTED)):
        saved = await submitted(database, cast.officer)
        with pytest.raises(ReasonMissing):
            await decided(database, cast.press, saved, step=1, answer=answer, reason="  ")
        outcome = await decided(database, cast.press, saved, step=1, answer=answer, reason="The date is wrong.")
        assert outcome.standing is standing
        with pytest.raises(StepNotOpen):
            await decided(database, cast.policy, saved, step=2)


async def test_every_statement_is_confirmed_before_authorising(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    with pytest.raises(PromptsUnanswered):
        await decided(database, cast.press, saved, step=1, confirmed=frozenset({"standards"}))


async def test_an_old_sign_in_must_be_renewed_before_deciding(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    for at in (None, datetime.now(UTC) - timedelta(minutes=16)):
        with pytest.raises(StepUpNeeded):
            await decided(database, cast.press, saved, step=1, authenticated_at=at)


async def test_steps_open_one_after_another_and_the_queue_says_the_same(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)

    async def sees(person: object) -> bool:
        async with database.transaction() as session:
            page = await waiting(session, by=person, for_me=True, limit=100)  # type: ignore[arg-type]
        return saved.draft_id in {item.draft_id for item in page.items}

    assert await sees(cast.press)
    assert not await sees(cast.policy)
    with pytest.raises(StepNotOpen):
        await decided(database, cast.policy, saved, step=2)
    await decided(database, cast.press, saved, step=1)
    assert not await sees(cast.press)
    assert await sees(cast.policy)
    assert (await decided(database, cast.policy, saved, step=2)).standing is Standing.AUTHORISED
    assert not await sees(cast.policy)


async def test_a_withdrawn_submission_takes_no_decision(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    async with database.transaction() as session:
        await withdraw(session, by=cast.officer, draft_id=saved.draft_id, reason="")
    with pytest.raises(StepNotOpen):
        await decided(database, cast.press, saved, step=1)


async def test_a_decision_leaves_its_audit_event_and_its_message(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    await decided(database, cast.press, saved, step=1)
    async with database.transaction() as session:
        events = (
            await session.execute(
                text("SELECT action, actor, paragraph FROM audit_event WHERE subject = :s ORDER BY number"),
                {"s": f"draft:{saved.draft_id}"},
            )
        ).all()
        waiting_rows = await session.execute(
            text("SELECT count(*) FROM outbox WHERE kind = 'draft' AND subject_id = :d"), {"d": saved.draft_id}
        )
        assert waiting_rows.scalar_one() == 2
    assert [event.action for event in events] == ["draft.create", "draft.submit", "draft.authorise"]
    assert events[2].actor == f"{cast.press.issuer}|{cast.press.subject}"
    assert events[2].paragraph == 36
