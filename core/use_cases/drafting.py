"""Writing: every change is a new immutable version with its digest; a save that changes nothing makes none."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.calendar import stamp
from core.domain.content import Source
from core.domain.manifest import digest_of
from core.domain.people import Person
from core.domain.publication import SENT_OR_MAYBE
from core.domain.refusals import AlreadySent, DraftChanged, OutsideWindow, TimePast
from core.records.audit import actor_name, append, draft_subject
from core.records.facts import DraftFacts
from core.records.reads import clock, look_again, touch_draft
from core.records.writes import insert_contributors, insert_draft_images, insert_schedule, insert_version, replace_awaiting
from core.use_cases.access import WRITERS as WRITERS
from core.use_cases.access import locked_draft, require
from core.use_cases.composing import Composed, compose


@dataclass(frozen=True)
class Saved:
    """`changed` False: nothing that would be published changed, so there is no new version."""

    draft_id: UUID
    version: int
    digest: str
    changed: bool
    rescheduled: bool = False


async def create_draft(session: AsyncSession, *, by: Person, source: Source, publish_at: datetime, request: str = "") -> Saved:
    """A new draft with its first version. Raises BadInput (or Several), naming fields, and leaves nothing behind."""
    require(by, *WRITERS)
    now = await clock(session)
    composed = await compose(session, source, by=by, publish_at=publish_at, now=now)
    draft_id = uuid4()
    await session.execute(text("INSERT INTO draft (id, created_by) VALUES (:id, :by)"), {"id": draft_id, "by": by.id})
    digest = await _write_version(session, by=by, draft_id=draft_id, number=1, composed=composed, request=request)
    await insert_schedule(session, draft_id=draft_id, revision=1, publish_at=publish_at, person_id=by.id)
    return Saved(draft_id, 1, digest, True, True)


async def save_draft(
    session: AsyncSession,
    *,
    by: Person,
    draft_id: UUID,
    seen_version: int,
    source: Source,
    publish_at: datetime,
    seen_publish_at: datetime | None = None,
    request: str = "",
) -> Saved:
    """Save over the version that was open (`seen_version`, with `seen_publish_at` if given); anything else is DraftChanged.

    A change voids every authorisation of the version before; a new publish time alone is a new schedule row.
    Raises AlreadySent once any of the draft's posts may have left.
    """
    require(by, *WRITERS)
    facts = await locked_draft(session, by, draft_id)
    if facts.version_number != seen_version or seen_publish_at not in (None, facts.schedule.publish_at):
        raise DraftChanged()
    if any(publication.state in SENT_OR_MAYBE for publication in facts.publications):
        raise AlreadySent()
    unmoved = publish_at == facts.schedule.publish_at
    composed = await compose(session, source, by=by, publish_at=publish_at, now=facts.now, time_may_be_past=unmoved)
    changed = digest_of(composed.canonical) != facts.digest
    if not changed and unmoved:
        return Saved(draft_id, facts.version_number, facts.digest, False)
    number, digest = facts.version_number, facts.digest
    if changed:
        number += 1
        digest = await _write_version(session, by=by, draft_id=draft_id, number=number, composed=composed, request=request)
        await replace_awaiting(session, facts=facts)
    if not unmoved:
        await _write_schedule(session, by=by, facts=facts, publish_at=publish_at, request=request)
    await touch_draft(session, draft_id)
    await look_again(session, draft_id=draft_id, publications=tuple(p.id for p in facts.publications))
    return Saved(draft_id, number, digest, changed, not unmoved)


async def reschedule(session: AsyncSession, *, by: Person, draft_id: UUID, publish_at: datetime, request: str = "") -> None:
    """Move the publish time inside the authorised window: needs no new authorisation and makes nobody a contributor.

    Raises OutsideWindow, TimePast, or AlreadySent when nothing is left to move.
    """
    require(by, *WRITERS)
    facts = await locked_draft(session, by, draft_id)
    if facts.publications and all(publication.state in SENT_OR_MAYBE for publication in facts.publications):
        raise AlreadySent()
    if not facts.window.contains(publish_at):
        raise OutsideWindow(field="publish_at")
    if publish_at < facts.now:
        raise TimePast(field="publish_at")
    await _write_schedule(session, by=by, facts=facts, publish_at=publish_at, request=request)
    await touch_draft(session, draft_id)
    await look_again(session, draft_id=draft_id, publications=tuple(p.id for p in facts.publications))


async def _write_schedule(session: AsyncSession, *, by: Person, facts: DraftFacts, publish_at: datetime, request: str) -> None:
    revision = facts.schedule.revision + 1
    await insert_schedule(session, draft_id=facts.id, revision=revision, publish_at=publish_at, person_id=by.id)
    await session.execute(text("UPDATE awaiting SET due = :at WHERE draft_id = :draft"), {"at": publish_at, "draft": facts.id})
    await append(
        session,
        subject=draft_subject(facts.id),
        actor=actor_name(by),
        action="draft.reschedule",
        paragraph=36,
        digest=facts.digest,
        detail={"revision": revision, "publish_at": stamp(publish_at)},
        request=request,
    )


async def _write_version(
    session: AsyncSession, *, by: Person, draft_id: UUID, number: int, composed: Composed, request: str
) -> str:
    digest = digest_of(composed.canonical)
    await insert_version(
        session,
        draft_id=draft_id,
        number=number,
        digest=digest,
        canonical=composed.canonical,
        source=source_as_data(composed.source),
        person_id=by.id,
    )
    await insert_contributors(session, draft_id=draft_id, person_id=by.id, source=composed.source)
    hashes = {image.sha256 for image in composed.source.images}
    hashes |= {image.sha256 for rendition in composed.renditions for image in rendition.images}
    await insert_draft_images(session, draft_id=draft_id, hashes=hashes)
    await append(
        session,
        subject=draft_subject(draft_id),
        actor=actor_name(by),
        action="draft.save" if number > 1 else "draft.create",
        paragraph=36,
        digest=digest,
        detail={"version": number},
        request=request,
    )
    return digest


def source_as_data(source: Source) -> dict[str, Any]:
    """What was typed, as it is kept beside the manifest to be edited again."""
    data = asdict(source)
    data["window"] = {"start": stamp(source.window.start), "end": stamp(source.window.end)}
    data["account_ids"] = list(source.account_ids)
    data["images"] = [asdict(image) for image in source.images]
    return data
