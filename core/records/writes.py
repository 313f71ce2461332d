"""Named inserts of people's acts: each one statement, so that an act is a short transaction."""

import json
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Source
from core.domain.route import Plan, Step, plan_as_data
from core.records.facts import DraftFacts


async def insert_version(
    session: AsyncSession,
    *,
    draft_id: UUID,
    number: int,
    digest: str,
    canonical: bytes,
    source: dict[str, Any],
    person_id: UUID,
) -> None:
    await session.execute(
        text("INSERT INTO manifest (digest, canonical) VALUES (:digest, :canonical) ON CONFLICT (digest) DO NOTHING"),
        {"digest": digest, "canonical": canonical},
    )
    await session.execute(
        text(
            "INSERT INTO version (id, draft_id, number, digest, source, saved_by) "
            "VALUES (:id, :draft, :number, :digest, CAST(:source AS jsonb), :person)"
        ),
        {
            "id": uuid4(),
            "draft": draft_id,
            "number": number,
            "digest": digest,
            "source": json.dumps(source),
            "person": person_id,
        },
    )


async def insert_contributors(session: AsyncSession, *, draft_id: UUID, person_id: UUID, source: Source) -> None:
    """Who saves, and who uploaded any image in it: all of them have touched the draft."""
    await session.execute(
        text(
            "INSERT INTO contributor (draft_id, person_id) "
            "SELECT CAST(:draft AS uuid), CAST(:person AS uuid) "
            "UNION SELECT CAST(:draft AS uuid), person_id FROM upload WHERE sha256 = ANY(:images) "
            "ON CONFLICT DO NOTHING"
        ),
        {"draft": draft_id, "person": person_id, "images": [image.sha256 for image in source.images]},
    )


async def insert_draft_images(session: AsyncSession, *, draft_id: UUID, hashes: set[str]) -> None:
    if hashes:
        await session.execute(
            text(
                "INSERT INTO draft_image (draft_id, sha256) SELECT CAST(:draft AS uuid), unnest(CAST(:hashes AS text[])) "
                "ON CONFLICT DO NOTHING"
            ),
            {"draft": draft_id, "hashes": sorted(hashes)},
        )


async def insert_schedule(session: AsyncSession, *, draft_id: UUID, revision: int, publish_at: Any, person_id: UUID) -> None:
    await session.execute(
        text("INSERT INTO schedule (draft_id, revision, publish_at, set_by) VALUES (:draft, :revision, :at, :person)"),
        {"draft": draft_id, "revision": revision, "at": publish_at, "person": person_id},
    )


async def insert_submission(session: AsyncSession, *, facts: DraftFacts, plan: Plan, person_id: UUID) -> UUID:
    submission_id = uuid4()
    await session.execute(
        text(
            "INSERT INTO submission (id, draft_id, number, version_id, version_number, digest, plan, account_ids, "
            "window_start, window_end, submitted_by) VALUES (:id, :draft, :number, :version, :version_number, :digest, "
            "CAST(:plan AS jsonb), :accounts, :start, :end, :person)"
        ),
        {
            "id": submission_id,
            "draft": facts.id,
            "number": facts.submission.number + 1 if facts.submission else 1,
            "version": facts.version_id,
            "version_number": facts.version_number,
            "digest": facts.digest,
            "plan": json.dumps(plan_as_data(plan)),
            "accounts": list(facts.account_ids),
            "start": facts.window.start,
            "end": facts.window.end,
            "person": person_id,
        },
    )
    return submission_id


async def replace_awaiting(
    session: AsyncSession, *, facts: DraftFacts, submission_id: UUID | None = None, open_steps: tuple[Step, ...] = ()
) -> None:
    """Make `awaiting` say what `progress` says for this draft: one row per open step, and no others."""
    await session.execute(text("DELETE FROM awaiting WHERE draft_id = :draft"), {"draft": facts.id})
    for step in open_steps:
        await session.execute(
            text(
                "INSERT INTO awaiting (submission_id, step, draft_id, role, label, account_ids, due) "
                "VALUES (:submission, :step, :draft, :role, :label, :accounts, :due) ON CONFLICT DO NOTHING"
            ),
            {
                "submission": submission_id,
                "step": step.number,
                "draft": facts.id,
                "role": step.role,
                "label": step.label,
                "accounts": list(facts.account_ids),
                "due": facts.schedule.publish_at,
            },
        )
