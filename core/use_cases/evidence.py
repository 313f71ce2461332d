"""A draft's evidence, byte for byte: what its digests name and every event of its chains, for somebody who trusts nobody."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person
from core.records.audit import draft_subject
from core.use_cases.access import seen_draft


@dataclass(frozen=True)
class ChainedEvent:
    """One event as it was hashed: `hash` is the SHA-256 of `body`, and `body` names `prev`."""

    number: int
    prev: bytes
    hash: bytes
    body: bytes


@dataclass(frozen=True)
class Chain:
    """One subject's events from the first; `head` is the number and hash at which the record says that they end."""

    subject: str
    head: tuple[int, bytes]
    events: tuple[ChainedEvent, ...]


@dataclass(frozen=True)
class Evidence:
    """`manifests`: by digest, the canonical bytes of each version. `chains`: the draft's own, then its publications'."""

    draft_id: UUID
    manifests: dict[str, bytes]
    chains: tuple[Chain, ...]


async def audit_evidence(session: AsyncSession, *, by: Person, draft_id: UUID) -> Evidence:
    """All of it as of one instant, or NotFound. Anybody who may see the draft may have it (promise 6)."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    await seen_draft(session, by, draft_id)
    manifests = await session.execute(
        text("SELECT m.digest, m.canonical FROM version v JOIN manifest m ON m.digest = v.digest WHERE v.draft_id = :draft"),
        {"draft": draft_id},
    )
    publications = await session.execute(
        text("SELECT id FROM publication WHERE draft_id = :draft ORDER BY created_at, id"), {"draft": draft_id}
    )
    subjects = [draft_subject(draft_id), *(f"publication:{row.id}" for row in publications)]
    return Evidence(
        draft_id,
        {row.digest: bytes(row.canonical) for row in manifests},
        tuple([await _chain(session, subject) for subject in subjects]),
    )


async def _chain(session: AsyncSession, subject: str) -> Chain:
    head = (
        await session.execute(text("SELECT number, hash FROM audit_head WHERE subject = :subject"), {"subject": subject})
    ).one()
    rows = await session.execute(
        text("SELECT number, prev, hash, body FROM audit_event WHERE subject = :subject ORDER BY number"), {"subject": subject}
    )
    events = tuple(ChainedEvent(row.number, bytes(row.prev), bytes(row.hash), bytes(row.body)) for row in rows)
    return Chain(subject, (head.number, bytes(head.hash)), events)
