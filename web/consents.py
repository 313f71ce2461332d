"""A consent under way: its addresses, and what this browser's session remembers of it."""

import secrets
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from core.use_cases.connecting import ConnectionSeen, Found
from core.use_cases.consent_refusals import ConsentDenied
from web.desk import Desk
from web.session import session_of

_BROWSER, _STATE = "connecting_browser", "connecting_state"


def start_of(account_id: UUID) -> str:
    return f"/accounts/{account_id}/connect"


def not_connected(desk: Desk, request: Request, denied: ConsentDenied) -> Response:
    """The platform's no, and the ways on from it."""
    account = {"text": "Back to the account", "href": f"/accounts/{denied.account_id}"}
    links = [{"text": "Start again", "href": start_of(denied.account_id)}, account]
    return desk.page(request, "message.html", 422, title="This was not connected", sentences=[str(denied)], links=links)


def page_of(seen: ConnectionSeen) -> str:
    return f"/accounts/connect/{seen.id}"


def named(handle: str, found: Found) -> str:
    return f"{handle}, number {found.platform_account_id}" if handle else f"Number {found.platform_account_id}"


def browser_of(request: Request) -> str:
    """A name of this browser's session, gone with the next sign-in: a consent counts only in the session that began it."""
    name: str = session_of(request).setdefault(_BROWSER, secrets.token_urlsafe(24))
    return name


def state_of(request: Request, account_id: UUID) -> str | None:
    kept = session_of(request).get(_STATE) or {}
    return str(kept["state"]) if kept.get("account") == str(account_id) else None


def keep_state(request: Request, account_id: UUID, state: str) -> None:
    session_of(request)[_STATE] = {"account": str(account_id), "state": state}


def forget_state(request: Request) -> None:
    session_of(request).pop(_STATE, None)
