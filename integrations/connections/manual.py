"""By hand: a named person posts, so there is nothing to connect to and no secret to keep."""

from collections.abc import Mapping

from integrations.connections.base import Client, ConnectFailed, Connection, FoundAccount, TokenSet


class Manual(Connection):
    name = "manual"
    label = "By hand"
    kind = "by_hand"

    async def exchange(self, client: Client, *, secret: Mapping[str, str], redirect_uri: str = "") -> tuple[FoundAccount, ...]:
        """The account as it was registered: `secret` holds `identifier`, its handle, and nothing secret."""
        handle = secret.get("identifier", "").strip().removeprefix("@")
        if not handle:
            raise ConnectFailed("Enter the account's handle.")
        return (FoundAccount(handle, handle, secret.get("name") or handle, TokenSet("")),)

    async def refresh(self, client: Client, token: TokenSet) -> TokenSet:
        return token

    async def revoke(self, client: Client, token: TokenSet) -> None:
        return None
