"""Holds: whoever works with posts stops them, a machine client too; two people, never a machine, lift a hold."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.answered import At, Out, PageOut
from api.asked import Asked, Instant, Words
from api.door import Posting, Reading, answered
from api.openapi import refusals
from api.paging import page_out
from api.people_only import AskedOut, NewConfirmation, NewReason, ProposalOut, person_signed_in_lately, proposal_out
from core.domain.people import Person, Role
from core.domain.publication import State
from core.use_cases import following, holding, lifting, lists
from core.use_cases.access import require

router = APIRouter(tags=["holds"])


class Scope(StrEnum):
    ALL = "all"
    PLATFORM = "platform"
    ACCOUNT = "account"
    DRAFT = "draft"


class NewHold(Asked):
    """`target`: a platform's name, an account's or a draft's id; empty for `all`. Without times it stands now, and open-ended."""

    scope: Scope
    target: Words = ""
    reason: Words
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class HoldOut(Out):
    """`stands`: it has begun and is not over."""

    id: UUID
    scope: str
    target: str
    name: str
    reason: str
    placed_by: str
    placed_at: At
    starts_at: At
    ends_at: At | None
    lifted_at: At | None
    stands: bool
    over: bool


class FollowedOut(Out):
    """`was`: its state when the hold began."""

    id: UUID
    draft_id: UUID
    account: str
    platform: str
    was: State | None
    state: State
    note: str
    publish_at: At
    moved_at: At
    permalink: str | None


class FollowingOut(Out):
    """`in_flight` were with a platform when the hold began. At most 100 of each are listed; the counts are of all."""

    hold: HoldOut
    in_flight: list[FollowedOut]
    stopped: list[FollowedOut]
    stopped_count: int
    waiting: list[FollowedOut]
    waiting_count: int
    lift_asked: ProposalOut | None


@router.get("/holds", responses={**refusals(403), 200: {"model": PageOut[HoldOut]}})
async def holds(call: Reading) -> Response:
    """The holds that stand or are planned, in one page."""
    async with call.transaction() as (session, person):
        require(person, *Role)
        found = await holding.standing_holds(session)
    return answered(page_out(lists.Page(tuple(found), None), HoldOut))


@router.post("/holds", status_code=201, responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": HoldOut}})
async def place(asked: NewHold, call: Posting) -> Response:
    """Stop posts: from this answer on nothing in the scope is sent."""

    async def act(session: Any, person: Person) -> HoldOut:
        made = await holding.stop_posts(
            session,
            by=person,
            scope=asked.scope,
            target=asked.target,
            reason=asked.reason,
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            request=call.request_id,
        )
        return HoldOut.model_validate(await holding.hold_named(session, by=person, hold_id=made))

    return await call.once(act, HoldOut, headers=lambda out: {"Location": call.address(f"/holds/{out.id}")})


@router.get("/holds/{hold_id}", responses={**refusals(403, 404), 200: {"model": FollowingOut}})
async def show_hold(hold_id: UUID, call: Reading) -> Response:
    """One hold, and what became of everything in its scope. Ask again until the state of each in flight is known."""
    async with call.transaction() as (session, person):
        seen = await following.follow(session, by=person, hold_id=hold_id)
        asked = await lifting.lift_asked(session, hold_id)
    values = {name: getattr(seen, name) for name in FollowingOut.model_fields if name != "lift_asked"}
    return answered(FollowingOut.model_validate({**values, "lift_asked": proposal_out(asked)}, from_attributes=True))


@router.post(
    "/holds/{hold_id}/lift-requests",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": AskedOut}},
)
async def ask_to_lift(hold_id: UUID, asked: NewReason, call: Posting) -> Response:
    """Ask for a hold to be lifted, or a planned one taken back. People only, signed in within 15 minutes."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> AskedOut:
        made = await lifting.ask_to_lift(
            session, by=person, authenticated_at=signed_in, hold_id=hold_id, reason=asked.reason, request=call.request_id
        )
        return AskedOut(proposal_id=made)

    return await call.once(act, AskedOut)


@router.post(
    "/holds/{hold_id}/lift-confirmations",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": HoldOut}},
)
async def confirm_lift(hold_id: UUID, asked: NewConfirmation, call: Posting) -> Response:
    """The second person's yes. What the hold stopped stays stopped until somebody gives each post a new time."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> HoldOut:
        await lifting.confirm_lift(
            session,
            by=person,
            authenticated_at=signed_in,
            hold_id=hold_id,
            proposal_id=asked.proposal_id,
            request=call.request_id,
        )
        return HoldOut.model_validate(await holding.hold_named(session, by=person, hold_id=hold_id))

    return await call.once(act, HoldOut)
