"""The audit chain: appending in the act's own transaction, and verifying every link."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.calendar import stamp
from core.domain.people import Person

_APPEND = text("SELECT audit_append(:subject, :actor, :action, :paragraph, :digest, CAST(:detail AS jsonb), :request)")


def actor_name(person: Person) -> str:
    """How people are named on the record: issuer and subject, never a name that changes."""
    return f"{person.issuer}|{person.subject}"


async def append(
    session: AsyncSession,
    *,
    subject: str,
    actor: str,
    action: str,
    paragraph: int | None = None,
    digest: str | None = None,
    detail: dict[str, Any] | None = None,
    request: str | None = None,
) -> None:
    """Write one event on `subject`'s chain. If it cannot be written, the act fails with it."""
    await session.execute(
        _APPEND,
        {
            "subject": subject,
            "actor": actor,
            "action": action,
            "paragraph": paragraph,
            "digest": digest,
            "detail": json.dumps(detail or {}, default=str),
            "request": request,
        },
    )


def draft_subject(draft_id: UUID) -> str:
    return f"draft:{draft_id}"


@dataclass(frozen=True)
class ChainReport:
    """`faults` says in sentences what does not hold; empty means that every chain verified."""

    events: int
    subjects: int
    faults: tuple[str, ...]


async def verify(session: AsyncSession) -> ChainReport:
    """Recompute every hash and follow every chain from its beginning to its recorded head, as of one instant."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    rows = await session.stream(
        text("SELECT subject, number, prev, hash, body, at, actor, action, paragraph FROM audit_event ORDER BY subject, number"),
        execution_options={"yield_per": 5000},
    )
    heads = {row.subject: row for row in await session.execute(text("SELECT subject, number, hash FROM audit_head"))}
    faults: list[str] = []
    reached: dict[str, tuple[int, bytes]] = {}
    events = 0
    async for row in rows:
        events += 1
        number, prev = reached.get(row.subject, (0, hashlib.sha256(f"countersign:{row.subject}".encode()).digest()))
        faults += _link_faults(row, number, prev)
        reached[row.subject] = (row.number, bytes(row.hash))
    for subject, head in heads.items():
        if reached.get(subject, (0, b"")) != (head.number, bytes(head.hash)):
            faults.append(
                f"{subject}: the chain does not end at its recorded head (event {head.number}): events are missing or changed."
            )
    faults += [f"{subject}: a chain without a recorded head." for subject in reached.keys() - heads.keys()]
    return ChainReport(events, len(reached), tuple(faults))


def _link_faults(row: Any, number: int, prev: bytes) -> list[str]:
    """What is wrong with one event, given the number and hash of the one before it."""
    where = f"{row.subject} event {row.number}"
    body = bytes(row.body)
    faults = []
    if row.number != number + 1:
        faults.append(f"{where}: event {number + 1} is missing.")
    if bytes(row.prev) != prev:
        faults.append(f"{where}: it does not follow the event before it.")
    if hashlib.sha256(body).digest() != bytes(row.hash):
        faults.append(f"{where}: its content does not match its hash.")
    said = _said(body)
    if (said.get("subject"), said.get("number"), said.get("prev")) != (row.subject, row.number, bytes(row.prev).hex()):
        faults.append(f"{where}: its content names another place in the chain.")
    shown = (stamp(row.at), row.actor, row.action, row.paragraph)
    if (said.get("at"), said.get("actor"), said.get("action"), said.get("paragraph")) != shown:
        # Lists and searches read the columns: they must say what was hashed.
        faults.append(f"{where}: its columns do not say what its content says.")
    return faults


def _said(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
