"""Publications as the worker reads and moves them. Every move is checked, recorded and audited by the database itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.authority import Authority
from core.domain.publication import State
from core.records.storable import storable


@dataclass(frozen=True)
class Publication:
    id: UUID
    draft_id: UUID
    account_id: UUID
    submission_id: UUID
    digest: str
    state: State
    epoch: int
    lease_until: datetime | None
    not_before: datetime | None
    schedule_revision: int
    publish_at: datetime
    post_id: str | None
    moved_at: datetime
    now: datetime
    platform: str
    note: str


_COLUMNS = (
    "id, draft_id, account_id, submission_id, digest, state, epoch, lease_until, not_before, schedule_revision, publish_at, "
    "post_id, note, moved_at, clock_timestamp() AS now, (SELECT platform FROM account WHERE id = account_id) AS platform"
)


async def publication(session: AsyncSession, publication_id: UUID) -> Publication | None:
    row = (
        await session.execute(text(f"SELECT {_COLUMNS} FROM publication WHERE id = :id"), {"id": publication_id})  # noqa: S608
    ).one_or_none()
    return _read(row) if row else None


async def publications_of(session: AsyncSession, draft_id: UUID) -> tuple[Publication, ...]:
    rows = await session.execute(
        text(f"SELECT {_COLUMNS} FROM publication WHERE draft_id = :draft ORDER BY account_id"),  # noqa: S608
        {"draft": draft_id},
    )
    return tuple(_read(row) for row in rows)


def _read(row: Any) -> Publication:
    return Publication(**{**row._mapping, "state": State(row.state)})


async def move(
    session: AsyncSession,
    publication_id: UUID,
    *,
    before: State,
    after: State,
    epoch: int,
    note: str = "",
    post_id: str | None = None,
    permalink: str | None = None,
    retry_at: datetime | None = None,
) -> bool:
    """Move it if it still stands at `before` under `epoch`; False if somebody was quicker."""
    moved = await session.execute(
        text(
            "UPDATE publication SET state = :after, note = :note, lease_until = NULL, "
            "post_id = coalesce(:post, post_id), permalink = coalesce(:link, permalink), "
            "not_before = :retry WHERE id = :id AND state = :before AND epoch = :epoch RETURNING 1"
        ),
        {
            "id": publication_id,
            "before": str(before),
            "after": str(after),
            "epoch": epoch,
            "note": _text(note),
            "post": _text(post_id),
            "link": _text(permalink),
            "retry": retry_at,
        },
    )
    return moved.first() is not None


def _text(words: str | None) -> str | None:
    return storable(words) if words else words


async def claim(session: AsyncSession, publication_id: UUID, *, worker: str, lease_seconds: float) -> int | None:
    """SCHEDULED → CLAIMED under the next epoch, which fences every earlier claimer off. None if it is not to be had."""
    row = (
        await session.execute(
            text(
                "UPDATE publication SET state = 'claimed', epoch = epoch + 1, worker = :worker, note = '', "
                "lease_until = clock_timestamp() + make_interval(secs => :lease) "
                "WHERE id = :id AND state = 'scheduled' RETURNING epoch"
            ),
            {"id": publication_id, "worker": worker, "lease": lease_seconds},
        )
    ).one_or_none()
    return row.epoch if row else None


async def follow_schedule(session: AsyncSession, publication_id: UUID, *, revision: int, publish_at: datetime) -> None:
    """Note the newest time a person gave; a slower reader never puts an older one back."""
    await session.execute(
        text(
            "UPDATE publication SET schedule_revision = :revision, publish_at = :at "
            "WHERE id = :id AND schedule_revision < :revision"
        ),
        {"id": publication_id, "revision": revision, "at": publish_at},
    )


async def insert_publication(
    session: AsyncSession,
    *,
    draft_id: UUID,
    account_id: UUID,
    submission_id: UUID,
    digest: str,
    schedule_revision: int,
    publish_at: datetime,
) -> UUID | None:
    """A new SCHEDULED publication with the message that starts its workflow.

    None if the account has a live one, or ever had one for this submission: whatever ended it, it is not started again.
    """
    row = (
        await session.execute(
            text(
                "INSERT INTO publication (id, draft_id, account_id, submission_id, digest, schedule_revision, publish_at) "
                "VALUES (:id, :draft, :account, :submission, :digest, :revision, :at) "
                "ON CONFLICT DO NOTHING RETURNING id"
            ),
            {
                "id": uuid4(),
                "draft": draft_id,
                "account": account_id,
                "submission": submission_id,
                "digest": digest,
                "revision": schedule_revision,
                "at": publish_at,
            },
        )
    ).one_or_none()
    if row is None:
        return None
    await session.execute(text("INSERT INTO outbox (kind, subject_id) VALUES ('publication', :id)"), {"id": row.id})
    inserted: UUID = row.id
    return inserted


async def authorities_behind(session: AsyncSession, submission_id: UUID) -> tuple[Authority, ...]:
    """Every grant of the people who decided on this submission, as they stand now."""
    rows = await session.execute(
        text(
            "SELECT a.id, a.person_id, a.role, a.account_id, a.valid_from, a.valid_until, a.revision, "
            "a.revoked_at IS NOT NULL AS revoked FROM authority a "
            "WHERE a.person_id IN (SELECT d.person_id FROM decision d WHERE d.submission_id = :submission)"
        ),
        {"submission": submission_id},
    )
    return tuple(Authority(**row) for row in rows.mappings())
