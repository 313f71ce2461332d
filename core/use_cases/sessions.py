"""Server-side sessions in the database, known only by the SHA-256 of their cookie; each call one short transaction."""

import json
from datetime import datetime

from sqlalchemy import text

from core.domain.identity import StoredSession
from core.records.database import Database


class DatabaseSessions:
    """The session store of the pages, as the api's login."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, id_hash: bytes) -> StoredSession | None:
        async with self._database.transaction() as session:
            row = (
                await session.execute(
                    text("SELECT id_hash, person_id, data, created_at, seen_at, auth_time FROM session WHERE id_hash = :id"),
                    {"id": id_hash},
                )
            ).one_or_none()
        if row is None:
            return None
        return StoredSession(bytes(row.id_hash), row.person_id, row.data, row.created_at, row.seen_at, row.auth_time)

    async def create(self, row: StoredSession) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO session (id_hash, person_id, data, created_at, seen_at, auth_time) "
                    "VALUES (:id, :person, CAST(:data AS jsonb), :created, :seen, :auth)"
                ),
                {
                    "id": row.id_hash,
                    "person": row.person_id,
                    "data": json.dumps(row.data),
                    "created": row.created_at,
                    "seen": row.seen_at,
                    "auth": row.auth_time,
                },
            )

    async def touch(self, id_hash: bytes, seen_at: datetime) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                text("UPDATE session SET seen_at = greatest(seen_at, :seen) WHERE id_hash = :id"),
                {"id": id_hash, "seen": seen_at},
            )

    async def replace(self, row: StoredSession, *, was: int) -> bool:
        """Write unless another request wrote first: the stored revision must still be `was` (0 if it has none)."""
        async with self._database.transaction() as session:
            written = await session.execute(
                text(
                    "UPDATE session SET data = CAST(:data AS jsonb), seen_at = :seen, person_id = :person, auth_time = :auth "
                    "WHERE id_hash = :id AND coalesce(CAST(data ->> 'revision' AS integer), 0) = :was RETURNING 1"
                ),
                {
                    "id": row.id_hash,
                    "person": row.person_id,
                    "data": json.dumps(row.data),
                    "seen": row.seen_at,
                    "auth": row.auth_time,
                    "was": was,
                },
            )
            return written.first() is not None

    async def delete(self, id_hash: bytes) -> None:
        async with self._database.transaction() as session:
            await session.execute(text("DELETE FROM session WHERE id_hash = :id"), {"id": id_hash})


async def delete_ended(database: Database, *, older_than: datetime) -> None:
    """Forget sessions created before this instant: they are past their absolute limit."""
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM session WHERE created_at < :at"), {"at": older_than})
