"""Facebook: a person's consent, made long-lived, opens Pages, each with a token of its own.

A Page token from a long-lived one does not end by itself; the person's own lasts some 60 days and is not kept: revoking uses the
application's own name. What is revoked is the person's whole consent: every Page that they connected.
"""

from typing import Any
from urllib.parse import quote

from integrations.connections.base import Client, ConnectFailed, FoundAccount, TokenSet
from integrations.connections.line import Line
from integrations.connections.oauth import OAuthConnection
from integrations.platforms.wire import rows

_MOST_PAGES_OF_PAGES = 20


class Facebook(OAuthConnection):
    name = "facebook"
    label = "Facebook"
    one_consent_for_all = True
    api_url = "https://graph.facebook.com"
    site_url = "https://www.facebook.com"
    scopes = "pages_manage_posts,pages_read_engagement,pages_show_list"

    def __init__(self, *, version: str = "v26.0", **given: Any) -> None:
        super().__init__(**given)
        self.version = version
        self.authorize_path = f"/{version}/dialog/oauth"
        # Meta shows GET with everything in the address; a form says the same and is not logged anywhere.
        self.token_path = f"/{version}/oauth/access_token"

    async def accounts(self, line: Line, client: Client, token: TokenSet) -> tuple[FoundAccount, ...]:
        answer = await line.fetch_token(
            self.token_url(client, self.token_path),
            grant_type="fb_exchange_token",
            fb_exchange_token=token.access_token,
        )
        lasting = self.token_set(answer).access_token
        me = await line.ask("GET", f"{client.server}/{self.version}/me", token=lasting, params={"fields": "id"})
        person = str(me.get("id") or "")
        if not person:
            raise ConnectFailed("Facebook did not say who consented. Nothing was connected; connect again.")
        pages = [page for page in await self._pages(line, client, lasting) if "CREATE_CONTENT" in (page.get("tasks") or [])]
        if not pages:
            raise ConnectFailed(
                "You may post on none of the Pages that you chose. Ask a Page's administrator for the task of creating content, "
                "then connect again."
            )
        return tuple(
            FoundAccount(
                str(page["id"]),
                str(page.get("username") or page["id"]),
                str(page.get("name") or page["id"]),
                TokenSet(str(page["access_token"]), granted_by=person),
            )
            for page in pages
        )

    async def _pages(self, line: Line, client: Client, lasting: str) -> list[dict[str, Any]]:
        """Every Page; by its cursor, because the `next` address that Facebook gives holds the token."""
        found: list[dict[str, Any]] = []
        asked = {"fields": "id,name,username,tasks,access_token", "limit": "100"}
        for _ in range(_MOST_PAGES_OF_PAGES):
            answer = await line.ask("GET", f"{client.server}/{self.version}/me/accounts", token=lasting, params=asked)
            found += [page for page in rows(answer.get("data")) if page.get("id") and page.get("access_token")]
            paging: dict[str, Any] = next(iter(rows([answer.get("paging")])), {})
            cursors: dict[str, Any] = next(iter(rows([paging.get("cursors")])), {})
            if "next" not in paging or not cursors.get("after"):
                break
            asked["after"] = str(cursors["after"])
        return found

    async def touch(self, line: Line, client: Client, token: TokenSet) -> None:
        await line.ask("GET", f"{client.server}/{self.version}/me", token=token.access_token, params={"fields": "id"})

    async def withdraw(self, line: Line, client: Client, token: TokenSet) -> None:
        if not token.granted_by:
            raise ConnectFailed("Nobody knows who allowed this Page, so take the access back in that person's Facebook settings.")
        url = f"{client.server}/{self.version}/{quote(token.granted_by, safe='')}/permissions"
        await line.ask("DELETE", url, token=f"{client.client_id}|{client.client_secret}")
