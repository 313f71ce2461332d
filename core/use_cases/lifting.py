"""Lifting a hold on the pages and through the API: one person asks, another confirms (derived from paragraph 36)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.refusals import Conflict, NotFound, StepUpNeeded
from core.records.audit import actor_name
from core.records.reads import clock
from core.use_cases.access import require
from core.use_cases.holding import PLACERS, hold_named, hold_subject, lift_hold
from core.use_cases.people import is_fresh
from core.use_cases.second_person import Proposal, confirm, open_proposals, propose, require_asker, take_back

LIFT = "hold.lift"
# Letting posts go again is the heavier half: the second yes is an authoriser's or an account manager's.
CONFIRMERS = (Role.AUTHORISER, Role.ACCOUNT_MANAGER)


class HoldIsOver(Conflict):
    code = "hold_is_over"
    sentence = (
        "This hold is over: it was lifted, or its end has passed. "
        "What it stopped waits: give each post a new time, or withdraw it."
    )


async def ask_to_lift(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    hold_id: UUID,
    reason: str,
    request: str | None = None,
) -> UUID:
    """Ask for a hold to be lifted, or a planned one taken back. Raises NoRole, StepUpNeeded, HoldIsOver, AlreadyAsked."""
    require(by, *PLACERS)
    await _signed_in_lately(session, authenticated_at)
    hold = await hold_named(session, by=by, hold_id=hold_id)
    if hold.over:
        raise HoldIsOver()
    return await propose(session, by=by, kind=LIFT, subject=hold_subject(hold_id), reason=reason, request=request)


async def confirm_lift(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    hold_id: UUID,
    proposal_id: UUID,
    request: str | None = None,
) -> None:
    """The second person's yes: the hold is lifted.

    Raises NoRole, StepUpNeeded, HoldIsOver, SecondPersonNeeded, AskerMayNoMore, NotFound.
    """
    require(by, *CONFIRMERS)
    await _signed_in_lately(session, authenticated_at)
    if (await hold_named(session, by=by, hold_id=hold_id)).over:
        raise HoldIsOver()
    proposal = _about(hold_id, await confirm(session, by=by, proposal_id=proposal_id, kind=LIFT, request=request))
    first = await require_asker(session, proposal, *PLACERS)
    await lift_hold(session, hold_id=hold_id, first=actor_name(first), second=actor_name(by), request=request)


async def keep_hold(session: AsyncSession, *, by: Person, hold_id: UUID, proposal_id: UUID, request: str | None = None) -> None:
    """The asking is taken back, by whoever asked or anybody who might have: the hold stands as before."""
    require(by, *PLACERS)
    _about(hold_id, await take_back(session, by=by, proposal_id=proposal_id, kind=LIFT, request=request))


async def lift_asked(session: AsyncSession, hold_id: UUID) -> Proposal | None:
    """What waits for a second person to lift this hold."""
    found = await open_proposals(session, kind=LIFT, subject=hold_subject(hold_id))
    return found[0] if found else None


def _about(hold_id: UUID, proposal: Proposal) -> Proposal:
    """A yes to one hold is no yes to another; raising undoes it."""
    if proposal.subject != hold_subject(hold_id):
        raise NotFound()
    return proposal


async def _signed_in_lately(session: AsyncSession, authenticated_at: datetime | None) -> None:
    if not is_fresh(authenticated_at, await clock(session)):
        raise StepUpNeeded()
