"""What people decide about one publication: unknown outcomes, differences, takedowns, corrections."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput, NotFound, StepUpNeeded
from core.use_cases.correcting import correct
from core.use_cases.next_steps import NextSteps, next_steps
from core.use_cases.record import PublicationView, publication_record
from core.use_cases.resolving import Act, ask, confirm, take_back
from web.desk import Desk, RequestId, Visitor
from web.draft_views import Fact
from web.errors import FieldErrors
from web.proving import prove_again, typed_before
from web.publication_views import CHOICES, caption_of, facts_of
from web.second_person import proposal_facts
from web.session import session_of


class PublicationPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _read(self, by: Visitor, publication_id: UUID) -> tuple[PublicationView, NextSteps]:
        async with self._desk.database.transaction() as session:
            record = await publication_record(session, by=by, publication_id=publication_id)
            return record, await next_steps(session, by=by, publication_id=publication_id)

    async def ask_form(self, request: Request, by: Visitor, publication_id: UUID, act: Act) -> Response:
        here = f"/publications/{publication_id}/ask/{act}"
        record, steps = await self._read(by, publication_id)
        return self._ask_page(request, record, steps, act, typed_before(request, here), FieldErrors())

    def _ask_page(
        self,
        request: Request,
        record: PublicationView,
        steps: NextSteps,
        act: Act,
        typed: dict[str, Any],
        errors: FieldErrors,
        status: int = 200,
    ) -> Response:
        choice, back = CHOICES[act], f"/publications/{record.id}"
        if act not in steps.acts:
            sentences = [steps.cannot or "This cannot be asked for as the post stands now."]
            links = [{"text": "Back to the post", "href": back}]
            return self._desk.page(request, "message.html", 409, title=choice.title, sentences=sentences, links=links)
        post = {"name": "post", "label": "Which post is it?", "hint": "Its web address on the platform, or its number there."}
        view = {
            "caption": caption_of(record),
            "sentences": [*choice.sentences, "It takes two people who did not write it: you ask, and a colleague confirms."],
            "facts": facts_of(record),
            "warning": choice.warning,
            "hidden": {"epoch": str(typed.get("epoch") or steps.epoch)},
            "extra": post if act is Act.ADOPT else None,
            "action": f"{back}/ask/{act}",
            "button": choice.button,
            "back": back,
        }
        values = {"reason": typed.get("reason", ""), "post": typed.get("post", "")}
        return self._desk.page(request, "ask.html", status, title=choice.title, errors=errors, typed=values, view=view)

    async def ask(self, request: Request, by: Visitor, publication_id: UUID, act: Act, request_id: RequestId) -> Response:
        form = await request.form()
        typed: dict[str, Any] = {name: tidied(str(form.get(name) or "")) for name in ("reason", "post", "epoch")}
        try:
            async with self._desk.database.transaction() as session:
                await ask(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    publication_id=publication_id,
                    act=act,
                    reason=typed["reason"],
                    post=typed["post"],
                    epoch=_number(typed["epoch"]),
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, f"/publications/{publication_id}/ask/{act}", typed)
        except BadInput as refusal:
            record, steps = await self._read(by, publication_id)
            return self._ask_page(request, record, steps, act, typed, FieldErrors.from_refusal(refusal), 422)
        session_of(request).flash("Asked. Nothing happens until a second person confirms.")
        return RedirectResponse(f"/publications/{publication_id}", 303)

    async def proposal(self, request: Request, by: Visitor, publication_id: UUID, proposal_id: UUID) -> Response:
        record, steps = await self._read(by, publication_id)
        waiting = next((one for one in steps.waiting if one.proposal.id == proposal_id), None)
        if waiting is None:
            raise NotFound()
        choice, here = CHOICES[waiting.act], f"/publications/{publication_id}/proposals/{proposal_id}"
        named = str(waiting.proposal.detail.get("post") or "")
        post = [Fact("Which post", named)] if named else []
        view = {
            "caption": caption_of(record),
            "sentences": choice.sentences,
            "facts": [*facts_of(record), *post, *proposal_facts(waiting.proposal)],
            "proposal": proposal_id,
            "cannot": waiting.cannot,
            "confirm": f"{here}/confirm",
            "confirm_text": choice.title,
            "take_back": f"{here}/take-back",
            "take_back_text": "Say no",
            "warning": choice.warning or f"You decide it together with {waiting.proposal.asked_by_name}.",
            "back": f"/publications/{publication_id}",
        }
        return self._desk.page(request, "second_person.html", title=f"Confirm: {choice.title.lower()}", view=view)

    async def confirm(
        self, request: Request, by: Visitor, publication_id: UUID, proposal_id: UUID, request_id: RequestId
    ) -> Response:
        act = await self._act_of(by, publication_id, proposal_id)
        signed_in = session_of(request).auth_time
        try:
            async with self._desk.database.transaction() as session:
                await confirm(session, by=by, authenticated_at=signed_in, proposal_id=proposal_id, act=act, request=request_id)
        except StepUpNeeded:
            return prove_again(request, f"/publications/{publication_id}/proposals/{proposal_id}")
        session_of(request).flash(CHOICES[act].done)
        return RedirectResponse(f"/publications/{publication_id}", 303)

    async def take_back(
        self, request: Request, by: Visitor, publication_id: UUID, proposal_id: UUID, request_id: RequestId
    ) -> Response:
        act = await self._act_of(by, publication_id, proposal_id)
        async with self._desk.database.transaction() as session:
            await take_back(session, by=by, proposal_id=proposal_id, act=act, request=request_id)
        session_of(request).flash("It was taken back. Nothing was changed.")
        return RedirectResponse(f"/publications/{publication_id}", 303)

    async def _act_of(self, by: Visitor, publication_id: UUID, proposal_id: UUID) -> Act:
        _, steps = await self._read(by, publication_id)
        found = next((one.act for one in steps.waiting if one.proposal.id == proposal_id), None)
        if found is None:
            raise NotFound()
        return found

    async def correct(self, request: Request, by: Visitor, publication_id: UUID, request_id: RequestId) -> Response:
        async with self._desk.database.transaction() as session:
            saved = await correct(session, by=by, publication_id=publication_id, request=request_id)
        session_of(request).flash("This is a new draft, linked to the post it corrects. Change it, then submit it.")
        return RedirectResponse(f"/drafts/{saved.draft_id}/edit", 303)


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else None


def publication_routes(desk: Desk) -> APIRouter:
    pages = PublicationPages(desk)
    router = APIRouter(prefix="/publications/{publication_id}")
    for method, path, page in (
        ("GET", "/ask/{act}", pages.ask_form),
        ("POST", "/ask/{act}", pages.ask),
        ("GET", "/proposals/{proposal_id}", pages.proposal),
        ("POST", "/proposals/{proposal_id}/confirm", pages.confirm),
        ("POST", "/proposals/{proposal_id}/take-back", pages.take_back),
        ("POST", "/correct", pages.correct),
    ):
        router.add_api_route(path, page, methods=[method], response_model=None)
    return router
