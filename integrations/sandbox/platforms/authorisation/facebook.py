"""Facebook Login as a server: short and long-lived user tokens, Page tokens with their tasks, permissions taken back."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from integrations.sandbox.platforms.authorisation.server import ConsentServer
from integrations.sandbox.platforms.authorisation.store import Application, Grant

_USER, _USER_NAME = "122093345678901", "Sandbox Person"
_LONG_SECONDS = 60 * 86_400
_ALL_TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"]


def _words(message: str, code: int, subcode: int | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "sandbox"}
    return {"error": body | ({"error_subcode": subcode} if subcode else {})}


def _error(status: int, code: int, message: str, subcode: int | None = None) -> Response:
    return JSONResponse(_words(message, code, subcode), status)


class FacebookConsent(ConsentServer):
    label = "Facebook"
    authorize_path = "/{version}/dialog/oauth"
    token_path = "/{version}/oauth/access_token"  # noqa: S105 - an address
    revoke_path = "/_facebook_has_none"
    permissions = ("See the list of your Pages", "Read what your Pages published", "Publish on your Pages")
    question = "Which Pages?"
    several = True
    access_seconds = 5400
    default_grant = "authorization_code"
    denial: Mapping[str, str] = {
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error",
        "error_reason": "user_denied",
    }
    words: Mapping[str, tuple[int, dict[str, Any]]] = {
        "client": (400, _words("Error validating client secret.", 1)),
        "code": (400, _words("This authorization code has been used or has expired.", 100, 36009)),
        "grant": (400, _words("Invalid grant_type", 1)),
        "token": (401, _words("Invalid OAuth access token - Cannot parse access token", 190)),
    }

    def add_routes(self, routes: APIRouter) -> None:
        routes.add_api_route("/{version}/me", self.me, methods=["GET"])
        routes.add_api_route("/{version}/{user}/accounts", self.pages, methods=["GET"])
        routes.add_api_route("/{version}/{user}/permissions", self.take_back, methods=["DELETE"])

    def holder(self, chosen: tuple[str, ...]) -> str:
        return _USER

    def by_other(self, application: Application, form: Mapping[str, str]) -> Response:
        grant = self.tokens.find(form.get("fb_exchange_token", ""), "access", "long")
        if form.get("grant_type") != "fb_exchange_token":
            return self.refusal("grant")
        if grant is None or grant.client_id != application.client_id or not grant.live(self.house.clock()):
            return self.refusal("token")
        body = {"access_token": self.issue(grant, "long", _LONG_SECONDS), "token_type": "bearer"}
        return JSONResponse({**body, "expires_in": int(self.life("long", _LONG_SECONDS) or 0)})

    async def me(self, request: Request) -> Response:
        """The person, or the Page whose token asks."""
        grant = self.bearer(request, "access", "long", "page")
        if grant is None:
            return self.refusal("token")
        page = self.house.account(grant.accounts[0]) if grant.kind == "page" else None
        return JSONResponse({"id": page.account_id, "name": page.name} if page else {"id": grant.holder, "name": _USER_NAME})

    async def pages(self, request: Request, user: str) -> Response:
        """Each Page this person let the application use, with a token of its own that lasts if the person's does."""
        grant = self.bearer(request, "access", "long")
        if grant is None:
            return self.refusal("token")
        if user not in ("me", grant.holder):
            return _error(400, 100, "(#100) Unsupported get request.")
        data = []
        for account in self.house.accounts:
            if account.account_id in grant.accounts:
                page = replace(grant, accounts=(account.account_id,))
                seconds = None if grant.kind == "long" else self.access_seconds
                data.append(
                    {
                        "id": account.account_id,
                        "name": account.name,
                        "username": account.handle,
                        "tasks": _ALL_TASKS if account.may_post else ["ANALYZE"],
                        "access_token": self.issue(page, "page", seconds),
                    }
                )
        return JSONResponse({"data": data, "paging": {"cursors": {"before": "QVFI", "after": "QVFJ"}}})

    async def take_back(self, request: Request, user: str) -> Response:
        """By the person's token, or the application's own: `id|secret`."""
        grant = self.bearer(request, "access", "long")
        client_id, _, secret = request.headers.get("authorization", "").removeprefix("Bearer ").partition("|")
        application = self.tokens.application(client_id)
        known = application is not None and application.knows(secret)
        if grant is None and not known:
            return self.refusal("token")
        holder = grant.holder if grant and user == "me" else user
        if grant and holder != grant.holder:
            return _error(403, 200, "(#200) Permissions error")
        self.tokens.revoke_holder(holder, grant.client_id if grant else client_id, self.house.clock())
        return JSONResponse({"success": True})

    def dead(self, grant: Grant) -> Response:
        if grant.revoked_at is not None:
            words = "Error validating access token: The user has not authorized the application."
            return _error(401, 190, words, 458)
        ended = grant.ends_at or self.house.clock()
        words = f"Error validating access token: Session has expired on {re.sub(r'[+].*', '', ended.isoformat())}."
        return _error(401, 190, words, 463)
