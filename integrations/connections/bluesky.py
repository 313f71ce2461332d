"""Bluesky: an app password opens a session; the password itself is used once and not kept."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.connections.base import Client, ConnectFailed, Connection, FoundAccount, RefreshRefused, TokenSet
from integrations.connections.line import Line, SaidNo
from integrations.connections.public_servers import server_address
from integrations.platforms.wire import utc_now

_ACCESS_LIFE = timedelta(hours=2)
_REFRESH_LIFE = timedelta(days=90)
_FULL_ACCESS = "com.atproto.access"
_GONE = frozenset({"ExpiredToken", "InvalidToken", "AccountNotFound"})


class Bluesky(Connection):
    """`private_servers`: http and this machine's own addresses are let in, for sandbox and peers alone."""

    name = "bluesky"
    label = "Bluesky"
    kind = "app_password"
    takes_a_server = True
    api_url = "https://bsky.social"
    site_url = "https://bsky.app"

    def __init__(self, *, private_servers: bool = False, now: Callable[[], datetime] = utc_now) -> None:
        self.private_servers = private_servers
        self.now = now

    def server_address(self, typed: str) -> str:
        return server_address(typed or self.api_url, private_servers=self.private_servers)

    def line(self, client: Client) -> Line:
        self.server_address(client.server)
        return Line(self.label, client, public_only=not self.private_servers)

    async def exchange(self, client: Client, *, secret: Mapping[str, str], redirect_uri: str = "") -> tuple[FoundAccount, ...]:
        asked = {"identifier": secret["identifier"].strip().removeprefix("@"), "password": secret["app_password"]}
        async with self.line(client) as line:
            try:
                session = await line.ask("POST", _url(client, "createSession"), body=asked)
            except SaidNo as no:
                raise _refused(no) from None
            token = self._token_set(session)
            if _claims(token.access_token).get("scope") == _FULL_ACCESS:
                await self._end(line, client, token)
                raise ConnectFailed(
                    "That is the account's own password, which opens everything. Make an app password in Bluesky's settings and "
                    "enter that one."
                )
        did, handle = str(session.get("did") or ""), str(session.get("handle") or "")
        if not did.startswith("did:") or not handle:
            raise ConnectFailed("Bluesky did not say whose account it is. Nothing was connected.")
        return (FoundAccount(did, handle, handle, token),)

    async def refresh(self, client: Client, token: TokenSet) -> TokenSet:
        if not token.refresh_token:
            raise RefreshRefused("Bluesky gave nothing to refresh with. Somebody must connect the account again.")
        async with self.line(client) as line:
            try:
                session = await line.ask("POST", _url(client, "refreshSession"), token=token.refresh_token)
            except SaidNo:
                raise RefreshRefused(
                    "Bluesky no longer takes this session. Somebody must connect the account again with an app password."
                ) from None
        return self._token_set(session)

    async def revoke(self, client: Client, token: TokenSet) -> None:
        async with self.line(client) as line:
            try:
                await self._end(line, client, token)
            except SaidNo:
                raise ConnectFailed("Bluesky did not end the session. Delete the app password in Bluesky's settings.") from None

    async def _end(self, line: Line, client: Client, token: TokenSet) -> None:
        """A session that is over already is as good."""
        try:
            await line.ask("POST", _url(client, "deleteSession"), token=token.refresh_token or token.access_token)
        except SaidNo as no:
            if no.error not in _GONE:
                raise

    def _token_set(self, session: Mapping[str, Any]) -> TokenSet:
        access, refresh = session.get("accessJwt"), session.get("refreshJwt")
        if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
            raise ConnectFailed("The server does not answer as a Bluesky server does. Check its address.")
        return TokenSet(access, refresh, self._ends(access, _ACCESS_LIFE), self._ends(refresh, _REFRESH_LIFE))

    def _ends(self, token: str, life: timedelta) -> datetime:
        stated = _claims(token).get("exp")
        return datetime.fromtimestamp(stated, UTC) if isinstance(stated, int) else self.now() + life


def _url(client: Client, method: str) -> str:
    return f"{client.server}/xrpc/com.atproto.server.{method}"


def _claims(token: str) -> dict[str, Any]:
    """What a session token says of itself, not verified: nothing is allowed because of it."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _refused(no: SaidNo) -> ConnectFailed:
    if no.error == "AuthFactorTokenRequired":
        return ConnectFailed("Bluesky asks for a second factor, so that is not an app password. Make one in Bluesky's settings.")
    if no.error in ("AuthenticationRequired", "InvalidRequest") or no.status == 401:
        return ConnectFailed("Bluesky does not know this handle with this app password. Check both, then enter them again.")
    if no.error in ("AccountTakedown", "AccountDeactivated"):
        return ConnectFailed("Bluesky has closed this account for now. Look into it there before you connect it.")
    return ConnectFailed("The server does not answer as a Bluesky server does. Check its address.")
