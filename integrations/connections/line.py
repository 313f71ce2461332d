"""One conversation with a platform's token and account endpoints, through Authlib's OAuth 2.0 client."""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # Authlib ships no types
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

from integrations.connections.base import Client, ConnectFailed
from integrations.connections.public_servers import NarrowTransport
from integrations.platforms.public import NotPublic

SECONDS = 8.0
"""For one request and its whole answer: a code that lives 30 seconds leaves time for a second try."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "countersign"}


class SaidNo(Exception):
    """The platform answered, and the answer is no. `error` and `code` are its names for why; its other words are not kept."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        error = body.get("error")
        inner = error if isinstance(error, Mapping) else {}
        self.status = status
        self.error = error if isinstance(error, str) else str(inner.get("type") or body.get("code") or "")
        self.code = inner.get("code")
        super().__init__(f"HTTP {status}")

    @property
    def token_unknown(self) -> bool:
        """The token is worth nothing (Facebook says so with 190 as well)."""
        return self.status == 401 or self.code == 190

    @property
    def busy(self) -> bool:
        """Facebook refuses with these numbers for a while only."""
        return self.error == "OAuthException" and self.code in (2, 4, 17, 32, 341)

    @property
    def client_unknown(self) -> bool:
        """It is this service that the platform does not take, not the person."""
        return self.error in ("invalid_client", "unauthorized_client") or (
            self.error == "OAuthException" and self.code in (1, 101)
        )


class Line:
    """An open line to one platform: no redirect, no proxy from the environment, no retry, 8 seconds each, and nothing secret
    in an address. Raises ConnectFailed where the platform says nothing, SaidNo where it refuses."""

    def __init__(self, label: str, client: Client, *, client_auth: str = "client_secret_post", public_only: bool = False) -> None:
        self._label = label
        self._oauth = AsyncOAuth2Client(
            client_id=client.client_id,
            client_secret=client.client_secret,
            token_endpoint_auth_method=client_auth,
            revocation_endpoint_auth_method=client_auth,
            headers=_HEADERS,
            transport=NarrowTransport(public_only=public_only),
            trust_env=False,
            follow_redirects=False,
            timeout=SECONDS,
        )
        for hook in ("access_token_response", "refresh_token_response"):
            self._oauth.register_compliance_hook(hook, self._answered)

    async def __aenter__(self) -> Self:
        await self._oauth.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._oauth.__aexit__(kind, error, traceback)

    async def fetch_token(self, url: str, *, grant_type: str, **form: str) -> dict[str, Any]:
        return dict(await self._within(self._oauth.fetch_token(url, grant_type=grant_type, **form)))

    async def refresh_token(self, url: str, refresh_token: str) -> dict[str, Any]:
        return dict(await self._within(self._oauth.refresh_token(url, refresh_token=refresh_token)))

    async def revoke_token(self, url: str, token: str, hint: str) -> None:
        # With no Accept of ours Authlib would ask for */*.
        self._answered(await self._within(self._oauth.revoke_token(url, token=token, token_type_hint=hint)))

    async def ask(
        self,
        method: str,
        url: str,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A call that is not OAuth's own; `token` goes into the Authorization header. The answer's object, or nothing."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        sent = self._oauth.request(
            method, url, withhold_token=True, headers={**bearer, **(headers or {})}, params=params, json=body
        )
        return _object(self._answered(await self._within(sent)))

    async def _within(self, answer: Awaitable[Any]) -> Any:
        """Every way in which nothing is said becomes a sentence. Causes are dropped: they carry addresses and bodies."""
        try:
            async with asyncio.timeout(SECONDS):
                return await answer
        except NotPublic:
            raise ConnectFailed(
                f"The {self._label} server is not on the public internet, so it was not called. Check its address."
            ) from None
        except (TimeoutError, httpx2.HTTPError, httpx2.StreamError):
            raise self.unreachable() from None
        except (httpx2.InvalidURL, OAuthError, ValueError, TypeError, KeyError):
            raise ConnectFailed(f"{self._label} answered in a way that cannot be read. Nothing was connected.") from None

    def unreachable(self) -> ConnectFailed:
        return ConnectFailed(f"{self._label} could not be reached just now. Nothing was changed; try again.", again=True)

    def _answered(self, response: httpx2.Response) -> httpx2.Response:
        """2xx alone goes on. Who is too busy or broken has not said no."""
        if response.status_code == 429 or response.status_code >= 500:
            raise self.unreachable()
        if not response.is_success:
            no = SaidNo(response.status_code, _object(response))
            raise self.unreachable() if no.busy else no
        return response


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        value = json.loads(response.content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
