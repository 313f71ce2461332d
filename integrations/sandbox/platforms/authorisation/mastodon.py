"""A Mastodon server's OAuth: applications register themselves, tokens do not expire (docs.joinmastodon.org)."""

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from integrations.sandbox.platforms.authorisation.server import ConsentServer
from integrations.sandbox.platforms.authorisation.store import Grant

_BAD_GRANT = {
    "error": "invalid_grant",
    "error_description": "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI "
    "used in the authorization request, or was issued to another client.",
}


class MastodonConsent(ConsentServer):
    label = "Mastodon"
    authorize_path = "/oauth/authorize"
    token_path = "/oauth/token"  # noqa: S105 - an address
    revoke_path = "/oauth/revoke"
    words: Mapping[str, tuple[int, dict[str, Any]]] = {
        "client": (401, {"error": "invalid_client", "error_description": "Client authentication failed."}),
        "code": (400, _BAD_GRANT),
        "refresh": (400, _BAD_GRANT),
        "grant": (400, {"error": "unsupported_grant_type"}),
    }
    denial: Mapping[str, str] = {
        "error": "access_denied",
        "error_description": "The resource owner or authorization server denied the request.",
    }

    def add_routes(self, routes: APIRouter) -> None:
        routes.add_api_route("/api/v1/apps", self.register, methods=["POST"])
        routes.add_api_route("/api/v1/accounts/verify_credentials", self.me, methods=["GET"])

    async def register(self, request: Request) -> Response:
        sent = await request.json() if "json" in request.headers.get("content-type", "") else dict(await request.form())
        name, addresses = str(sent.get("client_name", "")), str(sent.get("redirect_uris", "")).split()
        if not name or not addresses:
            return JSONResponse({"error": "Validation failed: Application name can't be blank"}, 422)
        client_id, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.tokens.keep_application(client_id, secret, tuple(addresses), name)
        body: dict[str, Any] = {"id": self.house.new_id(), "name": name, "redirect_uri": addresses[0], "redirect_uris": addresses}
        return JSONResponse({**body, "client_id": client_id, "client_secret": secret, "client_secret_expires_at": 0})

    async def me(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return JSONResponse({"error": "The access token is invalid"}, 401)
        address = f"{request.base_url}@{account.handle}"
        who = {"id": account.account_id, "username": account.handle, "acct": account.handle}
        return JSONResponse({**who, "display_name": account.name, "url": address})

    def dead(self, grant: Grant) -> Response:
        ended = "revoked" if grant.revoked_at is not None else "expired"
        return JSONResponse({"error": f"The access token was {ended}"}, 401)
