"""X: OAuth 2.0 with PKCE for a confidential client; a refresh token is good once, so the new pair is stored before it is used."""

from typing import Any

from integrations.connections.base import Client, ConnectFailed, FoundAccount, TokenSet
from integrations.connections.line import Line
from integrations.connections.oauth import OAuthConnection


class X(OAuthConnection):
    name = "x"
    label = "X"
    pkce = True
    must_refresh = True
    client_auth = "client_secret_basic"
    api_url = "https://api.x.com"
    site_url = "https://x.com"
    scopes = "tweet.read tweet.write users.read media.write offline.access"
    authorize_path = "/i/oauth2/authorize"
    token_path = "/2/oauth2/token"  # noqa: S105 - an address
    revoke_path = "/2/oauth2/revoke"

    async def accounts(self, line: Line, client: Client, token: TokenSet) -> tuple[FoundAccount, ...]:
        me = (await self._me(line, client, token)).get("data")
        if not isinstance(me, dict) or not me.get("id") or not me.get("username"):
            raise ConnectFailed("X did not say whose account it is. Nothing was connected; connect again.")
        return (FoundAccount(str(me["id"]), str(me["username"]), str(me.get("name") or me["username"]), token),)

    async def touch(self, line: Line, client: Client, token: TokenSet) -> None:
        await self._me(line, client, token)

    async def _me(self, line: Line, client: Client, token: TokenSet) -> dict[str, Any]:
        return await line.ask("GET", f"{client.server}/2/users/me", token=token.access_token)
