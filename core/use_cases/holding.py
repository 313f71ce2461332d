"""Holds: placing one needs one person and binds at once; lifting one needs two and releases nothing by itself."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.refusals import BadInput, HoldTargetUnknown, NotFound
from core.records.audit import append
from core.records.reads import clock
from integrations.platforms.registry import PLATFORMS


class LiftTakesTwo(BadInput):
    code = "lift_takes_two"
    paragraph = 36
    sentence = "Lifting a hold takes two different people (derived from paragraph 36). Name a second one."


@dataclass(frozen=True)
class Hold:
    id: UUID
    scope: str
    target: str
    reason: str
    placed_by: str
    placed_at: datetime
    starts_at: datetime


async def place_hold(
    session: AsyncSession, *, actor: str, scope: str, target: str, reason: str, starts_at: datetime | None = None
) -> UUID:
    """From the moment this commits nothing in its scope is dispatched. `scope`: all, platform, account or draft.

    It waits for dispatches already inside their transaction, and every later one sees it. Raises HoldTargetUnknown.
    """
    reason = tidied(reason)
    if not reason:
        raise BadInput("Say why: everybody whose post waits will read it.", field="reason")
    target = await _known_target(session, scope, target)
    await session.execute(text("SELECT lock_before_holding(:scope, :target)"), {"scope": scope, "target": target})
    hold_id = uuid4()
    now = await clock(session)
    await session.execute(
        text(
            "INSERT INTO hold (id, scope, target, reason, placed_by, starts_at) VALUES (:id, :scope, :target, :reason, :by, :at)"
        ),
        {"id": hold_id, "scope": scope, "target": target, "reason": reason, "by": actor, "at": starts_at or now},
    )
    await append(
        session,
        subject=f"hold:{hold_id}",
        actor=actor,
        action="hold.place",
        paragraph=36,
        detail={"scope": scope, "target": target, "starts_at": str(starts_at or now)},
    )
    return hold_id


async def lift_hold(session: AsyncSession, *, hold_id: UUID, first: str, second: str) -> None:
    """End a hold in the name of two people. Posts it stopped stay stopped until a person gives each a new time."""
    if not first.strip() or not second.strip() or first.strip() == second.strip():
        raise LiftTakesTwo()
    lifted = await session.execute(
        text(
            "UPDATE hold SET lifted_at = clock_timestamp(), lifted_by = :first, lift_confirmed_by = :second "
            "WHERE id = :id AND lifted_at IS NULL RETURNING id"
        ),
        {"id": hold_id, "first": first, "second": second},
    )
    if lifted.first() is None:
        raise NotFound("There is no standing hold with this id. List the standing holds first.")
    for person in (first, second):
        await append(session, subject=f"hold:{hold_id}", actor=person, action="hold.lift", paragraph=36)


async def standing_holds(session: AsyncSession) -> list[Hold]:
    rows = await session.execute(
        text(
            "SELECT id, scope, target, reason, placed_by, placed_at, starts_at FROM hold "
            "WHERE lifted_at IS NULL ORDER BY placed_at"
        )
    )
    return [Hold(**row) for row in rows.mappings()]


async def _known_target(session: AsyncSession, scope: str, target: str) -> str:
    """The target as dispatch spells it: a hold under any other spelling would bind nothing."""
    known = {"all": target == "", "platform": target in PLATFORMS}.get(scope)
    if known is None and scope in ("account", "draft"):
        try:
            target = str(UUID(target))
            found = await session.execute(
                text("SELECT 1 FROM account WHERE id = :id" if scope == "account" else "SELECT 1 FROM draft WHERE id = :id"),
                {"id": UUID(target)},
            )
            known = found.first() is not None
        except ValueError:
            known = False
    if not known:
        raise HoldTargetUnknown(field="target")
    return target
