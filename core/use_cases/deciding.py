"""Deciding: one short transaction over the digest that was shown (derived from paragraphs 36 and 37)."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.authority import Authority, OneStepEach, StepNotOpen, authority_for, step_for_decision
from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.prompts import PROMPTS
from core.domain.refusals import DraftChanged, PromptsUnanswered, ReasonMissing, StepUpNeeded
from core.domain.route import Answer, Decision, Step, progress
from core.domain.standing import Standing, stand_of
from core.records.audit import actor_name, draft_subject
from core.records.facts import DraftFacts, SubmissionFacts
from core.records.reads import grants_of
from core.use_cases.access import locked_draft, require
from core.use_cases.people import is_fresh


@dataclass(frozen=True)
class Decided:
    draft_id: UUID
    standing: Standing
    step: Step
    answer: Answer


async def decide(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    draft_id: UUID,
    step: int,
    digest: str,
    answer: Answer,
    reason: str = "",
    confirmed: frozenset[str] = frozenset(),
    request: str = "",
) -> Decided:
    """Record one decision with its audit event, its outbox row and the steps now open; or refuse and record nothing.

    Raises DraftChanged for a digest other than the one waiting, SameHandTwice, OneStepEach, NoAuthority, StepNotOpen,
    StepUpNeeded (sign-in older than 15 minutes), ReasonMissing, PromptsUnanswered.
    """
    require(by, Role.AUTHORISER)
    facts = await locked_draft(session, by, draft_id)
    if not is_fresh(authenticated_at, facts.now):
        raise StepUpNeeded()
    submission, open_step, grant = await _permitted(session, by=by, facts=facts, digest=digest, step=step)
    reason = tidied(reason)
    if answer is not Answer.AUTHORISE and not reason:
        raise ReasonMissing(field="reason")
    if answer is Answer.AUTHORISE and not confirmed >= {prompt.key for prompt in PROMPTS}:
        raise PromptsUnanswered(field="prompts")
    decision = Decision(open_step.number, by.id, answer, digest, grant.id, facts.now)
    await _record(
        session, by=by, facts=facts, submission=submission, decision=decision, reason=reason, confirmed=confirmed, request=request
    )
    after = replace(facts, submission=replace(submission, decisions=(*submission.decisions, decision)))
    return Decided(draft_id, stand_of(after.rows, facts.now).standing, open_step, answer)


async def _permitted(
    session: AsyncSession, *, by: Person, facts: DraftFacts, digest: str, step: int
) -> tuple[SubmissionFacts, Step, Authority]:
    """The submission that waits, its open step and the grant that lets this person fill it; or the refusal."""
    submission = facts.submission
    if submission is None:
        raise StepNotOpen()
    if digest != submission.digest or facts.version_number != submission.version_number or facts.digest != digest:
        raise DraftChanged()
    stand = stand_of(facts.rows, facts.now)
    open_steps = stand.progress.open_steps if stand.progress and stand.standing is Standing.AWAITING else ()
    open_step = step_for_decision(
        submission.plan,
        open_steps=open_steps,
        number=step,
        person_id=by.id,
        contributors=facts.contributors,
        decisions=submission.decisions,
    )
    grants = await grants_of(session, by.id)
    grant = authority_for(
        open_step, person_id=by.id, account_ids=facts.account_ids, window=facts.window, now=facts.now, grants=grants
    )
    return submission, open_step, grant


# One statement, because each costs a round trip under the draft's lock: decision, awaiting steps, audit event and outbox row.
_RECORD = text(
    """
    WITH decided AS (
        INSERT INTO decision (id, submission_id, step, person_id, authority_id, answer, digest, reason, answers)
        VALUES (:id, :submission, :step, :person, :authority, :answer, :digest, :reason, CAST(:answers AS jsonb))
    ), closed AS (
        DELETE FROM awaiting WHERE draft_id = :draft AND NOT (submission_id = :submission AND step = ANY(:steps))
    ), opened AS (
        INSERT INTO awaiting (submission_id, step, draft_id, role, label, account_ids, due)
        SELECT :submission, step, :draft, role, label, :accounts, :due
          FROM unnest(CAST(:steps AS integer[]), CAST(:roles AS text[]), CAST(:labels AS text[])) AS open_step (step, role, label)
        ON CONFLICT DO NOTHING
    ), touched AS (
        UPDATE draft SET revision = revision + 1, changed_at = clock_timestamp() WHERE id = :draft
    ), told AS (
        INSERT INTO outbox (kind, subject_id) VALUES ('draft', :draft)
    )
    SELECT audit_append(:subject, :actor, :action, :paragraph, :digest, CAST(:detail AS jsonb), :request)
    """
)


async def _record(
    session: AsyncSession,
    *,
    by: Person,
    facts: DraftFacts,
    submission: SubmissionFacts,
    decision: Decision,
    reason: str,
    confirmed: frozenset[str],
    request: str,
) -> None:
    opened = progress(submission.plan, (*submission.decisions, decision), submission.digest).open_steps
    written = {
        "id": uuid4(),
        "submission": submission.id,
        "step": decision.step,
        "person": decision.person_id,
        "authority": decision.authority_id,
        "answer": str(decision.answer),
        "digest": decision.digest,
        "reason": reason.strip(),
        "answers": json.dumps(dict.fromkeys(sorted(confirmed), True)),
    }
    awaited = {
        "draft": facts.id,
        "steps": [step.number for step in opened],
        "roles": [step.role for step in opened],
        "labels": [step.label for step in opened],
        "accounts": list(facts.account_ids),
        "due": facts.schedule.publish_at,
    }
    try:
        await session.execute(_RECORD, {**written, **awaited, **_event(by, facts, submission, decision), "request": request})
    except IntegrityError as clash:
        # The draft's lock makes this unreachable from here; the constraint stands for every other way in.
        raise OneStepEach() from clash


def _event(by: Person, facts: DraftFacts, submission: SubmissionFacts, decision: Decision) -> dict[str, str | int]:
    """The decision's audit event, under the paragraph that its step comes from."""
    step = submission.plan.step(decision.step)
    detail = {
        "submission": str(submission.id),
        "step": decision.step,
        "authority": str(decision.authority_id),
        "routes": list(submission.plan.routes),
    }
    return {
        "subject": draft_subject(facts.id),
        "actor": actor_name(by),
        "action": f"draft.{decision.answer}",
        "paragraph": step.paragraph if step else 36,
        "detail": json.dumps(detail),
    }
