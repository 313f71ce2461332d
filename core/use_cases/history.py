"""What people did with a draft, over all its submissions: submitted, decided, withdrew."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.route import Answer


@dataclass(frozen=True)
class DecisionView:
    person: str
    answer: Answer
    reason: str
    at: datetime
    version: int
    step: int
    step_label: str


@dataclass(frozen=True)
class SubmissionView:
    """One submission; the last three are None unless somebody withdrew it."""

    version: int
    by: str
    at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    reason: str | None


async def decisions_of(session: AsyncSession, draft_id: UUID) -> tuple[DecisionView, ...]:
    rows = await session.execute(
        text(
            "SELECT p.name, x.answer, x.reason, x.decided_at, s.version_number, x.step, s.plan FROM decision x "
            "JOIN submission s ON s.id = x.submission_id JOIN person p ON p.id = x.person_id "
            "WHERE s.draft_id = :draft ORDER BY x.decided_at DESC"
        ),
        {"draft": draft_id},
    )
    return tuple(
        DecisionView(
            person=row.name,
            answer=Answer(row.answer),
            reason=row.reason,
            at=row.decided_at,
            version=row.version_number,
            step=row.step,
            step_label=next((s["label"] for s in row.plan["steps"] if s["number"] == row.step), ""),
        )
        for row in rows
    )


async def submissions_of(session: AsyncSession, draft_id: UUID) -> tuple[SubmissionView, ...]:
    rows = await session.execute(
        text(
            "SELECT s.version_number AS version, p.name AS by, s.submitted_at AS at, q.name AS withdrawn_by, "
            "w.at AS withdrawn_at, w.reason FROM submission s JOIN person p ON p.id = s.submitted_by "
            "LEFT JOIN withdrawal w ON w.submission_id = s.id LEFT JOIN person q ON q.id = w.person_id "
            "WHERE s.draft_id = :draft ORDER BY s.number"
        ),
        {"draft": draft_id},
    )
    return tuple(SubmissionView(**row) for row in rows.mappings())
