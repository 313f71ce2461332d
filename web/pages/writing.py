"""The write form: a new draft, or another version of one. Whatever is refused, what was typed comes back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import Window
from core.domain.people import Person
from core.domain.refusals import AlreadySent, BadInput, DraftChanged, Several, TooLarge
from core.domain.standing import Standing
from core.use_cases.access import require
from core.use_cases.drafting import WRITERS, Saved, create_draft, save_draft
from core.use_cases.looking import look
from core.use_cases.versions import accounts_to_choose, editable
from web.desk import Desk, PersonalShelf, RequestId, Visitor
from web.draft_views import previews_in
from web.errors import FieldErrors
from web.forms import MOST_IMAGES, TypedDraft, source_of, typed_draft
from web.pages.targets import TypedTargets
from web.session import session_of
from web.words import platform_name, where_posted

_IDS = {
    "window_start": "window_start-day",
    "window_end": "window_end-day",
    "publish_at": "publish-day",
    "target": "target_address",
}
_VOIDS = (
    "Changing anything but the publish time makes a new version. The submission then ends, every authorisation given so far "
    "counts for nothing, and the new version has to be submitted again."
)
_UNDER_WAY = {Standing.AWAITING, Standing.AUTHORISED, Standing.NEEDS_NEW_TIME}


class Account(Protocol):
    """An account people can choose, as `accounts_to_choose` gives it."""

    @property
    def id(self) -> UUID: ...

    @property
    def platform(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def handle(self) -> str: ...


class WritingPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._targets = TypedTargets(desk)

    async def new(self, request: Request, by: Visitor) -> Response:
        require(by, *WRITERS)
        tomorrow = (self._desk.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
        typed = TypedDraft.blank(Window(tomorrow, tomorrow + timedelta(hours=8)), tomorrow + timedelta(minutes=30))
        return await self._form(request, typed, **_new_form())

    async def create(self, request: Request, by: Visitor, request_id: RequestId) -> Response:
        typed, refused = await self._typed(await self._read(request), by)
        try:
            source, publish_at = source_of(typed, refused)
            async with self._desk.database.transaction() as session:
                saved = await create_draft(session, by=by, source=source, publish_at=publish_at, request=request_id)
        except BadInput as refusal:
            return await self._again(request, typed, refusal, **_new_form())
        return RedirectResponse(f"/drafts/{saved.draft_id}/check", 303)

    async def edit(self, request: Request, by: Visitor, draft_id: UUID) -> Response:
        async with self._desk.database.transaction() as session:
            source, publish_at, version = await editable(session, by=by, draft_id=draft_id)
            view = await look(session, by=by, draft_id=draft_id)
        # Before anything is typed that could not be saved.
        require(by, *WRITERS)
        if "edit" not in view.may:
            raise AlreadySent()
        counts = " ".join(preview.count for preview in previews_in(view))
        warning = _VOIDS if view.standing in _UNDER_WAY else None
        typed = await self._targets.filled(by, TypedDraft.of(source, publish_at), source.target)
        return await self._form(request, typed, **_edit_form(draft_id, version), counts=counts, warning=warning)

    async def save(self, request: Request, by: Visitor, draft_id: UUID, request_id: RequestId) -> Response:
        form = await self._read(request)
        typed, refused = await self._typed(form, by)
        based_on = str(form.get("based_on") or "")
        version = int(based_on) if based_on.isdecimal() and len(based_on) < 9 else 0
        try:
            source, publish_at = source_of(typed, refused)
            async with self._desk.database.transaction() as session:
                saved = await save_draft(
                    session,
                    by=by,
                    draft_id=draft_id,
                    seen_version=version,
                    source=source,
                    publish_at=publish_at,
                    request=request_id,
                )
        except BadInput as refusal:
            return await self._again(request, typed, refusal, **_edit_form(draft_id, version))
        except DraftChanged:
            return await self._overtaken(request, by, draft_id, typed)
        session_of(request).flash(_saved_sentence(saved), good=saved.changed or saved.rescheduled)
        return RedirectResponse(f"/drafts/{draft_id}/check" if saved.changed else f"/drafts/{draft_id}", 303)

    async def _overtaken(self, request: Request, by: Person, draft_id: UUID, typed: TypedDraft) -> Response:
        """Somebody else saved first: nothing was saved, the words typed are still here, and saving again is a new choice."""
        async with self._desk.database.transaction() as session:
            view = await look(session, by=by, draft_id=draft_id)
        sentence = (
            f"{view.saved_by} saved version {view.version} while you were writing, so nothing of yours was saved. "
            "Look at the draft as it is now. If you save again, what stands below replaces it."
        )
        errors = FieldErrors((("form", sentence),))
        return await self._form(request, typed, errors=errors, status=409, **_edit_form(draft_id, view.version))

    async def _typed(self, form: FormData, by: Person) -> tuple[TypedDraft, list[BadInput]]:
        typed, refused = await typed_draft(form, PersonalShelf(self._desk, by))
        typed, more = await self._targets.asked(by, typed)
        return typed, [*refused, *more]

    async def _read(self, request: Request) -> FormData:
        return await request.form(max_files=2 * MOST_IMAGES, max_fields=100)

    async def _again(self, request: Request, typed: TypedDraft, refusal: BadInput, **form: Any) -> Response:
        """The form once more, with everything typed and what is wrong beside its field."""
        shared = {f"text-{platform}": "text" for platform in self._desk.limits if not typed.override(platform)}
        errors = FieldErrors.from_refusal(refusal, {**_IDS, **shared})
        each = refusal.refusals if isinstance(refusal, Several) else [refusal]
        status = 413 if any(isinstance(one, TooLarge) for one in each) else 422
        return await self._form(request, typed, errors=errors, status=status, **form)

    async def _form(self, request: Request, typed: TypedDraft, **context: Any) -> Response:
        async with self._desk.database.transaction() as session:
            accounts = await accounts_to_choose(session)
            captured = await self._targets.shown(session, request, typed)
        limits = ", ".join(f"{where_posted(name)} {limit:,}" for name, limit in self._desk.limits.items())
        values: dict[str, Any] = {
            "typed": typed,
            "errors": FieldErrors(),
            "account_items": _items(accounts),
            "platforms": sorted({account.platform for account in accounts}, key=platform_name),
            "limits": f"The most characters each platform takes: {limits}.",
            "more_images_open": len(typed.slots) > 1,
            "captured": captured,
            **context,
        }
        return self._desk.page(request, "write.html", **values)


def _items(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    return [
        {"value": str(account.id), "text": account.name, "hint": {"text": f"{account.handle}, {where_posted(account.platform)}"}}
        for account in accounts
    ]


def _new_form() -> dict[str, Any]:
    return {"title": "Write a draft", "action": "/drafts/new", "based_on": None, "cancel": "/drafts"}


def _edit_form(draft_id: UUID, version: int) -> dict[str, Any]:
    here = f"/drafts/{draft_id}"
    return {
        "title": "Edit the draft",
        "caption": f"Version {version}",
        "action": f"{here}/edit",
        "based_on": version,
        "cancel": here,
        "back": {"text": "Back to the draft", "href": here},
    }


def _saved_sentence(saved: Saved) -> str:
    if saved.changed:
        return f"Saved as version {saved.version}."
    if saved.rescheduled:
        return "The publish time was changed. Nothing else changed, so every authorisation still stands."
    return "Nothing was changed, so there is no new version and every authorisation still stands."


def writing_routes(desk: Desk) -> APIRouter:
    pages = WritingPages(desk)
    router = APIRouter()
    router.add_api_route("/drafts/new", pages.new, methods=["GET"], response_model=None)
    router.add_api_route("/drafts/new", pages.create, methods=["POST"], response_model=None)
    router.add_api_route("/drafts/{draft_id}/edit", pages.edit, methods=["GET"], response_model=None)
    router.add_api_route("/drafts/{draft_id}/edit", pages.save, methods=["POST"], response_model=None)
    return router
