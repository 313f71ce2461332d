"""Stands before the API: a token that expired or was revoked is answered in the platform's own words, whatever it asks for."""

from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.platforms.authorisation.tokens import TokenServer


class TokenGuard:
    """ASGI middleware. Tokens it does not know are the API's business."""

    def __init__(self, app: ASGIApp, server: TokenServer) -> None:
        self.app = app
        self.server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant = self.server.tokens.find(_token(scope)) if scope["type"] == "http" else None
        if grant is None or grant.live(self.server.house.clock()):
            await self.app(scope, receive, send)
        else:
            await self.server.dead(grant)(scope, receive, send)


def _token(scope: Scope) -> str:
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token
    query: bytes = scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get("access_token", [""])[0]
