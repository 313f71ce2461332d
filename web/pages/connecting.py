"""Connecting an account: back from the platform's consent page (see leaving.py), its code sealed at once, a colleague asked.

No form leads away from here: the browser goes on by a Refresh header, so the content security policy stays as it is.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput, Conflict, StepUpNeeded
from core.use_cases.account_changes import ask_to_connect
from core.use_cases.accounts import AccountSeen, see_account
from core.use_cases.connecting import (
    ConnectionSeen,
    connection_status,
    end_denied,
    offer_app_password,
    receive_code,
)
from core.use_cases.consent_refusals import ConsentDenied
from web.account_views import account_facts
from web.consents import browser_of, forget_state, named, not_connected, page_of, start_of, state_of
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.pages.leaving import LeavingPages, account_to_connect
from web.proving import prove_again, typed_before
from web.session import session_of
from web.sign_in import CONSENT_CALLBACK
from web.words import account_on

EXCHANGED_WITHIN_SECONDS = 2


class ConnectingPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._leaving = LeavingPages(desk)

    async def start(self, request: Request, by: Visitor, account_id: UUID) -> Response:
        account = await account_to_connect(self._desk, by, account_id)
        if account.kind == "by_hand":
            return self._ask_page(request, account, None, typed_before(request, start_of(account_id)), FieldErrors())
        return self._leaving.start_page(request, account, FieldErrors())

    async def password_form(self, request: Request, by: Visitor, account_id: UUID) -> Response:
        account = await account_to_connect(self._desk, by, account_id)
        if state_of(request, account_id) is None:
            return RedirectResponse(start_of(account_id), 303)
        return self._password_page(request, account, account.handle, FieldErrors())

    def _password_page(
        self, request: Request, account: AccountSeen, identifier: str, errors: FieldErrors, status: int = 200
    ) -> Response:
        return self._desk.page(
            request,
            "app_password.html",
            status,
            title=f"Enter an app password of {account.platform_label}",
            errors=errors,
            typed={"identifier": identifier},
            action=f"{start_of(account.id)}/app-password",
            back={"text": "Back to the account", "href": f"/accounts/{account.id}"},
        )

    async def password(self, request: Request, by: Visitor, account_id: UUID) -> Response:
        """The password is sealed and forgotten: it is never shown again, not even when something must be put right."""
        form = await request.form()
        identifier = tidied(str(form.get("identifier") or ""))
        try:
            async with self._desk.database.transaction() as session:
                connection_id = await offer_app_password(
                    session,
                    by=by,
                    browser=browser_of(request),
                    state=state_of(request, account_id) or "",
                    identifier=identifier,
                    app_password=str(form.get("app_password") or ""),
                )
        except BadInput as refusal:
            account = await account_to_connect(self._desk, by, account_id)
            return self._password_page(request, account, identifier, FieldErrors.from_refusal(refusal), 422)
        forget_state(request)
        return RedirectResponse(f"/accounts/connect/{connection_id}", 303)

    async def callback(self, request: Request, by: Visitor) -> Response:
        """The code is sealed to the worker and leaves the address at once."""
        try:
            async with self._desk.database.transaction() as session:
                browser, answer = browser_of(request), dict(request.query_params)
                connection_id = await receive_code(session, by=by, browser=browser, answer=answer)
        except ConsentDenied as denied:
            async with self._desk.database.transaction() as session:
                await end_denied(session, by=by, denied=denied)
            return not_connected(self._desk, request, denied)
        return RedirectResponse(f"/accounts/connect/{connection_id}", 303)

    async def connection(self, request: Request, by: Visitor, connection_id: UUID) -> Response:
        seen, account = await self._connection(by, connection_id)
        if seen.status == "found":
            return self._ask_page(request, account, seen, typed_before(request, page_of(seen)), FieldErrors())
        exchanging = seen.status in ("begun", "exchanging")
        page = self._desk.page(
            request,
            "exchanging.html",
            title="Being connected" if exchanging else "This was not connected" if seen.status == "failed" else "Connected",
            exchanging=exchanging,
            note=seen.note,
            here=page_of(seen),
            again=start_of(account.id),
            account=f"/accounts/{account.id}",
            platform=account.platform_label,
        )
        if exchanging:
            page.headers["refresh"] = f"{EXCHANGED_WITHIN_SECONDS}; url={page_of(seen)}"
        return page

    async def _connection(self, by: Visitor, connection_id: UUID) -> tuple[ConnectionSeen, AccountSeen]:
        async with self._desk.database.transaction() as session:
            seen = await connection_status(session, by=by, connection_id=connection_id)
            return seen, await see_account(session, by=by, account_id=seen.account_id)

    def _ask_page(
        self,
        request: Request,
        account: AccountSeen,
        seen: ConnectionSeen | None,
        typed: Mapping[str, Any],
        errors: FieldErrors,
        status: int = 200,
    ) -> Response:
        found = seen.found if seen else ()
        view = {
            "caption": account_on(account.name, account.platform),
            "facts": account_facts(account),
            "action": page_of(seen) if seen else f"{start_of(account.id)}/by-hand",
            "choices": [
                {"value": one.platform_account_id, "text": one.name or one.handle, "hint": {"text": named(one.handle, one)}}
                for one in found
            ],
            "by_hand": seen is None,
            "back": f"/accounts/{account.id}",
        }
        chosen = typed.get("chosen") or (found[0].platform_account_id if len(found) == 1 else "")
        values = {"chosen": chosen, "reason": typed.get("reason", "")}
        return self._desk.page(
            request, "connect_ask.html", status, title="Ask a colleague to confirm", errors=errors, typed=values, view=view
        )

    async def ask(self, request: Request, by: Visitor, connection_id: UUID, request_id: RequestId) -> Response:
        seen, account = await self._connection(by, connection_id)
        return await self._asked(request, by, account, seen, request_id)

    async def ask_by_hand(self, request: Request, by: Visitor, account_id: UUID, request_id: RequestId) -> Response:
        return await self._asked(request, by, await account_to_connect(self._desk, by, account_id), None, request_id)

    async def _asked(
        self, request: Request, by: Visitor, account: AccountSeen, seen: ConnectionSeen | None, request_id: str
    ) -> Response:
        form = await request.form()
        typed = {name: tidied(str(form.get(name) or "")) for name in ("chosen", "reason")}
        try:
            async with self._desk.database.transaction() as session:
                await ask_to_connect(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    account_id=account.id,
                    reason=typed["reason"],
                    connection_id=seen.id if seen else None,
                    platform_account_id=typed["chosen"],
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, page_of(seen) if seen else start_of(account.id), typed)
        except BadInput as refusal:
            errors = FieldErrors.from_refusal(refusal, {"platform_account_id": "chosen"})
            return self._ask_page(request, account, seen, typed, errors, 422)
        except Conflict as refusal:
            return self._ask_page(request, account, seen, typed, FieldErrors((("form", str(refusal)),)), 409)
        session_of(request).flash("Asked. Nothing is posted there until another account manager confirms.")
        return RedirectResponse(f"/accounts/{account.id}", 303)


def connecting_routes(desk: Desk) -> APIRouter:
    pages, leaving = ConnectingPages(desk), LeavingPages(desk)
    router = APIRouter()
    for method, path, page in (
        ("GET", CONSENT_CALLBACK, pages.callback),
        ("GET", "/accounts/connect/{connection_id}", pages.connection),
        ("POST", "/accounts/connect/{connection_id}", pages.ask),
        ("GET", "/accounts/{account_id}/connect", pages.start),
        ("POST", "/accounts/{account_id}/connect", leaving.begin),
        ("GET", "/accounts/{account_id}/connect/waiting", leaving.waiting),
        ("GET", "/accounts/{account_id}/connect/app-password", pages.password_form),
        ("POST", "/accounts/{account_id}/connect/app-password", pages.password),
        ("POST", "/accounts/{account_id}/connect/by-hand", pages.ask_by_hand),
    ):
        router.add_api_route(path, page, methods=[method], response_model=None)
    return router
