"""Alarms as the service raises them: once for the same thing, on the account's record, shown until somebody answers."""

import json
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.records.audit import append
from core.records.storable import all_storable, storable


async def raise_alarm(
    session: AsyncSession,
    account_id: UUID,
    kind: str,
    *,
    about: str,
    sentence: str,
    evidence: dict[str, Any] | None = None,
    publication_id: UUID | None = None,
    post_id: str | None = None,
) -> bool:
    """Raise it unless the same was raised before; False if it was. `kind`: rogue, edited, vanished, blind or late_receipt.

    `about` tells one from the next of its kind on an account (a post's id, say). `evidence` is what people are shown.
    """
    raised = await session.execute(
        text(
            "INSERT INTO alarm (id, account_id, kind, about, publication_id, post_id, sentence, evidence) "
            "VALUES (:id, :account, :kind, :about, :publication, :post, :sentence, CAST(:evidence AS jsonb)) "
            "ON CONFLICT ON CONSTRAINT alarm_once DO NOTHING RETURNING id"
        ),
        {
            "id": (alarm_id := uuid4()),
            "account": account_id,
            "kind": kind,
            "about": storable(about),
            "publication": publication_id,
            "post": storable(post_id) if post_id is not None else None,
            "sentence": storable(sentence),
            "evidence": json.dumps(all_storable(evidence or {}), default=str),
        },
    )
    if raised.first() is None:
        return False
    # What the post says stays in the evidence: the record names it.
    detail = {"alarm": alarm_id, "publication": publication_id, "post": post_id and storable(post_id)}
    await append(session, subject=f"account:{account_id}", actor="service", action=f"alarm.{kind}", paragraph=36, detail=detail)
    return True
