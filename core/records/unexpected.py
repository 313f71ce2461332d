"""Alarms for what a late receipt tells: a post that stands, or may, though the record says otherwise."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.records.alarms import raise_alarm


async def raise_late_receipts(session: AsyncSession) -> None:
    """One alarm for each unexpected post that has none yet."""
    rows = await session.execute(
        text(
            "SELECT u.attempt_id, u.publication_id, u.post_id, u.sentence, p.account_id FROM unexpected_post u "
            "JOIN publication p ON p.id = u.publication_id WHERE NOT EXISTS (SELECT 1 FROM alarm a "
            "WHERE a.account_id = p.account_id AND a.kind = 'late_receipt' AND a.about = u.attempt_id::text) LIMIT 20"
        )
    )
    for row in rows.all():
        await raise_alarm(
            session,
            row.account_id,
            "late_receipt",
            about=str(row.attempt_id),
            sentence=row.sentence,
            publication_id=row.publication_id,
            post_id=row.post_id,
        )
