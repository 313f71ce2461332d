"""X's consent page and OAuth 2.0 endpoints (docs.x.com): PKCE, Basic, single-use refresh tokens, its own words."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from integrations.sandbox.platforms.authorisation.server import ConsentServer
from integrations.sandbox.platforms.authorisation.store import Grant
from integrations.sandbox.platforms.x_words import unauthorised


class XConsent(ConsentServer):
    label = "X"
    authorize_path = "/i/oauth2/authorize"
    token_path = "/2/oauth2/token"  # noqa: S105 - an address
    revoke_path = "/2/oauth2/revoke"
    pkce_required = True
    basic_only = True
    access_seconds = 7200
    refresh_seconds = 180 * 86_400
    words: Mapping[str, tuple[int, dict[str, Any]]] = {
        "client": (401, {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}),
        "code": (
            400,
            {"error": "invalid_request", "error_description": "Value passed for the authorization code was invalid."},
        ),
        "refresh": (400, {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}),
        "grant": (400, {"error": "unsupported_grant_type"}),
    }

    def add_routes(self, routes: APIRouter) -> None:
        routes.add_api_route("/2/users/me", self.me, methods=["GET"])

    async def me(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        data: dict[str, Any] = {"id": account.account_id, "name": account.name, "username": account.handle}
        return JSONResponse({"data": data})

    def revoked(self) -> Response:
        return JSONResponse({"revoked": True})

    def dead(self, grant: Grant) -> Response:
        return unauthorised()
