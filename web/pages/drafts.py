"""One draft: what it says, where it stands; check and submit, withdraw, move its time."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.publication import SENT_OR_MAYBE
from core.domain.refusals import AlreadySent, BadInput, NoPlan, NothingToWithdraw, WindowPast
from core.use_cases.access import require
from core.use_cases.correcting import corrects
from core.use_cases.drafting import WRITERS, reschedule
from core.use_cases.holding import PLACERS
from core.use_cases.looking import DraftView, look
from core.use_cases.submitting import submit, withdraw
from core.use_cases.versions import note_view
from web.desk import Desk, RequestId, Visitor
from web.draft_views import facts_in, history_in, means_of, previews_in, steps_in, targets
from web.errors import FieldErrors
from web.session import session_of
from web.typed_times import TypedTime
from web.when import between, london
from web.words import account_on, label_of

_ACTIONS = (
    ("decide", "Decide", "decide"),
    ("submit", "Check and submit", "check"),
    ("edit", "Edit", "edit"),
    ("reschedule", "Change the publish time", "reschedule"),
    ("withdraw", "Withdraw", "withdraw"),
)


class DraftPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _look(self, by: Visitor, draft_id: UUID) -> DraftView:
        async with self._desk.database.transaction() as session:
            return await look(session, by=by, draft_id=draft_id)

    async def _look_to(self, by: Visitor, draft_id: UUID, verb: str) -> DraftView:
        """The draft for a form; refused before anything is typed that could not be done."""
        view = await self._look(by, draft_id)
        require(by, *WRITERS)
        if verb not in view.may:
            raise NothingToWithdraw() if verb == "withdraw" else WindowPast() if view.now >= view.window.end else AlreadySent()
        return view

    async def draft(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        async with self._desk.database.transaction() as session:
            view = await look(session, by=by, draft_id=draft_id)
            await note_view(session, by=by, draft_id=draft_id, version=view.version)
            corrected = await corrects(session, draft_id)
        here = f"/drafts/{draft_id}"
        return self._desk.page(
            request,
            "draft.html",
            title=view.purpose,
            view={
                "caption": f"Version {view.version}",
                "standing": view.standing,
                "means": means_of(view),
                "actions": [{"href": f"{here}/{path}", "text": text} for key, text, path in _ACTIONS if key in view.may],
                "hold": f"/holds/new?draft={draft_id}" if by.has(*PLACERS) and view.submitted_at else None,
                "facts": facts_in(view),
                "corrects": f"/publications/{corrected.publication_id}" if corrected else None,
                "publications": _publications(view),
                "previews": previews_in(view),
                "steps": steps_in(view) if view.submitted_at else [],
                "history": history_in(view),
                "versions": [{"number": v.number, "by": v.saved_by, "at": v.saved_at, "digest": v.digest} for v in view.versions],
                "audit": f"/audit?subject=draft:{draft_id}",
                "record": f"{here}/record.json",
            },
        )

    async def check(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        view = await self._look(by, draft_id)
        return self._check(request, view, FieldErrors())

    def _check(self, request: Request, view: DraftView, errors: FieldErrors, status: int = 200) -> Response:
        here = f"/drafts/{view.id}"
        return self._desk.page(
            request,
            "check.html",
            status,
            title="Check before sending",
            errors=errors,
            back={"text": "Back to the draft", "href": here},
            view={
                "caption": f"Version {view.version}",
                "purpose": view.purpose,
                "facts": facts_in(view),
                "previews": previews_in(view),
                "next": _what_happens_next(view),
                "digest": view.digest,
                "may_submit": "submit" in view.may,
                "standing": view.standing,
                "submit": f"{here}/submit",
                "edit": f"{here}/edit",
                "reschedule": f"{here}/reschedule",
                "later": here,
            },
        )

    async def submit(self, request: Request, by: Visitor, draft_id: UUID, request_id: RequestId) -> Response:
        form = await request.form()
        try:
            async with self._desk.database.transaction() as session:
                await submit(session, by=by, draft_id=draft_id, digest=str(form.get("digest") or ""), request=request_id)
        except (BadInput, NoPlan) as refusal:
            errors = FieldErrors((("form", str(refusal)),))
            return self._check(request, await self._look(by, draft_id), errors, 409 if isinstance(refusal, NoPlan) else 422)
        session_of(request).flash("Submitted. The people who may authorise it now see it in their queue.")
        return RedirectResponse(f"/drafts/{draft_id}", 303)

    async def ask_withdraw(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        return self._withdraw_page(request, await self._look_to(by, draft_id, "withdraw"))

    def _withdraw_page(self, request: Request, view: DraftView) -> Response:
        sentences = [f"“{view.purpose}” stops at once, whatever it was waiting for. Nothing that is not yet being sent goes out."]
        if any(publication.state in SENT_OR_MAYBE for publication in view.publications):
            sentences.append("What has already been sent stays on its account: withdrawing does not remove it.")
        return self._desk.page(
            request,
            "withdraw.html",
            title="Withdraw this draft",
            errors=FieldErrors(),
            typed={"reason": ""},
            view=_small_form(view, "withdraw", sentences),
        )

    async def withdraw(self, request: Request, by: Visitor, draft_id: UUID, request_id: RequestId) -> Response:
        form = await request.form()
        async with self._desk.database.transaction() as session:
            await withdraw(session, by=by, draft_id=draft_id, reason=str(form.get("reason") or ""), request=request_id)
        session_of(request).flash("Withdrawn. It will not be published unless it is submitted again.")
        return RedirectResponse(f"/drafts/{draft_id}", 303)

    async def ask_reschedule(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        view = await self._look_to(by, draft_id, "reschedule")
        return self._reschedule_page(request, view, TypedTime.of(view.publish_at, "publish"), FieldErrors())

    def _reschedule_page(
        self, request: Request, view: DraftView, typed: TypedTime, errors: FieldErrors, status: int = 200
    ) -> Response:
        sentences = [
            f"Now: {london(view.publish_at)}. The window is {between(view.window.start, view.window.end)}.",
            "Inside the window you may move the time: every authorisation still stands. For another window, edit the draft.",
        ]
        form = _small_form(view, "reschedule", sentences)
        return self._desk.page(
            request, "reschedule.html", status, title="Change the publish time", errors=errors, typed=typed, view=form
        )

    async def reschedule(self, request: Request, by: Visitor, draft_id: UUID, request_id: RequestId) -> Response:
        typed = TypedTime.from_form(await request.form(), "publish")
        try:
            publish_at = typed.to_utc("the publish time")
            async with self._desk.database.transaction() as session:
                await reschedule(session, by=by, draft_id=draft_id, publish_at=publish_at, request=request_id)
        except BadInput as refusal:
            errors = FieldErrors.from_refusal(refusal, {"publish_at": "publish-day"})
            return self._reschedule_page(request, await self._look(by, draft_id), typed, errors, 422)
        session_of(request).flash(f"It is now to be published on {london(publish_at)}.")
        return RedirectResponse(f"/drafts/{draft_id}", 303)


def _small_form(view: DraftView, verb: str, sentences: list[str]) -> dict[str, Any]:
    here = f"/drafts/{view.id}"
    return {"caption": view.purpose, "sentences": sentences, "action": f"{here}/{verb}", "back": here}


def _what_happens_next(view: DraftView) -> list[str]:
    lines = []
    for step in view.steps:
        people = f"It can be decided by {', '.join(step.eligible)}." if step.eligible else "Nobody can decide it at the moment."
        count = "one person authorises" if step.step.quorum == 1 else f"{step.step.quorum} people authorise"
        lines.append(f"{step.step.label}: {count} it (paragraph {step.step.paragraph}). {people}")
    lines.append(
        f"It is published on {london(view.publish_at)} on {targets(view)}, not before, and only if everybody authorised it."
    )
    return lines


def _publications(view: DraftView) -> list[dict[str, Any]]:
    accounts = {preview.account.id: preview for preview in view.previews}
    found = []
    for publication in view.publications:
        preview = accounts.get(publication.account_id)
        if preview is None:
            continue
        found.append(
            {
                "href": f"/publications/{publication.id}",
                "account": account_on(preview.account.name, preview.account.platform),
                "platform": preview.account.platform,
                "state": publication.state,
                "means": label_of(publication.state).means,
                "permalink": publication.permalink,
            }
        )
    return found


def draft_routes(desk: Desk) -> APIRouter:
    pages = DraftPages(desk)
    router = APIRouter()
    here = "/drafts/{draft_id}"
    router.add_api_route(here, pages.draft, methods=["GET"], response_model=None)
    router.add_api_route(f"{here}/check", pages.check, methods=["GET"], response_model=None)
    router.add_api_route(f"{here}/submit", pages.submit, methods=["POST"], response_model=None)
    router.add_api_route(f"{here}/withdraw", pages.ask_withdraw, methods=["GET"], response_model=None)
    router.add_api_route(f"{here}/withdraw", pages.withdraw, methods=["POST"], response_model=None)
    router.add_api_route(f"{here}/reschedule", pages.ask_reschedule, methods=["GET"], response_model=None)
    router.add_api_route(f"{here}/reschedule", pages.reschedule, methods=["POST"], response_model=None)
    return router
