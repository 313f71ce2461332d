"""One POST, one act: the answer kept under its Idempotency-Key in the same transaction as the act itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.refusals import Conflict
from core.records.database import Database


class KeyReused(Conflict):
    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used before with a different request. Use a new key for a new request."


@dataclass(frozen=True)
class KeptAnswer:
    status: int
    body: bytes


async def kept_answer(session: AsyncSession, *, caller: str, key: str, request: bytes) -> KeptAnswer | None:
    """The answer given before, or None if this is the first time: then the key is ours until this transaction ends.

    A second request under the same key waits here for the first to commit. Raises KeyReused for another request's hash.
    """
    claimed = await session.execute(
        text(
            "INSERT INTO idempotency (caller, key, request) VALUES (:caller, :key, :request) "
            "ON CONFLICT (caller, key) DO NOTHING RETURNING 1"
        ),
        {"caller": caller, "key": key, "request": request},
    )
    if claimed.first() is not None:
        return None
    row = (
        await session.execute(
            text("SELECT request, status, body FROM idempotency WHERE caller = :caller AND key = :key"),
            {"caller": caller, "key": key},
        )
    ).one()
    if bytes(row.request) != request or row.status is None:
        raise KeyReused()
    return KeptAnswer(row.status, bytes(row.body))


async def keep_answer(session: AsyncSession, *, caller: str, key: str, status: int, body: bytes) -> None:
    await session.execute(
        text("UPDATE idempotency SET status = :status, body = :body WHERE caller = :caller AND key = :key"),
        {"caller": caller, "key": key, "status": status, "body": body},
    )


async def forget_answers(database: Database, *, older_than: datetime) -> None:
    """Free keys first used before this instant: nobody repeats a request that long."""
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM idempotency WHERE created_at < :at"), {"at": older_than})
