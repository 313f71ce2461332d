"""What people asked of a publication and the service has not done yet; and that it did it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class Asked:
    """One person's act, or what two people said. `kind` without its prefix; `epoch` is what they saw; `link` names a post."""

    id: UUID
    kind: str
    epoch: int
    reason: str
    link: str | None
    at: datetime


_ASKED = text(
    """
    SELECT id, kind, epoch, reason, link, at FROM (
        SELECT id, kind, epoch, reason, link, at FROM publication_act WHERE publication_id = :id
        UNION ALL
        SELECT id, substr(kind, length('publication.') + 1), (detail ->> 'epoch')::integer, reason, detail ->> 'post',
               confirmed_at FROM proposal
         WHERE subject = 'publication:' || CAST(:id AS uuid) AND kind LIKE 'publication.%' AND confirmed_at IS NOT NULL
    ) asked WHERE NOT EXISTS (SELECT 1 FROM carried_out c WHERE c.act_id = asked.id) ORDER BY at
    """
)


async def asked_of(session: AsyncSession, publication_id: UUID) -> tuple[Asked, ...]:
    """In the order in which people said it."""
    return tuple(Asked(**row) for row in (await session.execute(_ASKED, {"id": publication_id})).mappings())


async def carry_out(session: AsyncSession, one: Asked, publication_id: UUID, *, result: str, note: str = "") -> None:
    """It is done, or (`void`) it no longer fitted: once. Whoever still wants it asks again."""
    await session.execute(
        text(
            "INSERT INTO carried_out (act_id, publication_id, result, note) VALUES (:act, :id, :result, :note) "
            "ON CONFLICT DO NOTHING"
        ),
        {"act": one.id, "id": publication_id, "result": result, "note": note},
    )
