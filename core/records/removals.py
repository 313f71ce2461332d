"""Takedowns as the worker writes them down: the evidence before anything is removed, and every answer."""

import json
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.outcome import Outcome
from core.records.storable import all_storable, storable


async def evidence_kept(session: AsyncSession, act_id: UUID) -> bool:
    found = await session.execute(text("SELECT 1 FROM removal_evidence WHERE act_id = :act"), {"act": act_id})
    return found.first() is not None


async def keep_evidence(
    session: AsyncSession, *, act_id: UUID, publication_id: UUID, post_id: str, stood: dict[str, Any]
) -> None:
    """What stood there, once per takedown."""
    await session.execute(
        text(
            "INSERT INTO removal_evidence (act_id, publication_id, post_id, stood) "
            "VALUES (:act, :id, :post, CAST(:stood AS jsonb)) ON CONFLICT DO NOTHING"
        ),
        {"act": act_id, "id": publication_id, "post": storable(post_id), "stood": json.dumps(all_storable(stood), default=str)},
    )


async def keep_answer(session: AsyncSession, *, act_id: UUID, outcome: Outcome) -> None:
    await session.execute(
        text("INSERT INTO removal_call (id, act_id, result, status, detail) VALUES (:id, :act, :result, :status, :detail)"),
        {
            "id": uuid4(),
            "act": act_id,
            "result": str(outcome.result),
            "status": outcome.status,
            "detail": storable(outcome.detail),
        },
    )


async def wait_with_removal(session: AsyncSession, publication_id: UUID, until: Any) -> None:
    """The platform takes no more just now: the removal goes on at its reset, whichever worker is there then."""
    await session.execute(
        text("UPDATE publication SET not_before = :until WHERE id = :id AND state = 'removing'"),
        {"until": until, "id": publication_id},
    )
