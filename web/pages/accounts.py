"""The register of official accounts: the list with its health, one account, and putting one into the register."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.refusals import BadInput, NotFound
from core.use_cases.access import require
from core.use_cases.accounts import AccountSeen, AccountTaken, list_accounts, register_account, see_account
from core.use_cases.alarms import READERS, Watch, set_watch, watch_of
from core.use_cases.connecting import introduce
from core.use_cases.people import people_to_name
from core.use_cases.ways import WAYS, Way
from web.account_views import PROPOSALS, account_facts, account_row, health_facts, status_of, warning_of, watch_facts
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.pages.account_changes import account_change_routes
from web.session import session_of
from web.words import account_on


@dataclass(frozen=True)
class TypedAccount:
    """The register form as typed."""

    handle: str = ""
    name: str = ""
    owner_team: str = ""
    server: str = ""
    releaser: str = ""
    official: str = ""

    @classmethod
    def from_form(cls, form: FormData) -> "TypedAccount":
        return cls(**{name: tidied(str(form.get(name) or "")) for name in cls.__dataclass_fields__})

    @property
    def releaser_id(self) -> UUID | None:
        try:
            return UUID(self.releaser)
        except ValueError:
            return None


class AccountPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def accounts(self, request: Request, by: Visitor) -> Response:
        async with self._desk.database.transaction() as session:
            found = await list_accounts(session, by=by)
        return self._desk.page(
            request,
            "accounts.html",
            title="Accounts",
            rows=[account_row(account, self._desk.now()) for account in found],
            may_register=by.has(Role.ACCOUNT_MANAGER),
        )

    async def account(self, request: Request, by: Visitor, account_id: UUID) -> Response:
        return await self._account_page(request, by, account_id, FieldErrors())

    async def _account_page(
        self,
        request: Request,
        by: Visitor,
        account_id: UUID,
        errors: FieldErrors,
        *,
        every: str | None = None,
        status: int = 200,
    ) -> Response:
        async with self._desk.database.transaction() as session:
            account = await see_account(session, by=by, account_id=account_id)
            watch = await watch_of(session, by=by, account_id=account_id) if by.has(*READERS) else None
        if account.kind == "by_hand":
            watch = None  # people post there, and nothing can be read
        view = _account_view(account, watch, by, self._desk.now())
        typed = {"every": every if every is not None or watch is None else str(watch.every_seconds)}
        title = account_on(account.name, account.platform)
        back = {"text": "Back to the accounts", "href": "/accounts"}
        return self._desk.page(request, "account.html", status, title=title, errors=errors, typed=typed, view=view, back=back)

    async def watch(self, request: Request, by: Visitor, account_id: UUID, request_id: RequestId) -> Response:
        every = tidied(str((await request.form()).get("every") or ""))
        try:
            async with self._desk.database.transaction() as session:
                await set_watch(session, by=by, account_id=account_id, every=_seconds(every), request=request_id)
        except BadInput as refusal:
            return await self._account_page(request, by, account_id, FieldErrors.from_refusal(refusal), every=every, status=422)
        session_of(request).flash(f"Its posts are read every {int(every)} seconds from now on.")
        return RedirectResponse(f"/accounts/{account_id}", 303)

    async def new(self, request: Request, by: Visitor, platform: str | None = None) -> Response:
        require(by, Role.ACCOUNT_MANAGER)
        if platform is None:
            items = [{"value": way.platform, "text": way.label} for way in WAYS.values()]
            back = {"text": "Back to the accounts", "href": "/accounts"}
            return self._desk.page(request, "account_platform.html", title="Register an account", items=items, back=back)
        return await self._form(request, _way(platform), TypedAccount(), FieldErrors())

    async def _form(self, request: Request, way: Way, typed: TypedAccount, errors: FieldErrors, status: int = 200) -> Response:
        people: list[dict[str, str]] = []
        if way.kind == "by_hand":
            async with self._desk.database.transaction() as session:
                people = [{"value": str(one.id), "text": one.name} for one in await people_to_name(session)]
        return self._desk.page(
            request,
            "account_new.html",
            status,
            title="Register an account",
            errors=errors,
            typed=typed,
            way=asdict(way),
            people=[{"value": "", "text": "Choose a person"}, *people],
            back={"text": "Choose another platform", "href": "/accounts/new"},
        )

    async def register(self, request: Request, by: Visitor, request_id: RequestId, platform: str = "") -> Response:
        require(by, Role.ACCOUNT_MANAGER)
        way, typed = _way(platform), TypedAccount.from_form(await request.form())
        try:
            async with self._desk.database.transaction() as session:
                account_id = await register_account(
                    session,
                    by=by,
                    platform=platform,
                    handle=typed.handle,
                    name=typed.name,
                    owner_team=typed.owner_team,
                    official=typed.official == "yes",
                    server=typed.server,
                    releaser_id=typed.releaser_id,
                    sandbox=self._desk.sandbox,
                    request=request_id,
                )
        except BadInput as refusal:
            return await self._form(request, way, typed, FieldErrors.from_refusal(refusal), 422)
        except AccountTaken as refusal:
            return await self._form(request, way, typed, FieldErrors((("handle", str(refusal)),)), 409)
        async with self._desk.database.transaction() as session:
            await introduce(session, by=by, account_id=account_id, consent=self._desk.consent)
        session_of(request).flash("Registered. Connect it now; a second person then confirms.")
        return RedirectResponse(f"/accounts/{account_id}", 303)


def _way(platform: str) -> Way:
    if platform not in WAYS:
        raise NotFound()
    return WAYS[platform]


def _seconds(typed: str) -> timedelta:
    """What is no number of seconds is no time that may be set."""
    return timedelta(seconds=int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 0)


def _account_view(account: AccountSeen, watch: Watch | None, by: Person, now: datetime) -> dict[str, Any]:
    here, manages = f"/accounts/{account.id}", by.has(Role.ACCOUNT_MANAGER)
    return {
        "status": status_of(account),
        "warning": warning_of(account, now),
        "facts": account_facts(account),
        "health": health_facts(account),
        "actions": _actions(account, here) if manages else [],
        "waiting": [
            {
                "text": f"{PROPOSALS.get(one.kind, one.kind)}: {one.asked_by_name} asked, and a second person must confirm.",
                "href": f"{here}/proposals/{one.id}" if manages else None,
            }
            for one in account.waiting
        ],
        "watch": watch_facts(watch) if watch else [],
        "set_watch": f"{here}/watch" if watch and manages else None,
    }


def _actions(account: AccountSeen, here: str) -> list[dict[str, str]]:
    again = "Connect it again" if account.platform_account_id else "Connect it"
    connect = {"href": f"{here}/connect", "text": "Ask for it to be connected" if account.kind == "by_hand" else again}
    if account.status != "connected":
        return [connect]
    disconnect = {"href": f"{here}/disconnect", "text": "Disconnect it"}
    return [disconnect] if account.kind == "by_hand" else [connect, disconnect]


def account_routes(desk: Desk) -> APIRouter:
    pages = AccountPages(desk)
    router = APIRouter()
    router.add_api_route("/accounts", pages.accounts, methods=["GET"], response_model=None)
    router.add_api_route("/accounts/new", pages.new, methods=["GET"], response_model=None)
    router.add_api_route("/accounts/new", pages.register, methods=["POST"], response_model=None)
    router.add_api_route("/accounts/{account_id}", pages.account, methods=["GET"], response_model=None)
    router.add_api_route("/accounts/{account_id}/watch", pages.watch, methods=["POST"], response_model=None)
    router.include_router(account_change_routes(desk))
    return router
