"""Who calls the API: the bearer of an access token (RFC 6750), from the Authorization header alone."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from core.domain.identity import Caller, TokenRefused

MISSING = "Send an access token of the department's identity provider in the header: Authorization: Bearer …"

_scheme = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="A JWT access token (RFC 9068) of the identity provider, for this API's audience.",
)


class TokenVerifier(Protocol):
    """Tells whom a token speaks for, or raises `TokenRefused`."""

    async def verify(self, token: str) -> Caller: ...


def bearer(tokens: TokenVerifier) -> Callable[..., Awaitable[Caller]]:
    """A dependency that gives the verified `Caller`. Raises `TokenRefused`, whose `challenge` belongs in WWW-Authenticate."""

    async def caller(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]) -> Caller:
        if credentials is None or not credentials.credentials:
            raise TokenRefused(MISSING, reason="missing", missing=True)
        if len(request.headers.getlist("authorization")) > 1:
            raise TokenRefused("Send one Authorization header, not several.", reason="several")
        return await tokens.verify(credentials.credentials)

    return caller
