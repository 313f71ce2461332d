"""Whether the service can post to each account, as the worker finds it, and warnings before somebody must connect it again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.records.audit import append

WARN_DAYS = (14, 7, 1)

_FOUND = """
    SELECT a.id AS account_id, t.expires_at, t.ends_at,
           CASE WHEN a.status <> 'connected' THEN 'not connected'
                WHEN a.platform = 'manual' THEN ''
                WHEN t.id IS NULL THEN 'There is no token for this account. Connect it again.'
                WHEN t.refused <> '' THEN t.refused
                WHEN t.ends_at <= clock_timestamp() THEN 'The consent has ended. Connect the account again.'
                WHEN t.expires_at <= clock_timestamp() AND NOT t.refreshable THEN
                    'Its token has expired. Connect the account again.'
                WHEN t.expires_at <= clock_timestamp() THEN
                    'Its token has expired and the platform does not answer. The service keeps trying.'
                ELSE '' END AS problem
      FROM account a
      LEFT JOIN connection c ON c.account_id = a.id AND c.status = 'connected'
      LEFT JOIN token t ON t.connection_id = c.id AND t.platform_account_id = a.platform_account_id
"""

_NOTE = text(
    f"""
    WITH found AS ({_FOUND})
    INSERT INTO account_health AS h (account_id, can_post, problem, expires_at, ends_at)
    SELECT account_id, problem = '', CASE problem WHEN 'not connected' THEN '' ELSE problem END, expires_at, ends_at FROM found
    ON CONFLICT (account_id) DO UPDATE SET can_post = excluded.can_post, problem = excluded.problem,
        expires_at = excluded.expires_at, ends_at = excluded.ends_at, last_checked_at = clock_timestamp()
    WHERE h.last_checked_at < clock_timestamp() - interval '30 seconds'
       OR (h.can_post, h.problem, h.expires_at, h.ends_at)
          IS DISTINCT FROM (excluded.can_post, excluded.problem, excluded.expires_at, excluded.ends_at)
    """  # noqa: S608 - constants of ours
)

_SUCCESS = text(
    """
    UPDATE account_health h SET last_success_at = greatest(h.last_success_at, sent.at)
      FROM (SELECT account_id, max(moved_at) AS at FROM publication
             WHERE state IN ('published', 'verified') AND publish_at > clock_timestamp() - interval '1 day'
             GROUP BY account_id) AS sent
     WHERE h.account_id = sent.account_id AND h.last_success_at IS DISTINCT FROM greatest(h.last_success_at, sent.at)
    """
)

_NEAR = text(
    """
    SELECT h.account_id, h.ends_at, h.warned_days AS warned, near.days
      FROM account_health h JOIN account a ON a.id = h.account_id,
           LATERAL (SELECT CASE WHEN a.status <> 'connected' OR h.ends_at IS NULL THEN NULL
                                WHEN h.ends_at < clock_timestamp() + interval '1 day' THEN 1
                                WHEN h.ends_at < clock_timestamp() + interval '7 days' THEN 7
                                WHEN h.ends_at < clock_timestamp() + interval '14 days' THEN 14 END AS days) AS near
     WHERE near.days IS DISTINCT FROM h.warned_days FOR UPDATE OF h SKIP LOCKED
    """
)


@dataclass(frozen=True)
class Warned:
    account_id: UUID
    days: int
    ends_at: datetime


async def note_health(session: AsyncSession) -> None:
    """Every account, in one statement; and when each last published."""
    await session.execute(_NOTE)
    await session.execute(_SUCCESS)


async def warn_of_endings(session: AsyncSession) -> list[Warned]:
    """The warnings given now, each once and on the record: 14, 7 and 1 days before somebody must connect the account again."""
    warned = []
    for row in list(await session.execute(_NEAR)):
        await session.execute(
            text("UPDATE account_health SET warned_days = :days WHERE account_id = :account"),
            {"days": row.days, "account": row.account_id},
        )
        if row.days is None or (row.warned is not None and row.warned < row.days):
            continue
        await append(
            session,
            subject=f"account:{row.account_id}",
            actor="service",
            action="account.consent_ends_soon",
            paragraph=38,
            detail={"days": row.days, "ends_at": row.ends_at.isoformat()},
        )
        warned.append(Warned(row.account_id, row.days, row.ends_at))
    return warned
