"""What the worker's own loop keeps moving without Temporal: leases, the outbox, signs of life."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MESSAGES_AT_ONCE = 200


@dataclass(frozen=True)
class Message:
    """One *look again*: every outbox row that says the same is delivered with it."""

    kind: str
    subject_id: UUID
    ids: tuple[int, ...]


@dataclass(frozen=True)
class AtTheGate:
    """One waiting publication as the keeper's query finds it: `mine` False if another epoch took it."""

    id: UUID
    epoch: int
    draft_revision: int
    held: bool


async def take_messages(session: AsyncSession) -> list[Message]:
    """Undelivered messages nobody else is delivering, ours for 15 seconds."""
    rows = await session.execute(
        text(
            "UPDATE outbox SET tries = tries + 1, claimed_until = clock_timestamp() + interval '15 seconds' WHERE id IN ("
            " SELECT id FROM outbox WHERE delivered_at IS NULL AND (claimed_until IS NULL OR claimed_until < clock_timestamp())"
            " ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING id, kind, subject_id"
        ),
        {"limit": MESSAGES_AT_ONCE},
    )
    together: dict[tuple[str, UUID], list[int]] = {}
    for row in rows:
        together.setdefault((row.kind, row.subject_id), []).append(row.id)
    return [Message(kind, subject, tuple(ids)) for (kind, subject), ids in together.items()]


async def mark_delivered(session: AsyncSession, ids: list[int]) -> None:
    await session.execute(text("UPDATE outbox SET delivered_at = clock_timestamp() WHERE id = ANY(:ids)"), {"ids": ids})


async def give_back(session: AsyncSession, ids: list[int]) -> None:
    """What could not be delivered is anybody's again."""
    await session.execute(text("UPDATE outbox SET claimed_until = NULL WHERE id = ANY(:ids)"), {"ids": ids})


async def forget_delivered(session: AsyncSession) -> None:
    """Messages delivered more than a week ago say nothing any more: what they announced is in the rows."""
    await session.execute(
        text(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE delivered_at < clock_timestamp() - interval '7 days' "
            "LIMIT 1000 FOR UPDATE SKIP LOCKED)"
        )
    )


async def beat(session: AsyncSession, *, worker: str, engine: bool) -> None:
    await session.execute(
        text(
            "INSERT INTO heartbeat (worker, at, engine_at) VALUES (:worker, clock_timestamp(), "
            "CASE WHEN :engine THEN clock_timestamp() END) ON CONFLICT (worker) DO UPDATE SET at = clock_timestamp(), "
            "engine_at = CASE WHEN :engine THEN clock_timestamp() ELSE heartbeat.engine_at END"
        ),
        {"worker": worker, "engine": engine},
    )
    await session.execute(text("DELETE FROM heartbeat WHERE at < clock_timestamp() - interval '1 day'"))


_END_LEASES = text(
    """
    WITH ended AS (
        UPDATE publication SET lease_until = NULL,
               state = CASE state WHEN 'claimed' THEN 'scheduled' ELSE 'unknown' END,
               note = CASE state WHEN 'claimed' THEN 'Its worker stopped; it will be claimed again.'
                      ELSE 'The call was allowed, and its outcome is not on the record. Look on the platform first.'
                      END
         WHERE state IN ('claimed', 'sending') AND lease_until < clock_timestamp() RETURNING id)
    INSERT INTO outbox (kind, subject_id) SELECT 'publication', id FROM ended
    """
)


async def end_leases(session: AsyncSession) -> None:
    """CLAIMED whose lease ran out is anybody's again; SENDING whose lease ran out is UNKNOWN, and people see it.

    Word goes to each one's workflow: it still waits for whoever held it.
    """
    await session.execute(_END_LEASES)


# Past its time and in nobody's hands; or out, and not read back: whoever sent it may have died before saying so. The latter
# for a while only: reading may be refused for long, and has its own patience.
_OVERDUE = text(
    """
    INSERT INTO outbox (kind, subject_id) SELECT 'publication', p.id FROM publication p
     WHERE (p.state = 'scheduled' AND p.publish_at < clock_timestamp() - interval '3 seconds'
            AND (p.not_before IS NULL OR p.not_before < clock_timestamp())
            OR p.state = 'published' AND p.moved_at < clock_timestamp() - interval '20 seconds'
               AND p.moved_at > clock_timestamp() - interval '60 seconds')
       AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.kind = 'publication' AND o.subject_id = p.id
                        AND (o.delivered_at IS NULL OR o.delivered_at > clock_timestamp() - interval '10 seconds'))
    """
)


async def leave_word_for_overdue(session: AsyncSession) -> None:
    """Publications that should have gone on by now get their workflow told to look again, once at a time."""
    await session.execute(_OVERDUE)


# Read once a second, written only near a lease's end: a thousand rows locked every second would stand in dispatch's way. One
# that is locked is being dispatched. Nobody's holds are asked about while there is none at all.
_AT_THE_GATE = text(
    """
    WITH waiting AS MATERIALIZED (
        SELECT p.id, p.epoch, p.draft_id, p.account_id, p.lease_until, p.publish_at
          FROM publication p JOIN unnest(CAST(:ids AS uuid[]), CAST(:epochs AS integer[])) AS w (id, epoch) USING (id, epoch)
         WHERE p.state = 'claimed'),
    near AS (
        SELECT p.id FROM publication p
         WHERE p.id IN (SELECT id FROM waiting WHERE lease_until < clock_timestamp() + make_interval(secs => :lease) * 0.7)
           AND p.state = 'claimed' ORDER BY p.id FOR UPDATE SKIP LOCKED),
    renewed AS (
        UPDATE publication p SET lease_until = clock_timestamp() + make_interval(secs => :lease) FROM near WHERE p.id = near.id)
    SELECT w.id, w.epoch, d.revision AS draft_revision,
           CASE WHEN (SELECT EXISTS (SELECT 1 FROM hold WHERE lifted_at IS NULL))
                THEN hold_stops(a.platform, a.id, d.id, clock_timestamp(), w.publish_at) ELSE false END AS held
      FROM waiting w JOIN draft d ON d.id = w.draft_id JOIN account a ON a.id = w.account_id
    """
)


async def renew_leases(
    session: AsyncSession, *, waiting: dict[UUID, int], lease_seconds: float
) -> tuple[datetime, list[AtTheGate]]:
    """Keep every lease at this worker's gate alive, in one query; returns the database's clock and what stands now.

    A publication missing from the answer is no longer ours.
    """
    rows = await session.execute(_AT_THE_GATE, {"ids": list(waiting), "epochs": list(waiting.values()), "lease": lease_seconds})
    found = [AtTheGate(**row) for row in rows.mappings()]
    now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now, found
