"""Acts that take two people: one asks, another confirms, and only then is it done (derived from paragraph 36).

The caller checks roles, does the act in the same transaction as `confirm`, and names the act in its own words on the record.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.refusals import BadInput, Conflict, NotAllowed, NotFound
from core.records.audit import actor_name, append
from core.records.reads import clock
from core.use_cases.people import person_by_id

GOOD_FOR = timedelta(hours=24)


class SecondPersonNeeded(NotAllowed):
    code = "second_person_needed"
    paragraph = 36
    sentence = "You asked for this, so somebody else must confirm it (derived from paragraph 36). Ask a colleague to look at it."


class AlreadyAsked(Conflict):
    code = "already_asked"
    sentence = "Somebody has already asked for this and it waits for a second person. Open it again to see who asked and why."


class NothingToConfirm(Conflict):
    code = "nothing_to_confirm"
    sentence = (
        "This no longer waits for a second person: it was confirmed, taken back, or not confirmed in time. Ask for it again."
    )


class AskerMayNoMore(Conflict):
    code = "asker_may_no_more"
    paragraph = 36
    sentence = (
        "Whoever asked for this may not ask for it any more, so it would be one person's word (derived from paragraph 36). "
        "Take it back, ask for it yourself, and let a colleague confirm."
    )


@dataclass(frozen=True)
class Proposal:
    """What waits for a second person, as of the database's clock."""

    id: UUID
    kind: str
    subject: str
    detail: dict[str, Any]
    reason: str
    asked_by: UUID
    asked_by_name: str
    asked_at: datetime
    good_until: datetime


_SELECT = (
    "SELECT p.id, p.kind, p.subject, p.detail, p.reason, p.asked_by, who.name AS asked_by_name, p.asked_at, p.good_until "
    "FROM proposal p JOIN person who ON who.id = p.asked_by "
)
_OPEN = "p.confirmed_at IS NULL AND p.withdrawn_at IS NULL AND p.good_until > clock_timestamp()"


async def propose(
    session: AsyncSession,
    *,
    by: Person,
    kind: str,
    subject: str,
    reason: str,
    detail: dict[str, Any] | None = None,
    good_for: timedelta = GOOD_FOR,
    request: str | None = None,
) -> UUID:
    """Ask for an act that takes two. Raises AlreadyAsked while the same is asked for, BadInput without a reason."""
    reason = tidied(reason)
    if not reason:
        raise BadInput("Say why: the person who confirms it will read it.", field="reason")
    now = await clock(session)
    await _end_lapsed(session, kind, subject, by)
    proposal_id = uuid4()
    try:
        async with session.begin_nested():
            await session.execute(
                text(
                    "INSERT INTO proposal (id, kind, subject, detail, reason, asked_by, good_until) "
                    "VALUES (:id, :kind, :subject, CAST(:detail AS jsonb), :reason, :by, :until)"
                ),
                {
                    "id": proposal_id,
                    "kind": kind,
                    "subject": subject,
                    "detail": _json(detail or {}),
                    "reason": reason,
                    "by": by.id,
                    "until": now + good_for,
                },
            )
    except IntegrityError as clash:
        raise AlreadyAsked() from clash
    await _record(session, by, f"{kind}.ask", subject, proposal_id, request, detail or {})
    return proposal_id


async def confirm(session: AsyncSession, *, by: Person, proposal_id: UUID, kind: str, request: str | None = None) -> Proposal:
    """The second person's yes, under the row's lock. Raises SecondPersonNeeded for who asked, NothingToConfirm, NotFound.

    The caller does the act itself in this transaction.
    """
    proposal = await _locked(session, proposal_id, kind)
    if proposal.asked_by == by.id:
        raise SecondPersonNeeded()
    await session.execute(text("UPDATE proposal SET confirmed_by = :by WHERE id = :id"), {"by": by.id, "id": proposal_id})
    await _record(session, by, f"{kind}.confirm", proposal.subject, proposal_id, request, proposal.detail)
    return proposal


async def require_asker(session: AsyncSession, proposal: Proposal, *roles: Role) -> Person:
    """Who asked, as they stand now: both are to be people who may, at the moment it is done. Raises AskerMayNoMore."""
    asked = await person_by_id(session, proposal.asked_by)
    if asked is None or not asked.has(*roles):
        raise AskerMayNoMore()
    return asked


async def take_back(session: AsyncSession, *, by: Person, proposal_id: UUID, kind: str, request: str | None = None) -> Proposal:
    """Nobody confirms it any more: either person, or anybody the caller lets, may say no."""
    proposal = await _locked(session, proposal_id, kind)
    await session.execute(text("UPDATE proposal SET withdrawn_by = :by WHERE id = :id"), {"by": by.id, "id": proposal_id})
    await _record(session, by, f"{kind}.take_back", proposal.subject, proposal_id, request, {})
    return proposal


async def open_proposals(session: AsyncSession, *, kind: str | None = None, subject: str | None = None) -> list[Proposal]:
    """What waits for a second person now, oldest first."""
    rows = await session.execute(
        text(
            f"{_SELECT} WHERE {_OPEN} AND (CAST(:kind AS text) IS NULL OR p.kind = :kind) "
            "AND (CAST(:subject AS text) IS NULL OR p.subject = :subject) ORDER BY p.asked_at"
        ),
        {"kind": kind, "subject": subject},
    )
    return [Proposal(**row) for row in rows.mappings()]


async def _locked(session: AsyncSession, proposal_id: UUID, kind: str) -> Proposal:
    locked = await session.execute(
        text("SELECT 1 FROM proposal WHERE id = :id AND kind = :kind FOR UPDATE"), {"id": proposal_id, "kind": kind}
    )
    if locked.first() is None:
        raise NotFound()
    row = (await session.execute(text(f"{_SELECT} WHERE p.id = :id AND {_OPEN}"), {"id": proposal_id})).mappings().first()
    if row is None:
        raise NothingToConfirm()
    return Proposal(**row)


async def _end_lapsed(session: AsyncSession, kind: str, subject: str, by: Person) -> None:
    """One that nobody confirmed in time makes room for the next."""
    await session.execute(
        text(
            "UPDATE proposal SET withdrawn_by = :by WHERE kind = :kind AND subject = :subject AND confirmed_at IS NULL "
            "AND withdrawn_at IS NULL AND good_until <= clock_timestamp()"
        ),
        {"by": by.id, "kind": kind, "subject": subject},
    )


async def _record(
    session: AsyncSession,
    by: Person,
    action: str,
    subject: str,
    proposal_id: UUID,
    request: str | None,
    detail: dict[str, Any],
) -> None:
    await append(
        session,
        subject=subject,
        actor=actor_name(by),
        action=action,
        paragraph=36,
        detail={"proposal": proposal_id, **detail},
        request=request,
    )


def _json(detail: dict[str, Any]) -> str:
    return json.dumps(detail, default=str)
