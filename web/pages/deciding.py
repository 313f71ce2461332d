"""Deciding: look, answer, confirm, done. Nothing is recorded before the confirm page's own form is sent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.authority import StepNotOpen
from core.domain.content import tidied
from core.domain.prompts import PROMPTS
from core.domain.refusals import BadInput, DraftChanged, PromptsUnanswered, ReasonMissing, StepUpNeeded
from core.domain.route import Answer
from core.use_cases.deciding import decide
from core.use_cases.lists import waiting
from core.use_cases.looking import DraftView, look
from core.use_cases.versions import note_view, renditions_since
from web.decision_views import confirm_view, decide_view, outcome_view
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.session import session_of, stash, unstash
from web.sign_in import fresh_enough, to_step_up

_DECIDED = "decided"
_ALL_PROMPTS = {prompt.key for prompt in PROMPTS}


@dataclass(frozen=True)
class TypedDecision:
    """The decide form as typed; `digest` and `step` name what was shown."""

    digest: str = ""
    step: int = 0
    answer: str = ""
    reason: str = ""
    confirmed: tuple[str, ...] = ()

    @classmethod
    def from_form(cls, form: FormData) -> "TypedDecision":
        step = str(form.get("step") or "")
        return cls(
            digest=str(form.get("digest") or ""),
            step=int(step) if step.isdecimal() and len(step) < 4 else 0,
            answer=str(form.get("answer") or ""),
            reason=tidied(str(form.get("reason") or "")),
            confirmed=tuple(str(value) for value in form.getlist("confirmed") if value in _ALL_PROMPTS),
        )

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> "TypedDecision":
        """What `asdict` gave, back from the session's JSON."""
        return cls(**{**kept, "confirmed": tuple(kept.get("confirmed", ()))})

    def checked(self) -> Answer:
        """The answer, once the form says all that this answer needs. Raises BadInput beside the field that lacks it."""
        if self.answer not in set(Answer):
            raise BadInput("Choose what you decide: authorise, ask for changes or reject.", field="answer")
        answer = Answer(self.answer)
        if answer is Answer.AUTHORISE and not set(self.confirmed) >= _ALL_PROMPTS:
            raise PromptsUnanswered(field="confirmed")
        if answer is not Answer.AUTHORISE and not self.reason.strip():
            raise ReasonMissing(field="reason")
        return answer


class DecidingPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        typed = TypedDecision.kept(unstash(request, _kept(draft_id)) or {})
        return await self._form(request, by, draft_id, typed, FieldErrors())

    async def _form(
        self, request: Request, by: Visitor, draft_id: UUID, typed: TypedDecision, errors: FieldErrors, status: int = 200
    ) -> Response:
        async with self._desk.database.transaction() as session:
            view = await look(session, by=by, draft_id=draft_id)
            before = await renditions_since(session, by=by, draft_id=draft_id)
            await note_view(session, by=by, draft_id=draft_id, version=view.version)
        if view.open_step is None:
            return RedirectResponse(f"/drafts/{draft_id}", 303)
        return self._desk.page(
            request,
            "decide.html",
            status,
            title=view.purpose,
            errors=errors,
            typed=typed,
            view=decide_view(view, before, link=f"{self._desk.public_url}/drafts/{draft_id}/decide"),
        )

    async def answer(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        """Check what was typed and go on to the confirm page, through a fresh sign-in where the last one is old."""
        typed = TypedDecision.from_form(await request.form())
        await self._same_draft(by, draft_id, typed)
        try:
            typed.checked()
        except BadInput as refusal:
            return await self._form(request, by, draft_id, typed, FieldErrors.from_refusal(refusal), 422)
        return self._to_confirm(request, draft_id, typed)

    def _to_confirm(self, request: Request, draft_id: UUID, typed: TypedDecision) -> Response:
        stash(request, _kept(draft_id), asdict(typed))
        here = f"/drafts/{draft_id}/decide/confirm"
        if not fresh_enough(session_of(request), self._desk.now()):
            return to_step_up(here)
        return RedirectResponse(here, 303)

    async def confirm(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        kept = unstash(request, _kept(draft_id))
        if kept is None:
            return RedirectResponse(f"/drafts/{draft_id}/decide", 303)
        stash(request, _kept(draft_id), kept)
        typed = TypedDecision.kept(kept)
        view = await self._same_draft(by, draft_id, typed)
        return self._desk.page(
            request,
            "confirm.html",
            title={
                Answer.AUTHORISE: "Authorise this version",
                Answer.ASK_FOR_CHANGES: "Ask for changes",
                Answer.REJECT: "Reject this version",
            }[Answer(typed.answer)],
            typed=typed,
            view=confirm_view(view, Answer(typed.answer), typed.reason, by.name),
            back={"text": "Back to the draft", "href": f"/drafts/{draft_id}/decide"},
        )

    async def record(self, request: Request, by: Visitor, draft_id: UUID, request_id: RequestId) -> Response:
        """The decision itself, over the digest the confirm page named."""
        typed = TypedDecision.from_form(await request.form())
        answer = typed.checked()
        try:
            async with self._desk.database.transaction() as session:
                decided = await decide(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    draft_id=draft_id,
                    step=typed.step,
                    digest=typed.digest,
                    answer=answer,
                    reason=typed.reason,
                    confirmed=frozenset(typed.confirmed),
                    request=request_id,
                )
        except StepUpNeeded:
            return self._to_confirm(request, draft_id, typed)
        unstash(request, _kept(draft_id))
        session_of(request)[_DECIDED] = {"draft": str(draft_id), "answer": str(answer), "step": decided.step.label}
        return RedirectResponse(f"/drafts/{draft_id}/outcome", 303)

    async def outcome(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        decided: dict[str, Any] | None = session_of(request).get(_DECIDED)
        if decided is None or decided["draft"] != str(draft_id):
            return RedirectResponse(f"/drafts/{draft_id}", 303)
        async with self._desk.database.transaction() as session:
            view = await look(session, by=by, draft_id=draft_id)
            queue = await waiting(session, by=by, for_me=True, limit=1)
        answer = Answer(decided["answer"])
        titles = {
            Answer.AUTHORISE: "You authorised it",
            Answer.ASK_FOR_CHANGES: "You asked for changes",
            Answer.REJECT: "You rejected it",
        }
        shown = outcome_view(view, answer, decided["step"], queue.items)
        return self._desk.page(request, "outcome.html", title=titles[answer], view=shown)

    async def _same_draft(self, by: Visitor, draft_id: UUID, typed: TypedDecision) -> DraftView:
        """The draft, if it still is what was shown and this person may decide it; the use-case judges it all again."""
        async with self._desk.database.transaction() as session:
            view = await look(session, by=by, draft_id=draft_id)
        if view.digest != typed.digest:
            raise DraftChanged()
        if "decide" not in view.may:
            raise StepNotOpen(view.cannot_decide)
        return view


def _kept(draft_id: UUID) -> str:
    return f"decide:{draft_id}"


def deciding_routes(desk: Desk) -> APIRouter:
    pages = DecidingPages(desk)
    router = APIRouter(prefix="/drafts/{draft_id}")
    router.add_api_route("/decide", pages.show, methods=["GET"], response_model=None)
    router.add_api_route("/decide", pages.answer, methods=["POST"], response_model=None)
    router.add_api_route("/decide/confirm", pages.confirm, methods=["GET"], response_model=None)
    router.add_api_route("/decide/confirm", pages.record, methods=["POST"], response_model=None)
    router.add_api_route("/outcome", pages.outcome, methods=["GET"], response_model=None)
    return router
