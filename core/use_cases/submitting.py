"""Submitting a version to its plan, and withdrawing it again at any time before it is sent."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person
from core.domain.publication import SENT_OR_MAYBE
from core.domain.refusals import (
    AlreadySent,
    AlreadySubmitted,
    ChangesNeeded,
    DraftChanged,
    NoPlan,
    NothingToWithdraw,
    TimePast,
    WindowPast,
)
from core.domain.route import Plan, plan_from, progress
from core.domain.standing import Standing, stand_of
from core.records.audit import actor_name, append, draft_subject
from core.records.facts import DraftFacts
from core.records.reads import look_again, touch_draft
from core.records.writes import insert_submission, replace_awaiting
from core.use_cases.access import locked_draft, require
from core.use_cases.drafting import WRITERS


async def plan_for(session: AsyncSession, facts: DraftFacts) -> Plan:
    """The routes of the target accounts (an account's own, else the default), evaluated for this version. Raises NoPlan."""
    rows = await session.execute(
        text(
            "SELECT a.id AS account, r.id, r.version, r.name, r.steps FROM account a CROSS JOIN LATERAL ("
            " SELECT * FROM route WHERE account_id = a.id OR account_id IS NULL"
            " ORDER BY account_id IS NULL, version DESC LIMIT 1) r WHERE a.id = ANY(:accounts) ORDER BY r.name"
        ),
        {"accounts": list(facts.account_ids)},
    )
    found = rows.mappings().all()
    # By id: two accounts may each have a "Press" route of version 1, and the steps of both are called for.
    routes: dict[UUID, Any] = {row["id"]: row for row in found}
    names = tuple(f"{row['name']} v{row['version']}" for row in routes.values())
    plan = plan_from([row["steps"] for row in routes.values()], names)
    if len(found) != len(facts.account_ids) or not plan.steps:
        raise NoPlan()
    return plan


async def submit(session: AsyncSession, *, by: Person, draft_id: UUID, digest: str, request: str = "") -> UUID:
    """Start the plan for the version with this digest, and freeze it. Returns the submission's id.

    Raises DraftChanged for any other digest, AlreadySubmitted, ChangesNeeded, TimePast, WindowPast, NoPlan.
    """
    require(by, *WRITERS)
    facts = await locked_draft(session, by, draft_id)
    if facts.digest != digest:
        raise DraftChanged()
    _refuse_second_submission(facts)
    if facts.now >= facts.window.end:
        raise WindowPast(field="window_end")
    if facts.schedule.publish_at < facts.now:
        raise TimePast(field="publish_at")
    plan = await plan_for(session, facts)
    submission_id = await insert_submission(session, facts=facts, plan=plan, person_id=by.id)
    await session.execute(
        text("INSERT INTO contributor (draft_id, person_id) VALUES (:draft, :person) ON CONFLICT DO NOTHING"),
        {"draft": draft_id, "person": by.id},
    )
    await replace_awaiting(session, facts=facts, submission_id=submission_id, open_steps=progress(plan, (), digest).open_steps)
    await append(
        session,
        subject=draft_subject(draft_id),
        actor=actor_name(by),
        action="draft.submit",
        paragraph=36,
        digest=digest,
        detail={"submission": str(submission_id), "version": facts.version_number, "routes": list(plan.routes)},
        request=request,
    )
    await touch_draft(session, draft_id)
    await look_again(session, draft_id=draft_id, publications=tuple(p.id for p in facts.publications))
    return submission_id


def _refuse_second_submission(facts: DraftFacts) -> None:
    """The same version again only after withdrawal or expiry; after a no, new words are needed."""
    if any(publication.state in SENT_OR_MAYBE for publication in facts.publications):
        raise AlreadySent()
    standing = stand_of(facts.rows, facts.now).standing
    if standing in (Standing.REJECTED, Standing.CHANGES_ASKED):
        raise ChangesNeeded()
    if standing not in (Standing.DRAFT, Standing.WITHDRAWN, Standing.EXPIRED, Standing.NEEDS_NEW_TIME):
        raise AlreadySubmitted()


async def withdraw(session: AsyncSession, *, by: Person, draft_id: UUID, reason: str, request: str = "") -> None:
    """Stop the newest submission. It wins over anything still pending; what was sent stays sent, and is said so.

    Raises AlreadySent when nothing is left to stop, NothingToWithdraw when nothing is under way.
    """
    require(by, *WRITERS)
    facts = await locked_draft(session, by, draft_id)
    submission = facts.submission
    if submission is None or submission.withdrawn_at or submission.version_number != facts.version_number:
        raise NothingToWithdraw()
    if facts.publications and all(publication.state in SENT_OR_MAYBE for publication in facts.publications):
        raise AlreadySent()
    if stand_of(facts.rows, facts.now).standing in (Standing.REJECTED, Standing.CHANGES_ASKED):
        raise NothingToWithdraw()
    await session.execute(
        text("INSERT INTO withdrawal (submission_id, person_id, reason) VALUES (:submission, :person, :reason)"),
        {"submission": submission.id, "person": by.id, "reason": tidied(reason)},
    )
    await replace_awaiting(session, facts=facts)
    await append(
        session,
        subject=draft_subject(draft_id),
        actor=actor_name(by),
        action="draft.withdraw",
        paragraph=36,
        digest=submission.digest,
        detail={"submission": str(submission.id)},
        request=request,
    )
    await touch_draft(session, draft_id)
    await look_again(session, draft_id=draft_id, publications=tuple(p.id for p in facts.publications))
