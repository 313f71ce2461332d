"""A PDS's sessions: an app password opens one, each refresh token is good once (checked against PDS 0.5's own words)."""

import base64
import json
import secrets
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from integrations.sandbox.platforms.authorisation.store import Grant
from integrations.sandbox.platforms.authorisation.tokens import TokenServer
from integrations.sandbox.platforms.house import SandboxAccount

OWN_PASSWORD = "own-"  # noqa: S105 - a prefix
"""The account's own password is this and its app password; its app password is the account's token."""
_ACCESS_SECONDS, _REFRESH_SECONDS = 7200, 90 * 86_400
_SCOPES = {"access": "com.atproto.appPass", "refresh": "com.atproto.refresh"}


class _Credentials(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    identifier: str
    password: str


def _error(status: int, name: str, message: str) -> Response:
    return JSONResponse({"error": name, "message": message}, status)


class BlueskySessions(TokenServer):
    def routes(self) -> APIRouter:
        routes = APIRouter()
        server = "/xrpc/com.atproto.server."
        routes.add_api_route(server + "createSession", self.create, methods=["POST"])
        routes.add_api_route(server + "refreshSession", self.refresh, methods=["POST"])
        routes.add_api_route(server + "deleteSession", self.delete, methods=["POST"])
        routes.add_api_route(server + "getSession", self.get, methods=["GET"])
        return routes

    async def create(self, request: Request) -> Response:
        try:
            given = _Credentials.model_validate_json(await request.body())
        except ValidationError:
            return _error(400, "InvalidRequest", "Input must have the properties identifier and password")
        named = [account for account in self.house.accounts if given.identifier in (account.account_id, account.handle)]
        for account in named:
            for prefix, scope in (("", _SCOPES["access"]), (OWN_PASSWORD, "com.atproto.access")):
                if secrets.compare_digest(given.password.encode(), (prefix + account.token).encode()):
                    family = secrets.token_hex(8)
                    return self._session(account, Grant("", family, "", account.account_id, (account.account_id,)), scope)
        return _error(401, "AuthenticationRequired", "Invalid identifier or password")

    async def refresh(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        grant = self.bearer(request, "refresh")
        account = self.house.account(grant.holder) if grant else None
        if grant is None or account is None:
            return _error(400, "InvalidToken", "Token could not be verified")
        if not self.tokens.use_once(token, self.house.clock()):
            self.tokens.revoke_family(grant.family, self.house.clock())
            return _error(400, "ExpiredToken", "Token has been revoked")
        return self._session(account, grant, _SCOPES["access"])

    async def delete(self, request: Request) -> Response:
        grant = self.bearer(request, "refresh")
        if grant is None:
            return _error(400, "InvalidToken", "Token could not be verified")
        self.tokens.revoke_family(grant.family, self.house.clock())
        return Response(status_code=200)

    async def get(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return _error(401, "AuthMissing", "Authentication Required")
        return JSONResponse({"handle": account.handle, "did": account.account_id, "active": True})

    def _session(self, account: SandboxAccount, grant: Grant, scope: str) -> Response:
        body = {"did": account.account_id, "handle": account.handle, "active": True}
        access = self._token(grant, "access", _ACCESS_SECONDS, scope)
        refresh = self._token(grant, "refresh", _REFRESH_SECONDS, _SCOPES["refresh"])
        return JSONResponse({**body, "accessJwt": access, "refreshJwt": refresh}, headers={"Cache-Control": "no-store"})

    def _token(self, grant: Grant, kind: str, seconds: int, scope: str) -> str:
        """Shaped as a JWT because clients read `exp` and `scope` from it; only its hash is known here, so nothing is signed."""
        ends = self.ends(kind, seconds)
        claims = {"scope": scope, "sub": grant.holder, "exp": int(ends.timestamp()) if ends else 0, "jti": secrets.token_hex(16)}
        parts = [{"alg": "HS256", "typ": "at+jwt" if kind == "access" else "refresh+jwt"}, claims]
        shaped = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        return self.tokens.issue(replace(grant, kind=kind, ends_at=ends), f"{shaped}.{secrets.token_urlsafe(32)}")

    def dead(self, grant: Grant) -> Response:
        return _error(400, "ExpiredToken", "Token has been revoked" if grant.revoked_at else "Token has expired")
