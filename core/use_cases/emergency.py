"""Disconnecting every account at once. One person at the terminal is enough, because it can only silence; the record names them.

Connecting again takes two people, as always.
"""

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.refusals import BadInput


@dataclass(frozen=True)
class Silenced:
    id: UUID
    platform: str
    handle: str


async def disconnect_everything(session: AsyncSession, *, by: str, reason: str) -> tuple[Silenced, ...]:
    """Every connected account, `disconnected` from this commit on: nothing more is sent anywhere. Raises BadInput."""
    by, reason = tidied(by), tidied(reason)
    if not by or not reason:
        raise BadInput("Say who you are with --by and why with --reason: both go on the record.")
    rows = await session.execute(
        text(
            "SELECT a.id, a.platform, a.handle FROM disconnect_in_emergency(:by, :reason) AS gone (id) "
            "JOIN account a ON a.id = gone.id ORDER BY a.platform, a.handle"
        ),
        {"by": by, "reason": reason},
    )
    return tuple(Silenced(**row) for row in rows.mappings())


async def tokens_left(session: AsyncSession) -> frozenset[UUID]:
    """Accounts of which the worker still keeps a token that it is to revoke and destroy."""
    return frozenset((await session.execute(text("SELECT accounts_losing_tokens()"))).scalars())


async def what_became_of_tokens(session: AsyncSession, account_id: UUID) -> str:
    """What the worker last recorded about destroying a token of this account, as a sentence; empty if nothing."""
    found = await session.execute(
        text(
            "SELECT body FROM audit_event WHERE subject = :subject AND action = 'account.token_destroyed' "
            "ORDER BY number DESC LIMIT 1"
        ),
        {"subject": f"account:{account_id}"},
    )
    body = found.scalar_one_or_none()
    if body is None:
        return ""
    detail = json.loads(bytes(body))["detail"]
    if detail["revoked"]:
        return "revoked at the platform and destroyed here"
    return f"destroyed here. {detail['sentence']}".strip()
