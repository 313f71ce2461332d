"""LinkedIn's 3-legged OAuth as a server: refresh tokens that are not extended, and the member's roles in organisations."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from integrations.sandbox.platforms.authorisation.server import ConsentServer
from integrations.sandbox.platforms.authorisation.store import Grant

_MEMBER = "urn:li:person:sandbox"


def _error(status: int, code: str, message: str, service_code: int) -> Response:
    body = {"status": status, "serviceErrorCode": service_code, "code": code, "message": message}
    return JSONResponse(body, status_code=status)


class LinkedInConsent(ConsentServer):
    label = "LinkedIn"
    authorize_path = "/oauth/v2/authorization"
    token_path = "/oauth/v2/accessToken"  # noqa: S105 - an address
    revoke_path = "/oauth/v2/revoke"
    permissions = ("See which organisations you manage", "Read their posts", "Publish and delete posts as them")
    question = "Which organisations?"
    several = True
    refresh_rotates = False
    access_seconds = 60 * 86_400
    refresh_seconds = 365 * 86_400
    denial: Mapping[str, str] = {"error": "user_cancelled_authorize", "error_description": "The user cancelled the authorization"}
    words: Mapping[str, tuple[int, dict[str, Any]]] = {
        "client": (401, {"error": "invalid_client", "error_description": "Client authentication failed"}),
        "code": (
            400,
            {
                "error": "invalid_request",
                "error_description": "Unable to retrieve access token: appid/redirect uri/code verifier does not match "
                "authorization code. Or authorization code expired. Or external member binding exists",
            },
        ),
        "refresh": (
            400,
            {
                "error": "invalid_request",
                "error_description": "The provided authorization grant or refresh token is invalid, expired or revoked.",
            },
        ),
        "grant": (400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}),
    }

    def add_routes(self, routes: APIRouter) -> None:
        routes.add_api_route("/rest/organizationAcls", self.roles, methods=["GET"])
        routes.add_api_route("/rest/organizations/{number}", self.organisation, methods=["GET"])

    def holder(self, chosen: tuple[str, ...]) -> str:
        return _MEMBER

    def first_tokens(self, grant: Grant) -> Response:
        refresh_token = self.issue(grant, "refresh", self.refresh_seconds)
        return self._pair(grant, refresh_token)

    def next_tokens(self, grant: Grant, token: str) -> Response:
        """The same refresh token with what is left of its year."""
        return self._pair(grant, token)

    def _pair(self, grant: Grant, refresh_token: str) -> Response:
        kept = self.tokens.find(refresh_token, "refresh")
        left = (kept.ends_at - self.house.clock()).total_seconds() if kept and kept.ends_at else 0
        return self.answer(grant, {"refresh_token": refresh_token, "refresh_token_expires_in": int(left)})

    def revoked(self) -> Response:
        return Response(status_code=200)

    async def roles(self, request: Request) -> Response:
        grant = self.bearer(request, "access")
        if grant is None:
            return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65600)
        if request.query_params.get("q") != "roleAssignee" or request.headers.get("x-restli-protocol-version") != "2.0.0":
            return _error(400, "ILLEGAL_ARGUMENT", "Expected the roleAssignee finder", 0)
        rows: list[dict[str, Any]] = []
        for account in self.house.accounts:
            if account.account_id in grant.accounts:
                role = "ADMINISTRATOR" if account.may_post else "ANALYST"
                urn = f"urn:li:organization:{account.account_id}"
                rows.append({"organization": urn, "role": role, "roleAssignee": _MEMBER, "state": "APPROVED"})
        start, count = int(request.query_params.get("start", "0")), int(request.query_params.get("count", "10"))
        paging = {"start": start, "count": count, "total": len(rows), "links": []}
        return JSONResponse({"elements": rows[start : start + count], "paging": paging})

    async def organisation(self, request: Request, number: str) -> Response:
        grant = self.bearer(request, "access")
        if grant is None:
            return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65600)
        account = self.house.account(number)
        if account is None or number not in grant.accounts:
            return _error(403, "ACCESS_DENIED", "Not enough permissions to access: organizations.GET", 100)
        return JSONResponse({"id": int(number), "localizedName": account.name, "vanityName": account.handle})

    def dead(self, grant: Grant) -> Response:
        if grant.revoked_at is not None:
            words = "The token used in the request has been revoked by the user"
            return _error(401, "REVOKED_ACCESS_TOKEN", words, 65601)
        return _error(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired", 65602)
