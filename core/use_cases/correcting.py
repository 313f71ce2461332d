"""A correction is a draft of its own, linked to what it corrects: never a silent change (paragraph 34)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Source, SourceImage, Window
from core.domain.people import Person
from core.domain.publication import SENT_OR_MAYBE
from core.records.audit import actor_name, append
from core.use_cases.access import WRITERS, require
from core.use_cases.drafting import Saved, create_draft
from core.use_cases.publication_acts import locked_publication, subject_of

LEAD = timedelta(hours=1)
OPEN_FOR = timedelta(days=2)
"""A correction starts with a window of its own, from now: the first one's may be over. Its author chooses another."""


@dataclass(frozen=True)
class Correction:
    """A draft that corrects a publication."""

    draft_id: UUID
    publication_id: UUID
    corrected_draft_id: UUID
    purpose: str
    by: str
    at: datetime


async def correct(session: AsyncSession, *, by: Person, publication_id: UUID, request: str = "") -> Saved:
    """A new draft with the same words, images and accounts, linked to what it corrects; nothing of it is authorised.

    Raises NoRole, MovedOn where nothing was sent yet (edit that instead), and what a first save of a draft raises.
    """
    require(by, *WRITERS)
    one = await locked_publication(session, by, publication_id, *SENT_OR_MAYBE)
    source = _source(one.facts.source, Window(one.now, one.now + OPEN_FOR))
    saved = await create_draft(session, by=by, source=source, publish_at=one.now + LEAD, request=request)
    await session.execute(
        text("INSERT INTO correction (draft_id, publication_id, person_id) VALUES (:draft, :publication, :by)"),
        {"draft": saved.draft_id, "publication": publication_id, "by": by.id},
    )
    await append(
        session,
        subject=subject_of(publication_id),
        actor=actor_name(by),
        action="publication.correct",
        paragraph=34,
        digest=one.row.digest,
        detail={"draft": saved.draft_id},
        request=request,
    )
    return saved


async def corrections_of(session: AsyncSession, publication_id: UUID) -> tuple[Correction, ...]:
    """The drafts that correct this publication, oldest first. The caller has seen its draft."""
    return await _corrections(session, "c.publication_id = :id", publication_id)


async def corrects(session: AsyncSession, draft_id: UUID) -> Correction | None:
    """What this draft corrects, if anything."""
    found = await _corrections(session, "c.draft_id = :id", draft_id)
    return found[0] if found else None


async def _corrections(session: AsyncSession, where: str, value: UUID) -> tuple[Correction, ...]:
    rows = await session.execute(
        text(
            "SELECT c.draft_id, c.publication_id, p.draft_id AS corrected_draft_id, who.name AS by, c.at, "  # noqa: S608
            "(SELECT v.source ->> 'purpose' FROM version v WHERE v.draft_id = c.draft_id ORDER BY v.number DESC LIMIT 1) "
            "AS purpose FROM correction c JOIN publication p ON p.id = c.publication_id JOIN person who ON who.id = c.person_id "
            f"WHERE {where} ORDER BY c.at"
        ),
        {"id": value},
    )
    return tuple(Correction(**row) for row in rows.mappings())


def _source(kept: dict[str, Any], window: Window) -> Source:
    """What was typed the first time, in a window of its own."""
    images = tuple(SourceImage(**image) for image in kept["images"])
    return Source(**{**kept, "window": window, "images": images, "account_ids": tuple(kept["account_ids"])})
