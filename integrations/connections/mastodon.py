"""Mastodon, on any public server: the service registers itself there, the person consents there, the token does not expire."""

from typing import Any

from integrations.connections.base import Client, ConnectFailed, FoundAccount, TokenSet
from integrations.connections.line import Line, SaidNo
from integrations.connections.oauth import OAuthConnection
from integrations.connections.public_servers import server_address

_APPLICATION = "Countersign"


class Mastodon(OAuthConnection):
    """`private_servers`: http and this machine's own addresses are let in, for the sandbox alone."""

    name = "mastodon"
    label = "Mastodon"
    pkce = True  # since 4.3; older servers ignore it
    needs_app_registration = True
    takes_a_server = True
    scopes = "read:accounts read:statuses read:search write:statuses write:media"
    authorize_path = "/oauth/authorize"
    token_path = "/oauth/token"  # noqa: S105 - an address
    revoke_path = "/oauth/revoke"

    def __init__(self, *, private_servers: bool = False, **given: Any) -> None:
        super().__init__(**given)
        self.private_servers = private_servers

    def server_address(self, typed: str) -> str:
        return server_address(typed, private_servers=self.private_servers)

    def line(self, client: Client) -> Line:
        self.server_address(client.server)
        return Line(self.label, client, client_auth=self.client_auth, public_only=not self.private_servers)

    async def register(self, server: str, redirect_uri: str) -> Client:
        client = Client("", "", self.server_address(server))
        asked = {"client_name": _APPLICATION, "redirect_uris": redirect_uri, "scopes": self.scopes}
        async with self.line(client) as line:
            try:
                answer = await line.ask("POST", f"{client.server}/api/v1/apps", body=asked)
            except SaidNo as no:
                raise _not_mastodon(moved=300 <= no.status < 400) from None
        client_id, secret = answer.get("client_id"), answer.get("client_secret")
        if not isinstance(client_id, str) or not isinstance(secret, str) or not client_id or not secret:
            raise _not_mastodon(moved=False)
        return Client(client_id, secret, client.server)

    async def accounts(self, line: Line, client: Client, token: TokenSet) -> tuple[FoundAccount, ...]:
        me = await self._me(line, client, token)
        if not me.get("id") or not me.get("username"):
            raise ConnectFailed("The Mastodon server did not say whose account it is. Nothing was connected; connect again.")
        return (FoundAccount(str(me["id"]), str(me["username"]), str(me.get("display_name") or me["username"]), token),)

    async def touch(self, line: Line, client: Client, token: TokenSet) -> None:
        await self._me(line, client, token)

    async def _me(self, line: Line, client: Client, token: TokenSet) -> dict[str, Any]:
        return await line.ask("GET", f"{client.server}/api/v1/accounts/verify_credentials", token=token.access_token)


def _not_mastodon(*, moved: bool) -> ConnectFailed:
    if moved:
        return ConnectFailed("The server sends callers elsewhere. Enter the address at which people read the account's posts.")
    return ConnectFailed("The server does not answer as a Mastodon server does. Check its address.")
