"""Named reads and writes that several use-cases share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.authority import Authority
from core.records.facts import AccountFacts


async def clock(session: AsyncSession) -> datetime:
    """The database's clock, the only one that several processes share."""
    now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


async def accounts_by_id(session: AsyncSession, account_ids: tuple[UUID, ...]) -> tuple[AccountFacts, ...]:
    rows = await session.execute(
        text(
            "SELECT id, platform, platform_account_id, handle, name, status, revision, server FROM account "
            "WHERE id = ANY(:ids) ORDER BY platform, id"
        ),
        {"ids": list(account_ids)},
    )
    return tuple(AccountFacts(**row) for row in rows.mappings())


async def grants_of(session: AsyncSession, person_id: UUID) -> tuple[Authority, ...]:
    rows = await session.execute(
        text(
            "SELECT id, person_id, role, account_id, valid_from, valid_until, revision, revoked_at IS NOT NULL AS revoked "
            "FROM authority WHERE person_id = :person AND revoked_at IS NULL"
        ),
        {"person": person_id},
    )
    return tuple(Authority(**row) for row in rows.mappings())


async def look_again(session: AsyncSession, *, draft_id: UUID, publications: tuple[UUID, ...] = ()) -> None:
    """Leave word for the workflows in the same transaction as the act; the courier delivers it once it committed."""
    await session.execute(
        text(
            "INSERT INTO outbox (kind, subject_id) SELECT 'draft', CAST(:draft AS uuid) "
            "UNION ALL SELECT 'publication', unnest(CAST(:publications AS uuid[]))"
        ),
        {"draft": draft_id, "publications": list(publications)},
    )


async def touch_draft(session: AsyncSession, draft_id: UUID) -> None:
    """Raise the draft's revision: whatever was judged before this act must be judged again."""
    await session.execute(
        text("UPDATE draft SET revision = revision + 1, changed_at = clock_timestamp() WHERE id = :draft"), {"draft": draft_id}
    )
