"""Whether the service does what people asked of it. Public, and says nothing about anybody."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answered_record import HealthOut
from api.door import answered, door_of
from api.openapi import refusals
from core.use_cases.record import service_state

router = APIRouter(tags=["health"])


@router.get("/health", responses={**refusals(), 200: {"model": HealthOut}})
async def health(request: Request) -> Response:
    """503 when the database does not answer; `delayed` when what was recorded is carried out late."""
    async with door_of(request).database.transaction() as session:
        state = await service_state(session)
    return answered(
        HealthOut(
            status="delayed" if state.delayed else "ok",
            worker_alive=state.worker_alive,
            engine_alive=state.engine_alive,
            waiting_seconds=state.waiting_for.total_seconds() if state.waiting_for is not None else None,
        )
    )
