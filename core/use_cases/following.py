"""What a hold found in flight when it began, followed to its outcome; and what waits behind it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person
from core.domain.publication import State
from core.use_cases.holding import Hold, hold_named

IN_FLIGHT = (State.SENDING, State.PROCESSING, State.UNKNOWN)
SHOWN = 100


@dataclass(frozen=True)
class Followed:
    """One publication in the hold's scope. `was`: its state when the hold began; `state`: its state now."""

    id: UUID
    draft_id: UUID
    purpose: str
    account: str
    platform: str
    was: State | None
    state: State
    note: str
    publish_at: datetime
    moved_at: datetime
    permalink: str | None


@dataclass(frozen=True)
class Following:
    """`in_flight` were with a platform when the hold began; no more than SHOWN of each are listed, the counts are of all."""

    hold: Hold
    in_flight: tuple[Followed, ...]
    stopped: tuple[Followed, ...]
    stopped_count: int
    waiting: tuple[Followed, ...]
    waiting_count: int

    @property
    def unsettled(self) -> tuple[Followed, ...]:
        return tuple(one for one in self.in_flight if one.state in IN_FLIGHT)

    @property
    def moving(self) -> bool:
        """Whether the service itself is still about to learn an outcome."""
        return any(one.state in (State.SENDING, State.PROCESSING) for one in self.in_flight)


# The hold's instant lies after every dispatch that it did not stop, for both are read under the same lock (0002).
_IN_SCOPE = """
    SELECT p.id, p.draft_id, v.source ->> 'purpose' AS purpose, a.name AS account, a.platform, p.state, p.note, p.publish_at,
           p.moved_at, p.permalink, before.after AS was, count(*) OVER () AS total
      FROM publication p JOIN account a ON a.id = p.account_id JOIN submission s ON s.id = p.submission_id
      JOIN version v ON v.id = s.version_id
      LEFT JOIN LATERAL (SELECT t.after FROM transition t WHERE t.publication_id = p.id AND t.at <= :began
                         ORDER BY t.number DESC LIMIT 1) before ON true
     WHERE (:scope = 'all' OR (:scope = 'platform' AND a.platform = :target)
            OR (:scope = 'account' AND a.id::text = :target) OR (:scope = 'draft' AND p.draft_id::text = :target))
"""
# Whatever was in flight then either still is or has moved since.
_WAS_IN_FLIGHT = (
    "AND p.created_at <= :began AND (p.moved_at > :began OR p.state = ANY(:in_flight)) AND before.after = ANY(:in_flight) "
    "ORDER BY p.moved_at DESC, p.id LIMIT :shown"
)
_STOPPED = "AND p.state = 'held' ORDER BY p.publish_at, p.id LIMIT :shown"
_WAITING = (
    "AND p.state IN ('scheduled', 'claimed') AND (CAST(:ends AS timestamptz) IS NULL OR p.publish_at < :ends) "
    "ORDER BY p.publish_at, p.id LIMIT :shown"
)


async def follow(session: AsyncSession, *, by: Person, hold_id: UUID) -> Following:
    """The hold and what became of everything in its scope, as of now; or NotFound."""
    hold = await hold_named(session, by=by, hold_id=hold_id)
    values: dict[str, Any] = {
        "scope": hold.scope,
        "target": hold.target,
        "began": max(hold.placed_at, hold.starts_at),
        "ends": hold.ends_at,
        "in_flight": [str(state) for state in IN_FLIGHT],
        "shown": SHOWN,
    }
    in_flight, _ = await _found(session, _WAS_IN_FLIGHT, values) if hold.stands else ((), 0)
    stopped, stopped_count = await _found(session, _STOPPED, values)
    waiting, waiting_count = await _found(session, _WAITING, values) if not hold.over else ((), 0)
    return Following(hold, in_flight, stopped, stopped_count, waiting, waiting_count)


async def _found(session: AsyncSession, which: str, values: dict[str, Any]) -> tuple[tuple[Followed, ...], int]:
    rows = (await session.execute(text(_IN_SCOPE + which), values)).mappings().all()
    total = rows[0]["total"] if rows else 0
    return tuple(_read(row) for row in rows), total


def _read(row: Any) -> Followed:
    values = {name: row[name] for name in row if name != "total"}
    return Followed(**{**values, "state": State(row["state"]), "was": State(row["was"]) if row["was"] else None})
