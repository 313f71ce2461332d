"""Sealed tokens as the worker reads and writes them. A token is in force while its connection is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class TokenRecord:
    """One sealed token, whose it is, and what its consent was asked with; `now` is the database's clock."""

    id: UUID
    connection_id: UUID
    account_id: UUID
    platform: str
    server: str
    redirect_uri: str
    platform_account_id: str
    version: int
    sealed: bytes = field(repr=False)
    wrapped_key: bytes = field(repr=False)
    kek_id: str
    refreshable: bool
    granted_by: str
    expires_at: datetime | None
    ends_at: datetime | None
    refused: str
    tries: int
    is_due: bool
    now: datetime


_IN_FORCE = "c.status = 'connected' AND a.status = 'connected' AND t.platform_account_id = a.platform_account_id"
# A quarter of its life before it ends, between ten minutes and a week: a platform that is away leaves time to try again.
_SOON = (
    "t.expires_at < clock_timestamp() + "
    "least(greatest((t.expires_at - t.sealed_at) / 4, interval '10 minutes'), interval '7 days')"
)
_SELECT = (
    "SELECT t.id, t.connection_id, a.id AS account_id, a.platform, a.server, c.redirect_uri, t.platform_account_id, t.version, "  # noqa: S608
    "t.sealed, t.wrapped_key, t.kek_id, t.refreshable, t.granted_by, t.expires_at, t.ends_at, t.refused, t.tries, "
    f"coalesce(t.refreshable AND {_SOON}, false) AS is_due, clock_timestamp() AS now "
    "FROM token t JOIN connection c ON c.id = t.connection_id JOIN account a ON a.id = c.account_id "
)
_REVOKING = "It is being revoked."
_WHERE_STANDS = "WHERE id = :id AND version = :version"


async def token_in_force(session: AsyncSession, account_id: UUID, *, lock: bool = False) -> TokenRecord | None:
    """The one token that posts to this account now; `lock` keeps every other refresher waiting until this transaction ends."""
    found = await session.execute(
        text(f"{_SELECT} WHERE a.id = :account AND {_IN_FORCE}{' FOR UPDATE OF t' if lock else ''}"), {"account": account_id}
    )
    return _read(found.mappings().first())


async def due_for_refresh(session: AsyncSession) -> list[UUID]:
    """Accounts whose token should be refreshed now."""
    rows = await session.execute(
        text(
            "SELECT a.id FROM token t JOIN connection c ON c.id = t.connection_id JOIN account a ON a.id = c.account_id "  # noqa: S608
            f"WHERE {_IN_FORCE} AND t.refreshable AND t.refused = '' AND {_SOON} "
            "AND (t.retry_at IS NULL OR t.retry_at < clock_timestamp()) ORDER BY t.expires_at"
        )
    )
    return list(rows.scalars())


async def insert_token(session: AsyncSession, **row: Any) -> None:
    """`row`: every column that the worker gives."""
    columns = ("id", "connection_id", "platform_account_id", "sealed", "wrapped_key", "kek_id", "refreshable", "granted_by")
    names = ", ".join((*columns, "expires_at", "ends_at"))
    values = ", ".join(f":{name}" for name in (*columns, "expires_at", "ends_at"))
    await session.execute(text(f"INSERT INTO token ({names}) VALUES ({values})"), row)  # noqa: S608 - constants of ours


async def store_refreshed(session: AsyncSession, record: TokenRecord, **row: Any) -> bool:
    """The new pair in the old one's place, as its next version; False if the record no longer stands as it was read."""
    stored = await session.execute(
        text(
            "UPDATE token SET version = version + 1, sealed = :sealed, wrapped_key = :wrapped_key, kek_id = :kek_id, "  # noqa: S608
            "refreshable = :refreshable, expires_at = :expires_at, ends_at = :ends_at, sealed_at = clock_timestamp(), "
            f"refused = '', tries = 0, retry_at = NULL {_WHERE_STANDS} RETURNING 1"
        ),
        {**row, "id": record.id, "version": record.version},
    )
    if stored.first() is None:
        return False
    await session.execute(
        text("UPDATE account_health SET last_refresh_at = clock_timestamp() WHERE account_id = :account"),
        {"account": record.account_id},
    )
    return True


async def note_refused(session: AsyncSession, record: TokenRecord, sentence: str) -> None:
    """The platform refreshes it no more: somebody must connect the account again."""
    await session.execute(
        text(f"UPDATE token SET refused = :why {_WHERE_STANDS}"),  # noqa: S608
        {"why": sentence, "id": record.id, "version": record.version},
    )


async def note_no_answer(session: AsyncSession, record: TokenRecord) -> None:
    """Later again: 30 seconds after the first time, up to ten minutes."""
    await session.execute(
        text(
            "UPDATE token SET tries = tries + 1, retry_at = clock_timestamp() "
            "+ least(interval '30 seconds' * power(2, least(tries, 5)), interval '10 minutes') WHERE id = :id"
        ),
        {"id": record.id},
    )


async def take_unwanted(session: AsyncSession) -> tuple[TokenRecord, bool] | None:
    """A token that must not be kept, ours for a minute, and whether nothing else of its account depends on it.

    What an account in force replaced or did not choose is not revoked: some platforms would end the chosen one with it.
    """
    found = await session.execute(
        text(
            f"{_SELECT} WHERE NOT ({_IN_FORCE}) AND c.status IN ('ended', 'failed', 'connected') "
            "AND (t.refused <> :revoking OR t.retry_at < clock_timestamp()) "
            "ORDER BY t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED"
        ),
        {"revoking": _REVOKING},
    )
    record = _read(found.mappings().first())
    if record is None:
        return None
    await session.execute(
        text(
            "UPDATE token SET tries = CASE refused WHEN :revoking THEN tries + 1 ELSE 1 END, refused = :revoking, "
            "retry_at = clock_timestamp() + interval '1 minute' WHERE id = :id"
        ),
        {"revoking": _REVOKING, "id": record.id},
    )
    alone = await session.execute(
        text("SELECT status <> 'connected' FROM account WHERE id = :account"), {"account": record.account_id}
    )
    return record, bool(alone.scalar_one())


async def same_consent_in_force(session: AsyncSession, record: TokenRecord) -> bool:
    """Whether another account posts by the consent of the same person, where revoking one revokes all."""
    found = await session.execute(
        text(
            "SELECT 1 FROM token t JOIN connection c ON c.id = t.connection_id JOIN account a ON a.id = c.account_id "  # noqa: S608
            f"WHERE {_IN_FORCE} AND a.platform = :platform AND t.granted_by = :by AND t.id <> :id LIMIT 1"
        ),
        {"platform": record.platform, "by": record.granted_by, "id": record.id},
    )
    return found.first() is not None


async def destroy_token(session: AsyncSession, token_id: UUID) -> None:
    await session.execute(text("DELETE FROM token WHERE id = :id"), {"id": token_id})


async def next_under_another_key(session: AsyncSession, current: str, *, after: UUID) -> TokenRecord | None:
    """The next token, by id, whose key is not wrapped by the current key-encryption key; locked."""
    found = await session.execute(
        text(f"{_SELECT} WHERE t.kek_id <> :current AND t.id > :after ORDER BY t.id LIMIT 1 FOR UPDATE OF t"),
        {"current": current, "after": after},
    )
    return _read(found.mappings().first())


async def store_rewrapped(session: AsyncSession, token_id: UUID, *, wrapped_key: bytes, kek_id: str) -> None:
    await session.execute(
        text("UPDATE token SET wrapped_key = :wrapped, kek_id = :kek WHERE id = :id"),
        {"wrapped": wrapped_key, "kek": kek_id, "id": token_id},
    )


def _read(row: Any | None) -> TokenRecord | None:
    return TokenRecord(**{**row, "sealed": bytes(row["sealed"]), "wrapped_key": bytes(row["wrapped_key"])}) if row else None
