"""What the service itself keeps sealed: the private halves of its public keys, its secrets at servers that know it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class ServiceSecret:
    id: UUID
    kind: str
    subject: str
    version: int
    sealed: bytes = field(repr=False)
    wrapped_key: bytes = field(repr=False)
    kek_id: str


_SELECT = "SELECT id, kind, subject, version, sealed, wrapped_key, kek_id FROM service_secret"


async def service_secret(session: AsyncSession, *, kind: str, subject: str) -> ServiceSecret | None:
    found = await session.execute(
        text(f"{_SELECT} WHERE kind = :kind AND subject = :subject"), {"kind": kind, "subject": subject}
    )
    return _read(found.mappings().first())


async def insert_service_secret(session: AsyncSession, secret: ServiceSecret) -> None:
    await session.execute(
        text(
            "INSERT INTO service_secret (id, kind, subject, version, sealed, wrapped_key, kek_id) "
            "VALUES (:id, :kind, :subject, :version, :sealed, :wrapped_key, :kek_id)"
        ),
        vars(secret),
    )


async def forget_service_secret(session: AsyncSession, *, kind: str, subject: str) -> None:
    await session.execute(
        text("DELETE FROM service_secret WHERE kind = :kind AND subject = :subject"), {"kind": kind, "subject": subject}
    )


async def next_service_secret_under_another_key(session: AsyncSession, current: str, *, after: UUID) -> ServiceSecret | None:
    found = await session.execute(
        text(f"{_SELECT} WHERE kek_id <> :current AND id > :after ORDER BY id LIMIT 1 FOR UPDATE"),
        {"current": current, "after": after},
    )
    return _read(found.mappings().first())


async def store_service_rewrapped(session: AsyncSession, secret_id: UUID, *, wrapped_key: bytes, kek_id: str) -> None:
    await session.execute(
        text("UPDATE service_secret SET wrapped_key = :wrapped, kek_id = :kek WHERE id = :id"),
        {"wrapped": wrapped_key, "kek": kek_id, "id": secret_id},
    )


async def secrets_by_key(session: AsyncSession) -> dict[str, int]:
    """How many secrets each key-encryption key still keeps."""
    rows = await session.execute(
        text(
            "SELECT kek_id, count(*) AS kept FROM "
            "(SELECT kek_id FROM token UNION ALL SELECT kek_id FROM service_secret) AS both_kinds "
            "GROUP BY kek_id"
        )
    )
    return {row.kek_id: row.kept for row in rows}


# ── The worker's public keys ──────────────────────────────────────────────────────────────────────────────────────
async def lock_publishing(session: AsyncSession) -> None:
    """One worker at a time decides whether a new public key is due."""
    await session.execute(text("SELECT pg_advisory_xact_lock(7302, 1)"))


async def public_key_is_young(session: AsyncSession, *, days: int) -> bool:
    """Whether there is a public key younger than so many days."""
    found = await session.execute(
        text("SELECT 1 FROM worker_key WHERE published_at > clock_timestamp() - make_interval(days => :days) LIMIT 1"),
        {"days": days},
    )
    return found.first() is not None


async def insert_public_key(session: AsyncSession, key_id: UUID, public_key: bytes) -> None:
    await session.execute(
        text("INSERT INTO worker_key (id, public_key) VALUES (:id, :public)"), {"id": key_id, "public": public_key}
    )


async def forget_old_public_keys(session: AsyncSession) -> None:
    """A key that another replaced an hour ago opens nothing any more: what was sealed to it lived ten minutes."""
    forgotten = await session.execute(
        text(
            "DELETE FROM worker_key w WHERE EXISTS (SELECT 1 FROM worker_key n WHERE n.published_at > w.published_at "
            "AND n.published_at < clock_timestamp() - interval '1 hour') "
            "AND NOT EXISTS (SELECT 1 FROM connection_secret s WHERE s.worker_key_id = w.id) RETURNING w.id"
        )
    )
    for key_id in forgotten.scalars():
        await forget_service_secret(session, kind="worker_key", subject=str(key_id))


def _read(row: Any | None) -> ServiceSecret | None:
    return ServiceSecret(**{**row, "sealed": bytes(row["sealed"]), "wrapped_key": bytes(row["wrapped_key"])}) if row else None
