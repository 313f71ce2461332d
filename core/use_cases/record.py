"""The record: what became of a publication, the audit list, and whether the service itself is well."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.publication import OWNER, State
from core.domain.refusals import NotFound
from core.use_cases.access import require, seen_draft
from core.use_cases.lists import Page


@dataclass(frozen=True)
class TransitionView:
    at: datetime
    before: str
    after: str
    note: str
    epoch: int


@dataclass(frozen=True)
class AttemptView:
    dispatched_at: datetime
    epoch: int
    digest: str
    result: str | None
    status: int | None
    detail: str | None
    received_at: datetime | None


@dataclass(frozen=True)
class PublicationView:
    """One publication's record. `owner` is who must act next: service, officer, authoriser, or nobody (None)."""

    id: UUID
    draft_id: UUID
    purpose: str
    account: str
    platform: str
    handle: str
    state: State
    owner: str | None
    note: str
    publish_at: datetime
    digest: str
    post_id: str | None
    permalink: str | None
    transitions: tuple[TransitionView, ...]
    attempts: tuple[AttemptView, ...]


@dataclass(frozen=True)
class AuditLine:
    id: int
    at: datetime
    subject: str
    number: int
    actor: str
    actor_name: str
    action: str
    paragraph: int | None
    digest: str | None
    detail: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class ServiceState:
    """`waiting_for`: age of the oldest undelivered message; `worker_alive`, `engine_alive`: heard from within 15 seconds."""

    waiting_for: timedelta | None
    worker_alive: bool
    engine_alive: bool

    @property
    def delayed(self) -> bool:
        return not self.worker_alive or not self.engine_alive or (self.waiting_for or timedelta()) > timedelta(seconds=15)


async def publication_record(session: AsyncSession, *, by: Person, publication_id: UUID) -> PublicationView:
    """Everything on the record about one publication, or NotFound."""
    row = (
        await session.execute(
            text(
                "SELECT p.*, a.name AS account, a.platform, a.handle, v.source ->> 'purpose' AS purpose FROM publication p "
                "JOIN account a ON a.id = p.account_id JOIN submission s ON s.id = p.submission_id "
                "JOIN version v ON v.id = s.version_id WHERE p.id = :id"
            ),
            {"id": publication_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    await seen_draft(session, by, row.draft_id)
    state = State(row.state)
    return PublicationView(
        id=row.id,
        draft_id=row.draft_id,
        purpose=row.purpose,
        account=row.account,
        platform=row.platform,
        handle=row.handle,
        state=state,
        owner=OWNER.get(state),
        note=row.note,
        publish_at=row.publish_at,
        digest=row.digest,
        post_id=row.post_id,
        permalink=row.permalink,
        transitions=await _transitions(session, publication_id),
        attempts=await _attempts(session, publication_id),
    )


async def _transitions(session: AsyncSession, publication_id: UUID) -> tuple[TransitionView, ...]:
    rows = await session.execute(
        text("SELECT at, before, after, note, epoch FROM transition WHERE publication_id = :id ORDER BY number"),
        {"id": publication_id},
    )
    return tuple(TransitionView(**row) for row in rows.mappings())


async def _attempts(session: AsyncSession, publication_id: UUID) -> tuple[AttemptView, ...]:
    rows = await session.execute(
        text(
            "SELECT t.dispatched_at, t.epoch, t.digest, r.result, r.status, r.detail, r.received_at FROM attempt t "
            "LEFT JOIN receipt r ON r.attempt_id = t.id WHERE t.publication_id = :id ORDER BY t.dispatched_at, r.received_at"
        ),
        {"id": publication_id},
    )
    return tuple(AttemptView(**row) for row in rows.mappings())


async def audit_list(
    session: AsyncSession, *, by: Person, subject: str | None = None, after: str | None = None, limit: int = 50
) -> Page[AuditLine]:
    """Events, newest first: all of them for auditors, one draft's (with its publications') for whoever may see the draft."""
    draft_id = _draft_of(subject)
    if draft_id is None:
        if subject is not None and not by.has(Role.AUDITOR):
            raise NotFound()
        require(by, Role.AUDITOR)
    else:
        await seen_draft(session, by, draft_id)
    limit = max(1, min(limit, 200))
    narrowed = (
        "AND (e.subject = :subject OR e.subject IN (SELECT 'publication:' || id FROM publication WHERE draft_id = :draft))"
        if draft_id
        else "AND (CAST(:subject AS text) IS NULL OR e.subject = :subject)"
    )
    rows = await session.execute(
        text(
            "SELECT e.id, at, e.subject, number, actor, action, paragraph, body, hash, p.name FROM audit_event e "  # noqa: S608
            "LEFT JOIN person p ON p.issuer || '|' || p.subject = e.actor "
            f"WHERE e.id < :after {narrowed} ORDER BY e.id DESC LIMIT :limit"
        ),
        {
            "after": int(after) if after and after.isdecimal() and len(after) < 19 else 2**62,
            "subject": subject,
            "limit": limit + 1,
            **({"draft": draft_id} if draft_id else {}),
        },
    )
    found = rows.all()
    return Page(tuple(_audit_line(row) for row in found[:limit]), str(found[limit - 1].id) if len(found) > limit else None)


def _draft_of(subject: str | None) -> UUID | None:
    if subject is None or not subject.startswith("draft:"):
        return None
    try:
        return UUID(subject.removeprefix("draft:"))
    except ValueError as unknown:
        raise NotFound() from unknown


def _audit_line(row: Any) -> AuditLine:
    said = json.loads(bytes(row.body))
    return AuditLine(
        id=row.id,
        at=row.at,
        subject=row.subject,
        number=row.number,
        actor=row.actor,
        actor_name=row.name or row.actor.rpartition("|")[2],
        action=row.action,
        paragraph=row.paragraph,
        digest=said["digest"],
        detail=said["detail"],
        hash=bytes(row.hash).hex(),
    )


async def service_state(session: AsyncSession) -> ServiceState:
    """Whether what people did is being carried out; shown on every page when it is not."""
    row = (
        await session.execute(
            text(
                "SELECT (SELECT clock_timestamp() - min(created_at) FROM outbox WHERE delivered_at IS NULL) AS waiting_for, "
                "EXISTS (SELECT 1 FROM heartbeat WHERE at > clock_timestamp() - interval '15 seconds') AS worker_alive, "
                "EXISTS (SELECT 1 FROM heartbeat WHERE engine_at > clock_timestamp() - interval '15 seconds') AS engine_alive"
            )
        )
    ).one()
    return ServiceState(row.waiting_for, row.worker_alive, row.engine_alive)
