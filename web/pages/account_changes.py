"""Disconnecting an account, and what a second person confirms of it (paragraphs 36 and 38)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.people import Role
from core.domain.refusals import BadInput, NotFound, StepUpNeeded
from core.use_cases.access import require
from core.use_cases.account_changes import (
    CONNECT,
    NotConnected,
    ask_to_disconnect,
    confirm_connect,
    confirm_disconnect,
    take_back_account_proposal,
)
from core.use_cases.accounts import AccountSeen, see_account
from core.use_cases.second_person import NothingToConfirm, Proposal
from web.account_views import account_facts
from web.desk import Desk, RequestId, Visitor
from web.draft_views import Fact
from web.errors import FieldErrors
from web.proving import prove_again, typed_before
from web.second_person import proposal_facts
from web.session import session_of

_ENDS = "Posts that are scheduled there then wait for people. Its token is revoked at the platform and destroyed here."


class AccountChangePages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _account(self, by: Visitor, account_id: UUID) -> AccountSeen:
        require(by, Role.ACCOUNT_MANAGER)
        async with self._desk.database.transaction() as session:
            return await see_account(session, by=by, account_id=account_id)

    async def disconnect(self, request: Request, by: Visitor, account_id: UUID) -> Response:
        account = await self._account(by, account_id)
        if account.status != "connected":
            raise NotConnected()
        reason = str(typed_before(request, f"/accounts/{account_id}/disconnect").get("reason", ""))
        return self._disconnect_page(request, account, reason, FieldErrors())

    def _disconnect_page(
        self, request: Request, account: AccountSeen, reason: str, errors: FieldErrors, status: int = 200
    ) -> Response:
        here = f"/accounts/{account.id}"
        view: dict[str, Any] = {
            "caption": f"{account.name} on {account.platform_label}",
            "sentences": ["It takes two people: you ask, and another account manager confirms.", _ENDS],
            "action": f"{here}/disconnect",
            "button": "Ask a second person to disconnect it",
            "button_classes": "govuk-button--warning",
            "back": here,
        }
        typed = {"reason": reason}
        return self._desk.page(
            request, "ask.html", status, title="Disconnect this account", errors=errors, typed=typed, view=view
        )

    async def ask_disconnect(self, request: Request, by: Visitor, account_id: UUID, request_id: RequestId) -> Response:
        reason = tidied(str((await request.form()).get("reason") or ""))
        try:
            async with self._desk.database.transaction() as session:
                await ask_to_disconnect(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    account_id=account_id,
                    reason=reason,
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, f"/accounts/{account_id}/disconnect", {"reason": reason})
        except BadInput as refusal:
            account = await self._account(by, account_id)
            return self._disconnect_page(request, account, reason, FieldErrors.from_refusal(refusal), 422)
        session_of(request).flash("Asked. The account stays connected until a second person confirms.")
        return RedirectResponse(f"/accounts/{account_id}", 303)

    async def proposal(self, request: Request, by: Visitor, account_id: UUID, proposal_id: UUID) -> Response:
        """What the second person reads: which account of the platform, who asked, why."""
        account = await self._account(by, account_id)
        asked = next((one for one in account.waiting if one.id == proposal_id), None)
        if asked is None:
            raise NotFound()
        here = f"/accounts/{account_id}/proposals/{proposal_id}"
        connects = asked.kind == CONNECT
        view = {
            "caption": f"{account.name} on {account.platform_label}",
            "sentences": ["From your confirmation on, authorised posts go there."] if connects else [_ENDS],
            "facts": [*account_facts(account), *(_found(asked) if connects else []), *proposal_facts(asked)],
            "proposal": proposal_id,
            "cannot": "You asked for this, so somebody else must confirm it." if asked.asked_by == by.id else None,
            "confirm": f"{here}/confirm",
            "confirm_text": "Connect the account" if connects else "Disconnect the account",
            "take_back": f"{here}/take-back",
            "take_back_text": "Do not connect it" if connects else "Leave it connected",
            "warning": "Make sure that this is the department’s own account, and nobody’s personal one (paragraph 38)."
            if connects
            else f"You disconnect it together with {asked.asked_by_name}.",
            "back": f"/accounts/{account_id}",
        }
        title = "Confirm this connection" if connects else "Confirm that it is disconnected"
        return self._desk.page(request, "second_person.html", title=title, view=view)

    async def confirm(
        self, request: Request, by: Visitor, account_id: UUID, proposal_id: UUID, request_id: RequestId
    ) -> Response:
        account = await self._account(by, account_id)
        asked = next((one for one in account.waiting if one.id == proposal_id), None)
        if asked is None:
            raise NothingToConfirm()
        connects = asked.kind == CONNECT
        act = confirm_connect if connects else confirm_disconnect
        auth_time = session_of(request).auth_time
        try:
            async with self._desk.database.transaction() as session:
                await act(session, by=by, authenticated_at=auth_time, proposal_id=proposal_id, request=request_id)
        except StepUpNeeded:
            return prove_again(request, f"/accounts/{account_id}/proposals/{proposal_id}")
        done = "It is connected. Authorised posts go there from now on." if connects else "It is disconnected."
        session_of(request).flash(done)
        return RedirectResponse(f"/accounts/{account_id}", 303)

    async def take_back(
        self, request: Request, by: Visitor, account_id: UUID, proposal_id: UUID, request_id: RequestId
    ) -> Response:
        async with self._desk.database.transaction() as session:
            await take_back_account_proposal(session, by=by, proposal_id=proposal_id, request=request_id)
        session_of(request).flash("It was taken back. Nothing was changed.")
        return RedirectResponse(f"/accounts/{account_id}", 303)


def _found(asked: Proposal) -> list[Fact]:
    """What the consent opened, as the platform names it."""
    found = asked.detail
    facts = [Fact("The consent opens", str(found.get("name") or found.get("handle") or ""))]
    facts.append(Fact("Its name on the platform", str(found.get("handle") or "The platform gives none")))
    facts.append(Fact("Its number on the platform", str(found.get("platform_account_id") or "")))
    return facts


def account_change_routes(desk: Desk) -> APIRouter:
    pages = AccountChangePages(desk)
    router = APIRouter(prefix="/accounts/{account_id}")
    router.add_api_route("/disconnect", pages.disconnect, methods=["GET"], response_model=None)
    router.add_api_route("/disconnect", pages.ask_disconnect, methods=["POST"], response_model=None)
    router.add_api_route("/proposals/{proposal_id}", pages.proposal, methods=["GET"], response_model=None)
    router.add_api_route("/proposals/{proposal_id}/confirm", pages.confirm, methods=["POST"], response_model=None)
    router.add_api_route("/proposals/{proposal_id}/take-back", pages.take_back, methods=["POST"], response_model=None)
    return router
