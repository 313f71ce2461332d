"""Consents as the api writes and reads them: who began which, what came of it, which servers know this service."""

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = "SELECT id, account_id, asked_by, begun_at, status, note, found FROM connection"


async def insert_connection(
    session: AsyncSession, connection_id: UUID, *, account_id: UUID, by: UUID, state: str, browser: str, redirect_uri: str
) -> None:
    """Of `state` and `browser` only hashes are kept."""
    await session.execute(
        text(
            "INSERT INTO connection (id, account_id, asked_by, state_hash, browser, redirect_uri) "
            "VALUES (:id, :account, :by, :state, :browser, :uri)"
        ),
        {"id": connection_id, "account": account_id, "by": by, "uri": redirect_uri, **_hashes(state, browser)},
    )


async def connection_begun(session: AsyncSession, *, by: UUID, state: str, browser: str, seconds: float) -> Any | None:
    """The consent that this state belongs to: this person's, of this browser, young and unused; or None."""
    found = await session.execute(
        text(
            f"{_COLUMNS} WHERE state_hash = :state AND browser = :browser AND asked_by = :by AND status = 'begun' "
            "AND begun_at > clock_timestamp() - make_interval(secs => :seconds)"
        ),
        {"by": by, "seconds": seconds, **_hashes(state, browser)},
    )
    return found.mappings().first()


async def deny_consent(session: AsyncSession, connection_id: UUID, *, by: UUID) -> None:
    await session.execute(text("SELECT deny_consent(:id, :by)"), {"id": connection_id, "by": by})


async def connection_row(session: AsyncSession, connection_id: UUID) -> Any | None:
    return (await session.execute(text(f"{_COLUMNS} WHERE id = :id"), {"id": connection_id})).mappings().first()


async def newest_worker_key(session: AsyncSession) -> tuple[UUID, bytes] | None:
    """The public key to seal to now."""
    row = (await session.execute(text("SELECT id, public_key FROM worker_key ORDER BY published_at DESC, id LIMIT 1"))).first()
    return (row.id, bytes(row.public_key)) if row else None


async def insert_connection_secret(session: AsyncSession, *, connection_id: UUID, purpose: str, key: UUID, sealed: bytes) -> None:
    """Once per consent and purpose: a second raises IntegrityError."""
    await session.execute(
        text(
            "INSERT INTO connection_secret (connection_id, purpose, worker_key_id, sealed) "
            "VALUES (:connection, :purpose, :key, :sealed)"
        ),
        {"connection": connection_id, "purpose": purpose, "key": key, "sealed": sealed},
    )


async def ask_for_app(session: AsyncSession, *, platform: str, server: str, redirect_uri: str) -> None:
    """The worker will introduce this service to that server; repeating the wish changes nothing."""
    await session.execute(
        text(
            "INSERT INTO platform_app (platform, server, redirect_uri) VALUES (:platform, :server, :uri) ON CONFLICT DO NOTHING"
        ),
        {"platform": platform, "server": server, "uri": redirect_uri},
    )


async def app_at(session: AsyncSession, *, platform: str, server: str, redirect_uri: str) -> tuple[str | None, str]:
    """How that server knows this service, if it does yet, and what the worker said about asking."""
    row = (
        await session.execute(
            text(
                "SELECT client_id, note FROM platform_app WHERE platform = :platform AND server = :server AND redirect_uri = :uri"
            ),
            {"platform": platform, "server": server, "uri": redirect_uri},
        )
    ).first()
    return (row.client_id, row.note) if row else (None, "")


def _hashes(state: str, browser: str) -> dict[str, object]:
    return {"state": hashlib.sha256(state.encode()).digest(), "browser": hashlib.sha256(browser.encode()).hexdigest()}
