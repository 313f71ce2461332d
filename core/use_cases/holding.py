"""Holds: placing one needs one person and binds at once; lifting one needs two; neither lifting nor its end releases anything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.refusals import BadInput, HoldTargetUnknown, NotFound
from core.records.audit import actor_name, append
from core.records.reads import clock
from core.use_cases.access import require, seen_draft
from integrations.platforms.registry import PLATFORMS

# Stopping is always safe: whoever works with posts may. Auditors read and change nothing.
PLACERS = (Role.OFFICER, Role.AUTHORISER, Role.ACCOUNT_MANAGER)


class LiftTakesTwo(BadInput):
    code = "lift_takes_two"
    paragraph = 36
    sentence = "Lifting a hold takes two different people (derived from paragraph 36). Name a second one."


class HoldBackwards(BadInput):
    code = "hold_backwards"
    sentence = "The hold must end after it begins. Change its beginning or its end."


class HoldOver(BadInput):
    code = "hold_over"
    sentence = "The end has already passed, so this would stop nothing. Choose an end in the future."


@dataclass(frozen=True)
class Hold:
    """`name` is what it holds, in words, where the target alone says nothing to people; `stands`: it has begun."""

    id: UUID
    scope: str
    target: str
    name: str
    reason: str
    placed_by: str
    placed_at: datetime
    starts_at: datetime
    ends_at: datetime | None
    lifted_at: datetime | None
    stands: bool
    over: bool


async def stop_posts(
    session: AsyncSession,
    *,
    by: Person,
    scope: str,
    target: str,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    request: str | None = None,
) -> UUID:
    """One person's hold. Raises NoRole, NotFound for a draft they cannot see, and what `place_hold` raises."""
    require(by, *PLACERS)
    if scope == "draft" and (draft_id := _as_id(target)) is not None:
        await seen_draft(session, by, draft_id)
    actor = actor_name(by)
    return await place_hold(
        session, actor=actor, scope=scope, target=target, reason=reason, starts_at=starts_at, ends_at=ends_at, request=request
    )


async def place_hold(
    session: AsyncSession,
    *,
    actor: str,
    scope: str,
    target: str,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    request: str | None = None,
) -> UUID:
    """From the moment this commits nothing in its scope is dispatched. `scope`: all, platform, account or draft.

    It waits for dispatches already inside their transaction, and every later one sees it. A beginning that has passed is now.
    Raises HoldTargetUnknown, HoldBackwards, HoldOver.
    """
    reason = tidied(reason)
    if not reason:
        raise BadInput("Say why: everybody whose post waits will read it.", field="reason")
    target = await _known_target(session, scope, target)
    await session.execute(text("SELECT lock_before_holding(:scope, :target)"), {"scope": scope, "target": target})
    # Read under the lock: no dispatch in its scope has a later instant.
    now = await clock(session)
    starts_at = max(starts_at or now, now)
    if ends_at is not None and ends_at <= starts_at:
        raise HoldOver(field="ends_at") if ends_at <= now else HoldBackwards(field="ends_at")
    hold_id = uuid4()
    values = {"id": hold_id, "scope": scope, "target": target, "reason": reason, "by": actor, "at": starts_at, "ends": ends_at}
    await session.execute(
        text(
            "INSERT INTO hold (id, scope, target, reason, placed_by, starts_at, ends_at) "
            "VALUES (:id, :scope, :target, :reason, :by, :at, :ends)"
        ),
        values,
    )
    detail = {"scope": scope, "target": target, "starts_at": str(starts_at), **({"ends_at": str(ends_at)} if ends_at else {})}
    await append(
        session, subject=hold_subject(hold_id), actor=actor, action="hold.place", paragraph=36, detail=detail, request=request
    )
    return hold_id


async def lift_hold(session: AsyncSession, *, hold_id: UUID, first: str, second: str, request: str | None = None) -> None:
    """End a hold in the name of two people; the caller knows who they are (see `lifting.confirm_lift`).

    Posts it stopped stay stopped until a person gives each a new time.
    """
    if not first.strip() or not second.strip() or first.strip() == second.strip():
        raise LiftTakesTwo()
    lifted = await session.execute(
        text(
            "UPDATE hold SET lifted_at = clock_timestamp(), lifted_by = :first, lift_confirmed_by = :second "
            "WHERE id = :id AND lifted_at IS NULL AND (ends_at IS NULL OR clock_timestamp() < ends_at) RETURNING id"
        ),
        {"id": hold_id, "first": first, "second": second},
    )
    if lifted.first() is None:
        raise NotFound("There is no standing hold with this id. List the standing holds first.")
    for person in (first, second):
        await append(session, subject=hold_subject(hold_id), actor=person, action="hold.lift", paragraph=36, request=request)


# A draft's purpose is told only once it was submitted: before that only officers know of it.
_SELECT = """
    SELECT h.id, h.scope, h.target, h.reason, h.placed_at, h.starts_at, h.ends_at, h.lifted_at,
           h.starts_at <= clock_timestamp() AS stands,
           h.lifted_at IS NOT NULL OR coalesce(h.ends_at <= clock_timestamp(), false) AS over,
           coalesce(who.name, reverse(split_part(reverse(h.placed_by), '|', 1))) AS placed_by,
           CASE h.scope
             WHEN 'account' THEN (SELECT a.name || ' on ' || a.platform FROM account a WHERE a.id::text = h.target)
             WHEN 'draft' THEN (SELECT v.source ->> 'purpose' FROM submission s JOIN version v ON v.id = s.version_id
                                WHERE s.draft_id::text = h.target ORDER BY s.number DESC LIMIT 1)
             ELSE h.target END AS name
      FROM hold h LEFT JOIN person who ON who.issuer || '|' || who.subject = h.placed_by
"""


async def standing_holds(session: AsyncSession) -> list[Hold]:
    """The holds that stand now or will: neither lifted nor ended, the one that begins first coming first."""
    rows = await session.execute(
        text(
            f"{_SELECT} WHERE h.lifted_at IS NULL AND (h.ends_at IS NULL OR clock_timestamp() < h.ends_at) "
            "ORDER BY h.starts_at, h.placed_at"
        )
    )
    return [_read(row) for row in rows.mappings()]


async def hold_named(session: AsyncSession, *, by: Person, hold_id: UUID) -> Hold:
    """One hold, whether it stands or is over; or NotFound."""
    require(by, *Role)
    row = (await session.execute(text(f"{_SELECT} WHERE h.id = :id"), {"id": hold_id})).mappings().one_or_none()
    if row is None:
        raise NotFound()
    return _read(row)


def hold_subject(hold_id: UUID) -> str:
    return f"hold:{hold_id}"


def _read(row: Any) -> Hold:
    return Hold(**{**row, "name": row["name"] or ""})


def _as_id(target: str) -> UUID | None:
    try:
        return UUID(target)
    except ValueError:
        return None


async def _known_target(session: AsyncSession, scope: str, target: str) -> str:
    """The target as dispatch spells it: a hold under any other spelling would bind nothing."""
    known = {"all": target == "", "platform": target in PLATFORMS}.get(scope)
    if known is None and scope in ("account", "draft") and (wanted := _as_id(target)) is not None:
        target = str(wanted)
        found = await session.execute(
            text("SELECT 1 FROM account WHERE id = :id" if scope == "account" else "SELECT 1 FROM draft WHERE id = :id"),
            {"id": wanted},
        )
        known = found.first() is not None
    if not known:
        raise HoldTargetUnknown(field="target")
    return target
