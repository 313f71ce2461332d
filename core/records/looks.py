"""Looking for a post whose outcome is not known: what was called, what was looked for, whose the found posts are."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.outcome import SendKey
from core.domain.publication import State
from core.records.publications import Publication, move
from core.records.storable import all_storable, storable


@dataclass(frozen=True)
class CallsMade:
    """The calls of one publication. `key` and `first_at`: of the first that may have reached the platform.

    `named`: the post that the platform itself called a duplicate. `looks`: how often it was looked for since it last moved.
    """

    last_attempt: UUID
    last_at: datetime
    first_at: datetime
    key: SendKey
    named: str | None
    looks: int
    last_look: datetime | None


_CALLS = text(
    """
    SELECT t.id AS last_attempt, t.dispatched_at AS last_at, coalesce(o.dispatched_at, t.dispatched_at) AS first_at,
           coalesce(o.key_id, t.key_id) AS key_id, coalesce(o.key_at, t.key_at) AS key_at,
           (SELECT r.post_id FROM receipt r JOIN attempt a ON a.id = r.attempt_id
             WHERE a.publication_id = p.id AND r.result IN ('unknown', 'processing') AND r.post_id IS NOT NULL
             ORDER BY r.received_at DESC LIMIT 1) AS named,
           (SELECT count(*) FROM look_up l WHERE l.publication_id = p.id AND l.at > p.moved_at) AS looks,
           (SELECT max(l.at) FROM look_up l WHERE l.publication_id = p.id) AS last_look
      FROM publication p
      JOIN LATERAL (SELECT * FROM attempt WHERE publication_id = p.id ORDER BY epoch DESC LIMIT 1) t ON true
      LEFT JOIN LATERAL (
        SELECT * FROM attempt a WHERE a.publication_id = p.id AND NOT EXISTS (
            SELECT 1 FROM receipt r WHERE r.attempt_id = a.id AND r.result IN ('not_sent', 'refused'))
         ORDER BY a.epoch LIMIT 1) o ON true
     WHERE p.id = :id
    """
)


async def calls_made(session: AsyncSession, publication_id: UUID) -> CallsMade | None:
    """None if no call was ever let through."""
    row = (await session.execute(_CALLS, {"id": publication_id})).one_or_none()
    if row is None:
        return None
    key = SendKey(row.key_id, row.key_at)
    return CallsMade(row.last_attempt, row.last_at, row.first_at, key, row.named, row.looks, row.last_look)


async def posts_of_others(session: AsyncSession, one: Publication, post_ids: list[str]) -> frozenset[str]:
    """Those of these posts that another publication of the account made, by its own row or by what its calls were answered."""
    rows = await session.execute(
        text(
            "SELECT post_id FROM publication WHERE account_id = :account AND id <> :id AND post_id = ANY(:posts) "
            "UNION SELECT r.post_id FROM receipt r JOIN attempt t ON t.id = r.attempt_id "
            "JOIN publication p ON p.id = t.publication_id WHERE p.account_id = :account AND p.id <> :id "
            "AND r.result IN ('accepted', 'processing') AND r.post_id = ANY(:posts)"
        ),
        {"account": one.account_id, "id": one.id, "posts": post_ids},
    )
    return frozenset(row.post_id for row in rows)


async def adopt(session: AsyncSession, one: Publication, *, post_id: str, permalink: str | None) -> bool:
    """UNKNOWN → PUBLISHED: this post is ours. False if another publication was quicker to it, or this one moved on."""
    # One at a time per account: two publications with the same words would else adopt the same post.
    await session.execute(text("SELECT pg_advisory_xact_lock(7302, hashtext(:account))"), {"account": str(one.account_id)})
    if await posts_of_others(session, one, [post_id]):
        return False
    return await move(
        session,
        one.id,
        before=State.UNKNOWN,
        after=State.PUBLISHED,
        epoch=one.epoch,
        note="It was found on the platform.",
        post_id=post_id,
        permalink=permalink,
    )


async def write_look(session: AsyncSession, one: Publication, *, found: list[dict[str, Any]], sentence: str) -> None:
    """One look on the record, and its sentence where people see the publication while it is still unknown."""
    await session.execute(
        text(
            "INSERT INTO look_up (id, publication_id, epoch, found, sentence) "
            "VALUES (:look, :id, :epoch, CAST(:found AS jsonb), :sentence)"
        ),
        {
            "look": uuid4(),
            "id": one.id,
            "epoch": one.epoch,
            "found": json.dumps(all_storable(found), default=str),
            "sentence": storable(sentence),
        },
    )
    await renote(session, one, sentence)


async def renote(session: AsyncSession, one: Publication, note: str) -> None:
    """Say what is known now of a publication that stays where it is."""
    await session.execute(
        text("UPDATE publication SET note = :note WHERE id = :id AND state = :state AND epoch = :epoch"),
        {"note": storable(note), "id": one.id, "state": str(one.state), "epoch": one.epoch},
    )
