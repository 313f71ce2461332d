"""Calls to platforms on the record: dispatch(), the last act before one leaves, and the receipt of what it answered."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.domain.outcome import Outcome, Quota, SendKey
from core.records.storable import storable


@dataclass(frozen=True)
class Dispatched:
    """What dispatch() answered: `sending` with the attempt to make under `key`, or why no call may be made.

    `publish_at` is the schedule's time; where the answer is `limited`, when the platform's limit resets.
    """

    result: str
    attempt_id: UUID | None
    at: datetime | None
    publish_at: datetime | None
    key: SendKey | None = None
    epoch: int | None = None


_DISPATCH = text(
    "SELECT result, attempt_id, dispatched_at, publish_at, epoch, key_id, key_at "
    "FROM dispatch(:id, :epoch, CAST(:verdict AS jsonb), :again, :resend)"
)


async def dispatch(
    session: AsyncSession | AsyncConnection,
    publication_id: UUID,
    *,
    epoch: int,
    verdict: dict[str, Any],
    again: bool = False,
    resend: UUID | None = None,
) -> Dispatched:
    """The last act before a post leaves: one database function, one transaction (see 0006_machine.sql).

    `again`: out of UNKNOWN, on two people's word (`resend`, their proposal) or because the platform keeps the first call's key.
    """
    row = (
        await session.execute(
            _DISPATCH,
            {"id": publication_id, "epoch": epoch, "verdict": json.dumps(verdict), "again": again, "resend": resend},
        )
    ).one()
    return as_dispatched(row)


def as_dispatched(row: Any) -> Dispatched:
    """One row of dispatch()'s own columns."""
    key = SendKey(row.key_id, row.key_at) if row.attempt_id is not None else None
    return Dispatched(row.result, row.attempt_id, row.dispatched_at, row.publish_at, key, row.epoch)


_RECEIPT = text("SELECT record_receipt(:receipt, :attempt, :result, :status, :post, :link, :detail, :retry)")


async def record_receipt(
    session: AsyncSession | AsyncConnection,
    *,
    attempt_id: UUID,
    outcome: Outcome,
    retry_at: datetime | None = None,
    receipt_id: UUID | None = None,
) -> str:
    """Keep what came back of this attempt and move its publication by it; the state it is left in. See 0006_machine.sql.

    An answer speaks for its own attempt alone: while another call may have reached the platform nothing is sent or closed.
    """
    return str(
        (
            await session.execute(
                _RECEIPT,
                {
                    "receipt": receipt_id or uuid4(),
                    "attempt": attempt_id,
                    "result": str(outcome.result),
                    "status": outcome.status,
                    "post": outcome.post_id and storable(outcome.post_id),
                    "link": outcome.permalink and storable(outcome.permalink),
                    "detail": storable(outcome.detail),
                    "retry": retry_at,
                },
            )
        ).scalar_one()
    )


# A limit that resets later than in a day is no limit of posts per day: it is asked again then, whatever the platform said.
LIMIT_AT_MOST = timedelta(hours=25)
_QUOTA = text(
    "INSERT INTO quota (account_id, bucket, remaining, reset_at, answered_at) "
    "VALUES (:account, :bucket, :remaining, least(:reset, clock_timestamp() + :most), clock_timestamp() - :age) "
    "ON CONFLICT (account_id, bucket) DO UPDATE SET reset_at = excluded.reset_at, answered_at = excluded.answered_at, "
    "remaining = CASE WHEN excluded.reset_at = quota.reset_at THEN least(quota.remaining, excluded.remaining) "
    "ELSE excluded.remaining END WHERE excluded.answered_at >= quota.answered_at"
)


async def keep_quota(
    session: AsyncSession | AsyncConnection, account_id: UUID, quota: Quota, *, age: timedelta = timedelta()
) -> None:
    """What the platform says is left, for all workers; an older answer that arrives later changes nothing.

    `age`: how long ago it answered. A reset further away than `LIMIT_AT_MOST` is taken for that.
    """
    await session.execute(
        _QUOTA,
        {
            "account": account_id,
            "bucket": storable(quota.bucket),
            "remaining": quota.remaining,
            "reset": quota.reset_at,
            "most": LIMIT_AT_MOST,
            "age": age,
        },
    )


async def limited_until(session: AsyncSession, account_id: UUID) -> datetime | None:
    """When a limit that is used up resets, or None while the account may post."""
    found: datetime | None = (
        await session.execute(
            text(
                "SELECT max(reset_at) FROM quota WHERE account_id = :account AND remaining <= 0 AND reset_at > clock_timestamp()"
            ),
            {"account": account_id},
        )
    ).scalar_one()
    return found
