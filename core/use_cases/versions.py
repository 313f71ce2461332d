"""A draft's versions: to edit the newest again, to show an older one, to tell what changed since a person last looked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Rendition, Source, SourceImage
from core.domain.manifest import renditions_in
from core.domain.people import Person
from core.domain.refusals import NotFound
from core.records.facts import AccountFacts, DraftFacts
from core.use_cases.access import seen_draft


@dataclass(frozen=True)
class VersionView:
    number: int
    digest: str
    saved_by: str
    saved_at: datetime


async def editable(session: AsyncSession, *, by: Person, draft_id: UUID) -> tuple[Source, datetime, int]:
    """What was typed last, the publish time and the version number, to fill the write form again."""
    facts = await seen_draft(session, by, draft_id)
    return _source(facts), facts.schedule.publish_at, facts.version_number


async def renditions_since(session: AsyncSession, *, by: Person, draft_id: UUID) -> tuple[int, tuple[Rendition, ...]] | None:
    """The newest older version this person looked at, to show what changed since; None if they saw none."""
    await seen_draft(session, by, draft_id)
    row = (
        await session.execute(
            text(
                "SELECT v.number, m.canonical FROM version_view s "
                "JOIN version v ON v.draft_id = s.draft_id AND v.number = s.number "
                "JOIN manifest m ON m.digest = v.digest WHERE s.person_id = :viewer AND s.draft_id = :draft "
                "AND s.number < (SELECT max(number) FROM version WHERE draft_id = :draft) ORDER BY s.number DESC LIMIT 1"
            ),
            {"viewer": by.id, "draft": draft_id},
        )
    ).one_or_none()
    return (row.number, renditions_in(bytes(row.canonical))) if row else None


async def note_view(session: AsyncSession, *, by: Person, draft_id: UUID, version: int) -> None:
    """Record that this person looked at this version: a note for them alone, which changes no state."""
    await session.execute(
        text("INSERT INTO version_view (person_id, draft_id, number) VALUES (:person, :draft, :number) ON CONFLICT DO NOTHING"),
        {"person": by.id, "draft": draft_id, "number": version},
    )


async def accounts_to_choose(session: AsyncSession) -> tuple[AccountFacts, ...]:
    """The official accounts a draft can target, in the order pages list them."""
    rows = await session.execute(
        text(
            "SELECT id, platform, platform_account_id, handle, name, status, revision, server FROM account "
            "WHERE status = 'connected' ORDER BY platform, name"
        )
    )
    return tuple(AccountFacts(**row) for row in rows.mappings())


async def version_view(session: AsyncSession, *, by: Person, draft_id: UUID, number: int) -> tuple[VersionView, bytes]:
    """One version with the canonical bytes its digest names."""
    await seen_draft(session, by, draft_id)
    for version in await versions_of(session, draft_id):
        if version.number == number:
            row = await session.execute(text("SELECT canonical FROM manifest WHERE digest = :digest"), {"digest": version.digest})
            return version, bytes(row.scalar_one())
    raise NotFound()


def _source(facts: DraftFacts) -> Source:
    data: dict[str, Any] = facts.source
    return Source(
        purpose=data["purpose"],
        text=data["text"],
        overrides=data["overrides"],
        link=data["link"],
        images=tuple(SourceImage(**image) for image in data["images"]),
        window=facts.window,
        account_ids=tuple(data["account_ids"]),
        declarations=data["declarations"],
        target=data.get("target"),
    )


async def versions_of(session: AsyncSession, draft_id: UUID) -> tuple[VersionView, ...]:
    rows = await session.execute(
        text(
            "SELECT v.number, v.digest, p.name AS saved_by, v.saved_at FROM version v JOIN person p ON p.id = v.saved_by "
            "WHERE v.draft_id = :draft ORDER BY v.number DESC"
        ),
        {"draft": draft_id},
    )
    return tuple(VersionView(**row) for row in rows.mappings())
