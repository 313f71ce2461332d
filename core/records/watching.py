"""The watch as the worker keeps it: which accounts are due, what the ledger knows of them, what a reading came to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.manifest import renditions_in
from core.domain.watch import SETTLES, AccountLedger, OpenOutcome, OurPost
from core.records.storable import storable


@dataclass(frozen=True)
class DueWatch:
    """One account whose timeline is to be read now. `now` is the database's clock; `seen_at` the last good reading."""

    account_id: UUID
    every: timedelta
    readings: int
    seen_at: datetime | None
    began_at: datetime
    now: datetime


async def begin_watching(session: AsyncSession, platforms: Iterable[str]) -> None:
    """A row for every connected account on these platforms; its first reading is due at once."""
    await session.execute(
        text(
            "INSERT INTO account_watch (account_id) SELECT id FROM account WHERE status = 'connected' "
            "AND platform = ANY(:platforms) AND NOT EXISTS (SELECT 1 FROM account_watch w WHERE w.account_id = account.id) "
            "ON CONFLICT DO NOTHING"
        ),
        {"platforms": list(platforms)},
    )


async def take_due_watches(
    session: AsyncSession, *, platforms: Iterable[str], limit: int, lease: timedelta
) -> tuple[DueWatch, ...]:
    """Accounts due for a reading that nobody else is reading, ours until the lease ends."""
    rows = await session.execute(
        text(
            "UPDATE account_watch SET leased_until = clock_timestamp() + :lease, readings = readings + 1, "
            "next_at = clock_timestamp() + make_interval(secs => every_seconds) "
            "WHERE account_id IN (SELECT w.account_id FROM account_watch w JOIN account a ON a.id = w.account_id "
            " WHERE w.next_at <= clock_timestamp() AND (w.leased_until IS NULL OR w.leased_until < clock_timestamp()) "
            " AND a.status = 'connected' AND a.platform = ANY(:platforms) "
            " ORDER BY w.next_at LIMIT :limit FOR UPDATE OF w SKIP LOCKED) "
            "RETURNING account_id, every_seconds, readings, seen_at, began_at, clock_timestamp() AS now"
        ),
        {"platforms": list(platforms), "limit": limit, "lease": lease},
    )
    return tuple(
        DueWatch(row.account_id, timedelta(seconds=row.every_seconds), row.readings, row.seen_at, row.began_at, row.now)
        for row in rows
    )


async def note_seen(session: AsyncSession, account_id: UUID, *, began: datetime) -> None:
    """The reading that began then was good."""
    await session.execute(
        text("UPDATE account_watch SET seen_at = :began, leased_until = NULL, trouble = '' WHERE account_id = :id"),
        {"id": account_id, "began": began},
    )


async def note_trouble(session: AsyncSession, account_id: UUID, sentence: str, *, retry_at: datetime | None) -> None:
    """The reading failed; the next one is not before the platform said."""
    await session.execute(
        text(
            "UPDATE account_watch SET leased_until = NULL, trouble = :sentence, "
            "next_at = greatest(next_at, coalesce(:retry, next_at)) WHERE account_id = :id"
        ),
        {"id": account_id, "sentence": storable(sentence)[:500], "retry": retry_at},
    )


async def remember_posts(session: AsyncSession, account_id: UUID, posts: Iterable[tuple[str, str]], *, why: str) -> None:
    """Keep (post id, fingerprint) of posts that need no explaining from now on. `why`: stood_before or accepted."""
    kept = list(posts)
    await session.execute(
        text(
            "INSERT INTO known_post (account_id, post_id, why, fingerprint) SELECT CAST(:account AS uuid), k.post, :why, k.print "
            "FROM unnest(CAST(:posts AS text[]), CAST(:prints AS text[])) AS k (post, print) ON CONFLICT DO NOTHING"
        ),
        {"account": account_id, "why": why, "posts": [post for post, _ in kept], "prints": [one for _, one in kept]},
    )


_EXPLAINED = text(
    "SELECT post_id FROM publication WHERE account_id = :account AND post_id = ANY(:seen) "
    "UNION SELECT r.post_id FROM receipt r JOIN attempt t ON t.id = r.attempt_id JOIN publication p ON p.id = t.publication_id "
    " WHERE p.account_id = :account AND r.post_id = ANY(:seen) "
    "UNION SELECT post_id FROM known_post WHERE account_id = :account AND post_id = ANY(:seen)"
)

# A timeline may lag: what was taken down a moment ago may still be shown.
_REMOVED = text(
    "SELECT post_id, id FROM publication WHERE account_id = :account AND state = 'removed' AND post_id = ANY(:seen) "
    "AND moved_at < clock_timestamp() - CAST(:settles AS interval)"
)

# What stands (verified) or may stand (its outcome is open). The words only of those that are compared.
_OURS = text(
    "SELECT p.id, p.account_id, p.state, p.post_id, last.at AS dispatched_at, "
    "CASE WHEN p.state <> 'verified' OR p.post_id = ANY(:seen) THEN m.canonical END AS canonical, "
    "EXISTS (SELECT 1 FROM transition t WHERE t.publication_id = p.id AND t.after = 'mismatch') AS accepted, "
    "EXISTS (SELECT 1 FROM alarm a WHERE a.account_id = p.account_id AND a.kind = 'vanished' AND a.about = p.post_id) AS told "
    "FROM publication p JOIN manifest m ON m.digest = p.digest "
    "CROSS JOIN LATERAL (SELECT max(dispatched_at) AS at FROM attempt WHERE publication_id = p.id) last "
    "WHERE p.account_id = :account AND ((p.state = 'verified' AND p.post_id IS NOT NULL "
    " AND (last.at BETWEEN :since AND :before OR p.post_id = ANY(:seen))) "
    " OR p.state IN ('sending', 'processing', 'unknown'))"
)


async def account_ledger(
    session: AsyncSession, account_id: UUID, *, seen: Iterable[str], since: datetime, before: datetime
) -> AccountLedger:
    """What we know of this account, for the posts seen and for ours sent from `since` until `before`.

    Read after the timeline was, so that whatever the timeline shows of ours had been allowed before.
    """
    asked = {"account": account_id, "seen": list(seen)}
    explained = frozenset(row.post_id for row in await session.execute(_EXPLAINED, asked))
    rows = list(await session.execute(_OURS, {**asked, "since": since, "before": before}))
    removed = await session.execute(_REMOVED, {**asked, "settles": SETTLES})
    prints = await session.execute(
        text("SELECT post_id, fingerprint FROM known_post WHERE account_id = :account AND why = 'accepted'"), asked
    )
    return AccountLedger(
        explained=explained,
        ours=tuple(_our_post(row) for row in rows if row.state == "verified" and not (row.told and row.canonical is None)),
        open=tuple(found for row in rows if row.state != "verified" and (found := _open_outcome(row))),
        fingerprints={row.post_id: row.fingerprint for row in prints},
        removed={row.post_id: row.id for row in removed},
    )


def _our_post(row: Any) -> OurPost:
    return OurPost(row.id, row.post_id, row.accepted, _rendition(row))


def _open_outcome(row: Any) -> OpenOutcome | None:
    rendition = _rendition(row)
    return OpenOutcome(row.id, row.dispatched_at, rendition) if rendition and row.dispatched_at else None


def _rendition(row: Any) -> Any:
    if row.canonical is None:
        return None
    return next((r for r in renditions_in(bytes(row.canonical)) if r.account_id == str(row.account_id)), None)
