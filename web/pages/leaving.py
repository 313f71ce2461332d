"""On to the platform's consent page; where a server does not know this service yet, that is waited for first."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.people import Role
from core.domain.refusals import Conflict, StepUpNeeded
from core.use_cases.access import require
from core.use_cases.accounts import AccountSeen, see_account
from core.use_cases.connecting import begin_connecting, introduce
from core.use_cases.consent_refusals import ServerAsked
from web.account_views import account_facts
from web.consents import browser_of, keep_state, start_of
from web.desk import Desk, RequestId, Visitor
from web.errors import FieldErrors
from web.proving import prove_again
from web.session import session_of, stash, unstash

INTRODUCED_WITHIN_SECONDS = 2


async def account_to_connect(desk: Desk, by: Visitor, account_id: UUID) -> AccountSeen:
    require(by, Role.ACCOUNT_MANAGER)
    async with desk.database.transaction() as session:
        return await see_account(session, by=by, account_id=account_id)


class LeavingPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def start_page(self, request: Request, account: AccountSeen, errors: FieldErrors, status: int = 200) -> Response:
        back = {"text": "Back to the account", "href": f"/accounts/{account.id}"}
        view = {
            "platform": account.platform_label,
            "facts": account_facts(account),
            "again": bool(account.platform_account_id),
            "password": account.kind == "app_password",
            "action": start_of(account.id),
        }
        return self._desk.page(request, "connect.html", status, title="Connect this account", errors=errors, view=view, back=back)

    async def begin(self, request: Request, by: Visitor, account_id: UUID, request_id: RequestId) -> Response:
        account = await account_to_connect(self._desk, by, account_id)
        async with self._desk.database.transaction() as session:
            await introduce(session, by=by, account_id=account_id, consent=self._desk.consent)
        return await self._on(request, by, account, request_id)

    async def waiting(self, request: Request, by: Visitor, account_id: UUID, request_id: RequestId) -> Response:
        """Looks again, and goes on by itself for whoever pressed Continue in this browser: a mere link begins nothing."""
        account = await account_to_connect(self._desk, by, account_id)
        if unstash(request, _waiting_at(account_id)) is None:
            return RedirectResponse(start_of(account_id), 303)
        return await self._on(request, by, account, request_id)

    async def _on(self, request: Request, by: Visitor, account: AccountSeen, request_id: str) -> Response:
        try:
            async with self._desk.database.transaction() as session:
                begun = await begin_connecting(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    account_id=account.id,
                    consent=self._desk.consent,
                    browser=browser_of(request),
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, start_of(account.id))
        except ServerAsked:
            return self._introducing(request, account)
        except Conflict as refusal:
            return self.start_page(request, account, FieldErrors((("form", str(refusal)),)), 409)
        if not begun.address:
            keep_state(request, account.id, begun.state)
            return RedirectResponse(f"{start_of(account.id)}/app-password", 303)
        label = account.platform_label
        page = self._desk.page(request, "leaving.html", title=f"On to {label}", address=begun.address, platform=label)
        page.headers["refresh"] = f"0; url={begun.address}"
        return page

    def _introducing(self, request: Request, account: AccountSeen) -> Response:
        here = _waiting_at(account.id)
        stash(request, here, {"account": str(account.id)})
        page = self._desk.page(
            request,
            "introducing.html",
            title="One moment",
            server=account.server,
            platform=account.platform_label,
            here=here,
            account=f"/accounts/{account.id}",
        )
        page.headers["refresh"] = f"{INTRODUCED_WITHIN_SECONDS}; url={here}"
        return page


def _waiting_at(account_id: UUID) -> str:
    return f"{start_of(account_id)}/waiting"
