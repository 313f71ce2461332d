"""From submission to decision: what people do with a version. Nothing here bypasses a step, whoever calls."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.answered import DecidedOut, ScheduleOut, StandingOut, SubmissionOut
from api.asked import NewDecision, NewSchedule, NewSubmission, NewWithdrawal
from api.door import Posting, Reading, answered
from api.openapi import refusals
from core.domain.people import Person
from core.domain.refusals import MachineCannotDecide, StepUpNeeded
from core.use_cases import deciding, drafting, looking, submitting

router = APIRouter(tags=["authorising"])

SIGN_IN_AGAIN = (
    "Sign in again before you decide: your last sign-in is more than 15 minutes old. Ask the identity provider for a "
    "token with max_age=900 and send the decision again."
)


@router.post(
    "/drafts/{draft_id}/submissions",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": SubmissionOut}},
)
async def submit(draft_id: UUID, asked: NewSubmission, call: Posting) -> Response:
    """Start the plan for the version with this digest; another version since is 409."""

    async def act(session: Any, person: Person) -> SubmissionOut:
        made = await submitting.submit(session, by=person, draft_id=draft_id, digest=asked.digest, request=call.request_id)
        return SubmissionOut(id=made, draft_id=draft_id, digest=asked.digest)

    return await call.once(act, SubmissionOut, headers=lambda _: {"Location": call.address(f"/drafts/{draft_id}")})


@router.post(
    "/drafts/{draft_id}/withdrawals",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": StandingOut}},
)
async def withdraw(draft_id: UUID, asked: NewWithdrawal, call: Posting) -> Response:
    """Stop what is under way, at any time before it is sent."""

    async def act(session: Any, person: Person) -> StandingOut:
        await submitting.withdraw(session, by=person, draft_id=draft_id, reason=asked.reason, request=call.request_id)
        view = await looking.look(session, by=person, draft_id=draft_id)
        return StandingOut(draft_id=draft_id, standing=view.standing)

    return await call.once(act, StandingOut, headers=lambda _: {"Location": call.address(f"/drafts/{draft_id}")})


@router.put("/drafts/{draft_id}/schedule", responses={**refusals(400, 403, 404, 409, 413, 422), 200: {"model": ScheduleOut}})
async def reschedule(draft_id: UUID, asked: NewSchedule, call: Reading) -> Response:
    """Move the publish time inside the authorised window, which needs no new authorisation."""
    async with call.transaction() as (session, person):
        await drafting.reschedule(session, by=person, draft_id=draft_id, publish_at=asked.publish_at, request=call.request_id)
    return answered(ScheduleOut(draft_id=draft_id, publish_at=asked.publish_at))


@router.post(
    "/drafts/{draft_id}/decisions",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": DecidedOut}},
)
async def decide(draft_id: UUID, asked: NewDecision, call: Posting) -> Response:
    """Authorise, ask for changes or reject, over the digest that was read. People only, signed in within 15 minutes."""
    if call.caller.client:
        raise MachineCannotDecide()

    async def act(session: Any, person: Person) -> DecidedOut:
        decided = await deciding.decide(
            session,
            by=person,
            authenticated_at=call.caller.auth_time,
            draft_id=draft_id,
            step=asked.step,
            digest=asked.digest,
            answer=asked.answer,
            reason=asked.reason,
            confirmed=frozenset(asked.confirmed),
            request=call.request_id,
        )
        return DecidedOut.model_validate(decided)

    try:
        return await call.once(act, DecidedOut, headers=lambda _: {"Location": call.address(f"/drafts/{draft_id}")})
    except StepUpNeeded:
        raise StepUpNeeded(SIGN_IN_AGAIN) from None
