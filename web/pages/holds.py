"""Stop all posts: place a hold, and follow what was in flight to its outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput, Several
from core.use_cases.access import require
from core.use_cases.following import SHOWN, Following, follow
from core.use_cases.holding import PLACERS, standing_holds, stop_posts
from core.use_cases.lifting import lift_asked
from core.use_cases.looking import look
from core.use_cases.second_person import Proposal
from core.use_cases.versions import accounts_to_choose
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.hold_views import everything_on, flight_sentence, followed_line, hold_facts, span_in_words, title_of, waiting_line
from web.pages.lifting import lifting_routes
from web.session import session_of
from web.typed_times import TypedTime
from web.when import london
from web.words import account_on

FOLLOW_SECONDS, UNKNOWN_SECONDS = 3, 15
_WHAT_MISSING = "Choose what to stop: everything, a platform, an account or this draft."


@dataclass(frozen=True)
class TypedHold:
    """The form as typed. `what` is a scope, or a scope and its target: `all`, `platform:x`, `account:…`, `draft:…`."""

    starts: TypedTime
    ends: TypedTime
    what: str = ""
    reason: str = ""

    @classmethod
    def from_form(cls, form: FormData) -> "TypedHold":
        starts, ends = TypedTime.from_form(form, "starts"), TypedTime.from_form(form, "ends")
        return cls(starts, ends, str(form.get("what") or ""), tidied(str(form.get("reason") or "")))

    def checked(self) -> tuple[str, str, datetime | None, datetime | None]:
        """Scope, target, beginning (None: now) and end (None: open), or Several with all that must be put right."""
        wrong: list[BadInput] = []
        if not self.what:
            wrong.append(BadInput(_WHAT_MISSING, field="what"))
        if not self.reason:
            wrong.append(BadInput("Say why: everybody whose post waits will read it.", field="reason"))
        starts, ends = _moment(self.starts, "the beginning", wrong), _moment(self.ends, "the end", wrong)
        if wrong:
            raise Several(wrong)
        scope, _, target = self.what.partition(":")
        return scope, target, starts, ends


def _moment(typed: TypedTime, what: str, wrong: list[BadInput]) -> datetime | None:
    if typed.empty:
        return None
    try:
        return typed.to_utc(what)
    except BadInput as refusal:
        wrong.append(refusal)
        return None


class HoldPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def holds(self, request: Request, by: Visitor) -> Response:
        async with self._desk.database.transaction() as session:
            standing = await standing_holds(session)
        rows = [
            {
                "href": f"/holds/{hold.id}",
                "title": title_of(hold),
                "text": hold.reason,
                "facts": [("When", span_in_words(hold)), ("Placed by", hold.placed_by), ("Placed", london(hold.placed_at))],
            }
            for hold in standing
        ]
        may = by.has(*PLACERS)
        return self._desk.page(request, "holds.html", title="Stop all posts", rows=rows, may_place=may)

    async def new(self, request: Request, by: Visitor, draft: UUID | None = None) -> Response:
        require(by, *PLACERS)
        typed = TypedHold(TypedTime("starts"), TypedTime("ends"), what=f"draft:{draft}" if draft else "")
        return await self._form(request, by, typed, FieldErrors())

    async def _form(self, request: Request, by: Visitor, typed: TypedHold, errors: FieldErrors, status: int = 200) -> Response:
        items = await self._choices(by, typed.what)
        return self._desk.page(
            request,
            "hold_new.html",
            status,
            title="Stop posts",
            errors=errors,
            typed=typed,
            items=items,
            back={"text": "Back to the holds", "href": "/holds"},
        )

    async def _choices(self, by: Visitor, what: str) -> list[dict[str, Any]]:
        """Everything first; the draft only where the person came from one."""
        items: list[dict[str, Any]] = [{"value": "all", "text": "Everything, on every account"}]
        async with self._desk.database.transaction() as session:
            if (draft_id := _draft_in(what)) is not None:
                view = await look(session, by=by, draft_id=draft_id)
                items.append({"value": what, "text": f"Only the draft “{view.purpose}”"})
            accounts = await accounts_to_choose(session)
        items.append({"divider": "or"})
        items += [{"value": f"platform:{name}", "text": everything_on(name)} for name in self._desk.limits]
        if accounts:
            items.append({"divider": "or"})
        items += [
            {"value": f"account:{a.id}", "text": account_on(a.name, a.platform), "hint": {"text": a.handle}} for a in accounts
        ]
        return items

    async def place(self, request: Request, by: Visitor, request_id: RequestId) -> Response:
        require(by, *PLACERS)
        typed = TypedHold.from_form(await request.form())
        try:
            scope, target, starts, ends = typed.checked()
            async with self._desk.database.transaction() as session:
                hold_id = await stop_posts(
                    session,
                    by=by,
                    scope=scope,
                    target=target,
                    reason=typed.reason,
                    starts_at=starts,
                    ends_at=ends,
                    request=request_id,
                )
        except BadInput as refusal:
            errors = FieldErrors.from_refusal(refusal, {"target": "what", "ends_at": "ends-day", "starts_at": "starts-day"})
            return await self._form(request, by, typed, errors, 422)
        session_of(request).flash("The hold is planned." if starts else "The hold stands. Nothing more is sent in its scope.")
        return RedirectResponse(f"/holds/{hold_id}", 303)

    async def hold(self, request: Request, by: Visitor, hold_id: UUID, updating: str = "yes") -> Response:
        async with self._desk.database.transaction() as session:
            seen = await follow(session, by=by, hold_id=hold_id)
            asked = await lift_asked(session, hold_id)
        view = _view(seen, asked, by.has(*PLACERS), updating=updating != "no")
        page = self._desk.page(
            request, "hold.html", title=title_of(seen.hold), view=view, back={"text": "Back to the holds", "href": "/holds"}
        )
        if view["refresh"]:
            # A header, for a page that is read without scripts too; its link stops it (WCAG 2.2.2).
            page.headers["refresh"] = f"{view['refresh']}; url=/holds/{hold_id}"
        return page


def _view(seen: Following, asked: Proposal | None, may_lift: bool, *, updating: bool) -> dict[str, Any]:
    here = f"/holds/{seen.hold.id}"
    seconds = FOLLOW_SECONDS if seen.moving else UNKNOWN_SECONDS if seen.unsettled else 0
    return {
        "span": span_in_words(seen.hold),
        "over": seen.hold.over,
        "facts": hold_facts(seen.hold),
        "flight": flight_sentence(seen),
        "in_flight": [followed_line(one) for one in seen.in_flight],
        "stopped": [waiting_line(one) for one in seen.stopped],
        "stopped_count": seen.stopped_count,
        "waiting": [waiting_line(one) for one in seen.waiting],
        "waiting_count": seen.waiting_count,
        "shown": SHOWN,
        "refresh": seconds if updating and seen.hold.stands else 0,
        "paused": bool(seconds) and not updating,
        "here": here,
        "lift": f"{here}/lift" if may_lift and not seen.hold.over else None,
        "lift_text": ("See who asked to lift it" if asked else "Lift it" if seen.hold.stands else "Take it back"),
        "asked": f"{asked.asked_by_name} asked to lift it, and it waits for a second person." if asked else None,
    }


def _draft_in(what: str) -> UUID | None:
    scope, _, target = what.partition(":")
    try:
        return UUID(target) if scope == "draft" else None
    except ValueError:
        return None


def hold_routes(desk: Desk) -> APIRouter:
    pages = HoldPages(desk)
    router = APIRouter()
    router.add_api_route("/holds", pages.holds, methods=["GET"], response_model=None)
    router.add_api_route("/holds/new", pages.new, methods=["GET"], response_model=None)
    router.add_api_route("/holds/new", pages.place, methods=["POST"], response_model=None)
    router.add_api_route("/holds/{hold_id}", pages.hold, methods=["GET"], response_model=None)
    router.include_router(lifting_routes(desk))
    return router
