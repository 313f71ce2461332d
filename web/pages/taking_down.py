"""What one person may do about a publication: take it down, or give up what the platform refused."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput, NotFound, StepUpNeeded
from core.use_cases.next_steps import NextSteps, next_steps
from core.use_cases.record import PublicationView, publication_record
from core.use_cases.resolving import give_up
from core.use_cases.taking_down import take_down
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.proving import prove_again, typed_before
from web.publication_views import caption_of, facts_of
from web.session import session_of

_ALONE: dict[str, dict[str, Any]] = {
    "take-down": {
        "act": "take_down",
        "title": "Take this post down",
        "sentences": [
            "The service first keeps what stands there as evidence, then removes it, then looks whether it is gone.",
            "Readers may have seen, copied or shared it. A correction is a new draft, linked to this one.",
        ],
        "button": "Take it down",
        "reason_label": "Why is it taken down?",
        "done": "It is being taken down. This page tells when it is gone.",
    },
    "give-up": {
        "act": "give_up",
        "title": "Give this post up",
        "sentences": ["The platform refused it and nothing was published. It is not tried again."],
        "button": "Give it up",
        "reason_label": "Why is it given up?",
        "done": "It is given up.",
    },
}


class TakingDownPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _read(self, by: Visitor, publication_id: UUID) -> tuple[PublicationView, NextSteps]:
        async with self._desk.database.transaction() as session:
            record = await publication_record(session, by=by, publication_id=publication_id)
            return record, await next_steps(session, by=by, publication_id=publication_id)

    async def form(self, request: Request, by: Visitor, publication_id: UUID, what: str) -> Response:
        record, steps = await self._read(by, publication_id)
        typed = typed_before(request, f"/publications/{publication_id}/act/{what}")
        return self._page(request, record, steps, what, str(typed.get("reason", "")), FieldErrors())

    def _page(
        self,
        request: Request,
        record: PublicationView,
        steps: NextSteps,
        what: str,
        reason: str,
        errors: FieldErrors,
        status: int = 200,
    ) -> Response:
        said, back = _known(what), f"/publications/{record.id}"
        if said["act"] not in steps.acts:
            links = [{"text": "Back to the post", "href": back}]
            sentences = ["This cannot be done as the post stands now, or your role does not allow it.", steps.sentence]
            return self._desk.page(request, "message.html", 409, title=said["title"], sentences=sentences, links=links)
        view = {
            **said,
            "caption": caption_of(record),
            "facts": facts_of(record),
            "reason_hint": "It stands on the record, with the evidence.",
            "action": f"{back}/act/{what}",
            "button_classes": "govuk-button--warning",
            "back": back,
        }
        return self._desk.page(
            request, "ask.html", status, title=said["title"], errors=errors, typed={"reason": reason}, view=view
        )

    async def record(self, request: Request, by: Visitor, publication_id: UUID, what: str, request_id: RequestId) -> Response:
        said = _known(what)
        reason = tidied(str((await request.form()).get("reason") or ""))
        asked: dict[str, Any] = {"by": by, "publication_id": publication_id, "reason": reason, "request": request_id}
        try:
            async with self._desk.database.transaction() as session:
                if said["act"] == "take_down":
                    await take_down(session, authenticated_at=session_of(request).auth_time, **asked)
                else:
                    await give_up(session, **asked)
        except StepUpNeeded:
            return prove_again(request, f"/publications/{publication_id}/act/{what}", {"reason": reason})
        except BadInput as refusal:
            record, steps = await self._read(by, publication_id)
            return self._page(request, record, steps, what, reason, FieldErrors.from_refusal(refusal), 422)
        session_of(request).flash(said["done"])
        return RedirectResponse(f"/publications/{publication_id}", 303)


def _known(what: str) -> dict[str, Any]:
    if what not in _ALONE:
        raise NotFound()
    return _ALONE[what]


def taking_down_routes(desk: Desk) -> APIRouter:
    pages = TakingDownPages(desk)
    router = APIRouter(prefix="/publications/{publication_id}")
    router.add_api_route("/act/{what}", pages.form, methods=["GET"], response_model=None)
    router.add_api_route("/act/{what}", pages.record, methods=["POST"], response_model=None)
    return router
