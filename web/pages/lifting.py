"""Lifting a hold: one person asks, with a reason; another, who reads it, confirms or says no."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput, StepUpNeeded
from core.use_cases.access import require
from core.use_cases.holding import PLACERS, Hold, hold_named
from core.use_cases.lifting import CONFIRMERS, HoldIsOver, ask_to_lift, confirm_lift, keep_hold, lift_asked
from core.use_cases.second_person import Proposal
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.hold_views import hold_facts, title_of
from web.proving import prove_again, typed_before
from web.second_person import proposal_facts, proposal_id_in
from web.session import session_of

_RELEASES_NOTHING = (
    "Lifting it releases nothing by itself: each post that it stopped waits until somebody gives it a new time or withdraws it. "
    "What is scheduled for later goes out at its time."
)


class LiftingPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _read(self, by: Visitor, hold_id: UUID) -> tuple[Hold, Proposal | None]:
        require(by, *PLACERS)
        async with self._desk.database.transaction() as session:
            hold = await hold_named(session, by=by, hold_id=hold_id)
            if hold.over:
                raise HoldIsOver()
            return hold, await lift_asked(session, hold_id)

    async def show(self, request: Request, by: Visitor, hold_id: UUID) -> Response:
        hold, asked = await self._read(by, hold_id)
        if asked is not None:
            return self._second(request, by, hold, asked)
        reason = str(typed_before(request, f"/holds/{hold_id}/lift").get("reason", ""))
        return self._ask(request, hold, reason, FieldErrors())

    def _ask(self, request: Request, hold: Hold, reason: str, errors: FieldErrors, status: int = 200) -> Response:
        here = f"/holds/{hold.id}"
        view: dict[str, Any] = {
            "caption": title_of(hold),
            "sentences": ["It takes two people: you ask, and a colleague confirms.", _RELEASES_NOTHING],
            "facts": hold_facts(hold),
            "action": f"{here}/lift",
            "button": "Ask a second person to lift it" if hold.stands else "Ask a second person to take it back",
            "back": here,
            "back_text": "Go back and leave the hold as it is",
        }
        title = "Lift this hold" if hold.stands else "Take back this planned hold"
        return self._desk.page(request, "ask.html", status, title=title, errors=errors, typed={"reason": reason}, view=view)

    def _second(self, request: Request, by: Visitor, hold: Hold, asked: Proposal) -> Response:
        here = f"/holds/{hold.id}"
        cannot = None
        if asked.asked_by == by.id:
            cannot = "You asked for this, so somebody else must confirm it. You can take your asking back."
        elif not by.has(*CONFIRMERS):
            cannot = "An authoriser or an account manager must confirm it."
        view = {
            "caption": title_of(hold),
            "sentences": [_RELEASES_NOTHING],
            "facts": [*hold_facts(hold), *proposal_facts(asked)],
            "proposal": asked.id,
            "cannot": cannot,
            "confirm": f"{here}/lift/confirm",
            "confirm_text": "Lift the hold",
            "take_back": f"{here}/lift/keep",
            "take_back_text": "Keep the hold",
            "warning": f"You lift it together with {asked.asked_by_name}. Both names stand on the record.",
            "back": here,
        }
        return self._desk.page(request, "second_person.html", title="Confirm that this hold is lifted", view=view)

    async def ask(self, request: Request, by: Visitor, hold_id: UUID, request_id: RequestId) -> Response:
        reason = tidied(str((await request.form()).get("reason") or ""))
        try:
            async with self._desk.database.transaction() as session:
                await ask_to_lift(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    hold_id=hold_id,
                    reason=reason,
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, f"/holds/{hold_id}/lift", {"reason": reason})
        except BadInput as refusal:
            hold, _ = await self._read(by, hold_id)
            return self._ask(request, hold, reason, FieldErrors.from_refusal(refusal), 422)
        session_of(request).flash("Asked. The hold stands until a second person confirms.")
        return RedirectResponse(f"/holds/{hold_id}", 303)

    async def confirm(self, request: Request, by: Visitor, hold_id: UUID, request_id: RequestId) -> Response:
        proposal_id = proposal_id_in(await request.form())
        try:
            async with self._desk.database.transaction() as session:
                await confirm_lift(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    hold_id=hold_id,
                    proposal_id=proposal_id,
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, f"/holds/{hold_id}/lift")
        session_of(request).flash("The hold is lifted. What it stopped waits for somebody to give it a new time or withdraw it.")
        return RedirectResponse(f"/holds/{hold_id}", 303)

    async def keep(self, request: Request, by: Visitor, hold_id: UUID, request_id: RequestId) -> Response:
        proposal_id = proposal_id_in(await request.form())
        async with self._desk.database.transaction() as session:
            await keep_hold(session, by=by, hold_id=hold_id, proposal_id=proposal_id, request=request_id)
        session_of(request).flash("The hold stays as it is.")
        return RedirectResponse(f"/holds/{hold_id}", 303)


def lifting_routes(desk: Desk) -> APIRouter:
    pages = LiftingPages(desk)
    router = APIRouter(prefix="/holds/{hold_id}/lift")
    router.add_api_route("", pages.show, methods=["GET"], response_model=None)
    router.add_api_route("", pages.ask, methods=["POST"], response_model=None)
    router.add_api_route("/confirm", pages.confirm, methods=["POST"], response_model=None)
    router.add_api_route("/keep", pages.keep, methods=["POST"], response_model=None)
    return router
