"""One draft as people see it: where it stands, what it says, who decided, what is open, and what this person may do."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.authority import authority_for, step_for_decision
from core.domain.content import Rendition, Window
from core.domain.people import Person, Role
from core.domain.refusals import Refusal
from core.domain.route import Step
from core.domain.standing import Stand, Standing, stand_of
from core.records.facts import AccountFacts, DraftFacts, PublicationFacts
from core.records.reads import grants_of
from core.use_cases.access import seen_draft
from core.use_cases.actions import actions_open
from core.use_cases.history import DecisionView, SubmissionView, decisions_of, submissions_of
from core.use_cases.submitting import plan_for
from core.use_cases.versions import VersionView, versions_of
from integrations.platforms.registry import PLATFORMS


@dataclass(frozen=True)
class Preview:
    """What one account will receive, with the platform's own count of its text."""

    account: AccountFacts
    platform_label: str
    rendition: Rendition
    used: int
    limit: int


@dataclass(frozen=True)
class StepView:
    """`state`: met, open, later or void. `eligible`: who may decide it (people who touched the draft left out)."""

    step: Step
    state: str
    eligible: tuple[str, ...]
    decisions: tuple[DecisionView, ...]


@dataclass(frozen=True)
class DraftView:
    """`may` names the actions open to this person now: edit, submit, withdraw, reschedule, decide.

    `cannot_decide` is the sentence why not, when a step is open but not to this person.
    """

    id: UUID
    now: datetime
    standing: Standing
    purpose: str
    version: int
    digest: str
    saved_by: str
    window: Window
    publish_at: datetime
    previews: tuple[Preview, ...]
    steps: tuple[StepView, ...]
    history: tuple[DecisionView, ...]
    submissions: tuple[SubmissionView, ...]
    versions: tuple[VersionView, ...]
    publications: tuple[PublicationFacts, ...]
    may: frozenset[str]
    open_step: Step | None
    cannot_decide: str | None
    holds: tuple[str, ...]
    submitted_at: datetime | None


async def look(session: AsyncSession, *, by: Person, draft_id: UUID) -> DraftView:
    """The draft as it stands for this person, or NotFound."""
    facts = await seen_draft(session, by, draft_id)
    stand = stand_of(facts.rows, facts.now)
    history = await decisions_of(session, draft_id)
    versions = await versions_of(session, draft_id)
    open_step, refusal = await _decidable(session, by, facts, stand)
    return DraftView(
        id=facts.id,
        now=facts.now,
        standing=stand.standing,
        purpose=facts.source["purpose"],
        version=facts.version_number,
        digest=facts.digest,
        saved_by=versions[0].saved_by,
        window=facts.window,
        publish_at=facts.schedule.publish_at,
        previews=previews(facts.accounts, facts.renditions),
        steps=await _steps(session, facts, stand, history),
        history=history,
        submissions=await submissions_of(session, draft_id),
        versions=versions,
        publications=facts.publications,
        may=actions_open(by, facts, stand, refusal is None and open_step is not None),
        open_step=open_step,
        cannot_decide=refusal,
        holds=await _holds(session, facts),
        submitted_at=facts.submission.submitted_at if facts.submission else None,
    )


def previews(accounts: tuple[AccountFacts, ...], renditions: tuple[Rendition, ...]) -> tuple[Preview, ...]:
    by_id = {str(account.id): account for account in accounts}
    found = []
    for rendition in sorted(renditions, key=lambda r: (r.platform, r.account_id)):
        platform = PLATFORMS[rendition.platform]
        count = platform.count(rendition.text)
        found.append(Preview(by_id[rendition.account_id], platform.label, rendition, count.used, count.limit))
    return tuple(found)


async def _steps(
    session: AsyncSession, facts: DraftFacts, stand: Stand, history: tuple[DecisionView, ...]
) -> tuple[StepView, ...]:
    """The plan that runs, or, before submission, the one that would."""
    submitted = facts.submission if facts.submission and facts.submission.version_number == facts.version_number else None
    try:
        plan = submitted.plan if submitted else await plan_for(session, facts)
    except Refusal:
        return ()
    met = stand.progress.met if stand.progress else ()
    open_numbers = {step.number for step in stand.progress.open_steps} if stand.progress and stand.live else set()
    views = []
    for step in plan.steps:
        state = "met" if step.number in met else "open" if step.number in open_numbers else "later"
        taken = tuple(d for d in history if submitted and d.step == step.number and d.at >= submitted.submitted_at)
        views.append(StepView(step, state, await _eligible(session, facts, step), taken))
    return tuple(views)


async def _holds(session: AsyncSession, facts: DraftFacts) -> tuple[str, ...]:
    """Why posts of this draft are held now: the reason of every hold that stands on it, its accounts or their platforms."""
    rows = await session.execute(
        text(
            "SELECT reason FROM hold WHERE lifted_at IS NULL AND starts_at <= clock_timestamp() "
            "AND (ends_at IS NULL OR clock_timestamp() < ends_at) AND ((scope, target) IN "
            "(('all', ''), ('draft', :draft)) OR (scope = 'platform' AND target = ANY(:platforms)) "
            "OR (scope = 'account' AND target = ANY(:accounts))) ORDER BY placed_at"
        ),
        {
            "draft": str(facts.id),
            "platforms": [account.platform for account in facts.accounts],
            "accounts": [str(account.id) for account in facts.accounts],
        },
    )
    return tuple(row.reason for row in rows)


async def _eligible(session: AsyncSession, facts: DraftFacts, step: Step) -> tuple[str, ...]:
    rows = await session.execute(
        text(
            "WITH g AS (SELECT person_id, account_id FROM authority WHERE role = :role AND revoked_at IS NULL "
            " AND valid_from <= clock_timestamp() AND valid_until >= :end) "
            "SELECT p.name FROM person p WHERE p.id IN (SELECT person_id FROM g) AND NOT p.id = ANY(:contributors) "
            "AND (EXISTS (SELECT 1 FROM g WHERE g.person_id = p.id AND g.account_id IS NULL) "
            " OR CAST(:accounts AS uuid[]) <@ ARRAY(SELECT g.account_id FROM g WHERE g.person_id = p.id)) ORDER BY p.name"
        ),
        {
            "role": step.role,
            "end": facts.window.end,
            "accounts": list(facts.account_ids),
            "contributors": list(facts.contributors),
        },
    )
    return tuple(row.name for row in rows)


async def _decidable(session: AsyncSession, by: Person, facts: DraftFacts, stand: Stand) -> tuple[Step | None, str | None]:
    """The step this person could decide now; and, where a step is open but not to them, the sentence why."""
    if (
        stand.standing is not Standing.AWAITING
        or stand.progress is None
        or facts.submission is None
        or not by.has(Role.AUTHORISER)
    ):
        return None, None
    first = stand.progress.open_steps[0]
    try:
        step = step_for_decision(
            facts.submission.plan,
            open_steps=stand.progress.open_steps,
            number=first.number,
            person_id=by.id,
            contributors=facts.contributors,
            decisions=facts.submission.decisions,
        )
        grants = await grants_of(session, by.id)
        authority_for(step, person_id=by.id, account_ids=facts.account_ids, window=facts.window, now=facts.now, grants=grants)
    except Refusal as refusal:
        return first, str(refusal)
    return step, None
