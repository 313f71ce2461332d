"""Consents as the worker takes and answers them, and the introductions that servers are asked for."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

INTERRUPTED = "The service was interrupted while it asked the platform. Nothing was connected; connect the account again."
NOT_TAKEN = "Nobody confirmed it in time, or it was taken back. Its tokens are destroyed."


@dataclass(frozen=True)
class SealedPart:
    purpose: str
    worker_key_id: UUID
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class Taken:
    """A consent that this worker alone carries out, with what was sealed for it; the database keeps none of that any more."""

    id: UUID
    account_id: UUID
    platform: str
    server: str
    redirect_uri: str
    begun_at: datetime
    brought_at: datetime
    parts: tuple[SealedPart, ...]


@dataclass(frozen=True)
class AppWish:
    """A server that is to be told of this service."""

    platform: str
    server: str
    redirect_uri: str


async def take_consent(session: AsyncSession) -> Taken | None:
    """The oldest consent that brought its code, now ours alone; its secrets are deleted as they are taken."""
    found = await session.execute(
        text(
            "SELECT c.id, c.account_id, a.platform, a.server, c.redirect_uri, c.begun_at, c.status, s.sealed_at AS brought_at "
            "FROM connection_secret s JOIN connection c ON c.id = s.connection_id JOIN account a ON a.id = c.account_id "
            "WHERE s.purpose IN ('code', 'app_password') ORDER BY s.sealed_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED"
        )
    )
    row = found.mappings().first()
    if row is None:
        return None
    parts = await session.execute(
        text("DELETE FROM connection_secret WHERE connection_id = :id RETURNING purpose, worker_key_id, sealed"),
        {"id": row["id"]},
    )
    kept = tuple(SealedPart(part.purpose, part.worker_key_id, bytes(part.sealed)) for part in parts)
    known = {key: value for key, value in row.items() if key != "status"}
    if row["status"] != "begun":
        return None
    await move_consent(session, row["id"], "exchanging")
    return Taken(**known, parts=kept)


async def move_consent(
    session: AsyncSession, connection_id: UUID, status: str, *, note: str = "", found: list[dict[str, str]] | None = None
) -> None:
    await session.execute(
        text(
            "UPDATE connection SET status = :status, note = :note, moved_at = clock_timestamp(), "
            "found = CAST(:found AS jsonb) WHERE id = :id AND status NOT IN ('ended', 'failed')"
        ),
        {"id": connection_id, "status": status, "note": note, "found": json.dumps(found or [])},
    )


async def consent_stands(session: AsyncSession, connection_id: UUID) -> bool:
    """Whether it is still being carried out, under its row's lock: nobody ended it meanwhile."""
    found = await session.execute(
        text("SELECT 1 FROM connection WHERE id = :id AND status = 'exchanging' FOR UPDATE"), {"id": connection_id}
    )
    return found.first() is not None


async def end_lapsed_consents(session: AsyncSession) -> None:
    """What nobody finished or confirmed ends, so that its tokens are destroyed; secrets that nobody fetched go at once."""
    await session.execute(text("DELETE FROM connection_secret WHERE sealed_at < clock_timestamp() - interval '11 minutes'"))
    await session.execute(
        text(
            "UPDATE connection SET status = 'ended', moved_at = clock_timestamp() "
            "WHERE status = 'begun' AND begun_at < clock_timestamp() - interval '11 minutes'"
        )
    )
    await session.execute(
        text(
            "UPDATE connection SET status = 'failed', note = :note, moved_at = clock_timestamp() "
            "WHERE status = 'exchanging' AND moved_at < clock_timestamp() - interval '2 minutes'"
        ),
        {"note": INTERRUPTED},
    )
    # Found: an hour to ask for it; once somebody asked, as long as that waits. connect_account() takes the same row's lock.
    await session.execute(
        text(
            "UPDATE connection c SET status = 'ended', note = :note, moved_at = clock_timestamp() WHERE c.id IN ("
            " SELECT f.id FROM connection f LEFT JOIN LATERAL ("
            "  SELECT bool_or(p.confirmed_at IS NULL AND p.withdrawn_at IS NULL AND p.good_until > clock_timestamp()) AS waits "
            "  FROM proposal p WHERE p.kind = 'account.connect' AND p.subject = 'account:' || f.account_id "
            "  AND p.detail ->> 'connection' = f.id::text) AS asked ON true "
            " WHERE f.status = 'found' AND NOT coalesce(asked.waits, f.moved_at > clock_timestamp() - interval '1 hour') "
            " FOR UPDATE OF f SKIP LOCKED) AND c.status = 'found'"
        ),
        {"note": NOT_TAKEN},
    )


async def take_app_wish(session: AsyncSession) -> AppWish | None:
    """A server to introduce this service to, ours for a minute."""
    found = await session.execute(
        text(
            "SELECT platform, server, redirect_uri FROM platform_app WHERE client_id IS NULL "
            "AND (retry_at IS NULL OR retry_at < clock_timestamp()) ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
    )
    row = found.mappings().first()
    if row is None:
        return None
    wish = AppWish(**row)
    await _note_app(session, wish, "retry_at = clock_timestamp() + interval '1 minute'")
    return wish


async def note_app(session: AsyncSession, wish: AppWish, *, client_id: str | None, note: str = "") -> None:
    await _note_app(session, wish, "client_id = :client_id, note = :note", client_id=client_id, note=note)


async def app_client_id(session: AsyncSession, wish: AppWish) -> str | None:
    found = await session.execute(
        text(
            "SELECT client_id FROM platform_app WHERE platform = :platform AND server = :server AND redirect_uri = :redirect_uri"
        ),
        vars(wish),
    )
    known: str | None = found.scalar_one_or_none()
    return known


async def _note_app(session: AsyncSession, wish: AppWish, change: str, **values: Any) -> None:
    await session.execute(
        text(
            f"UPDATE platform_app SET {change} "  # noqa: S608 - constants of ours
            "WHERE platform = :platform AND server = :server AND redirect_uri = :redirect_uri"
        ),
        {**vars(wish), **values},
    )
