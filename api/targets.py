"""Posts that a draft replies to, quotes or reposts (paragraph 38): asked for by address, captured by the service."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.answered import AnsweredPostOut, TargetOut
from api.asked import NewTarget
from api.door import Call, Posting, Reading, answered
from api.openapi import refusals
from core.domain.people import Person
from core.use_cases import targets

router = APIRouter(tags=["targets"])


@router.post("/targets", status_code=201, responses={**refusals(400, 403, 409, 413, 422), 201: {"model": TargetOut}})
async def ask_for_target(asked: NewTarget, call: Posting) -> Response:
    """Have a post captured. It takes a second or two: look again, then name its id as the `target` of a draft."""

    async def act(session: Any, person: Person) -> TargetOut:
        made = await targets.ask_for_target(
            session, by=person, account_ids=tuple(asked.accounts), kind=asked.kind, address=asked.address
        )
        return await _target_out(session, person, made)

    return await call.once(act, TargetOut, headers=lambda out: _headers(call, out))


@router.get("/targets/{target_id}", responses={**refusals(403, 404), 200: {"model": TargetOut}})
async def show_target(target_id: UUID, call: Reading) -> Response:
    """What became of it."""
    async with call.transaction() as (session, person):
        out = await _target_out(session, person, target_id)
    return answered(out)


async def _target_out(session: Any, person: Person, target_id: UUID) -> TargetOut:
    found = await targets.capture_asked_for(session, by=person, request_id=target_id)
    return TargetOut(
        id=found.request_id,
        kind=found.kind,
        address=found.address,
        under_way=found.under_way,
        post=AnsweredPostOut.model_validate(found.target) if found.target else None,
        note=found.note,
        captured_at=found.captured_at,
    )


def _headers(call: Call, out: TargetOut) -> dict[str, str]:
    return {"Location": call.address(f"/targets/{out.id}")}
