"""LinkedIn: 3-legged OAuth for a member who posts for organisations; 365 days from the consent it ends, refreshed or not."""

from datetime import timedelta
from typing import Any

from integrations.connections.base import Client, ConnectFailed, FoundAccount, TokenSet
from integrations.connections.line import Line
from integrations.connections.oauth import OAuthConnection
from integrations.platforms.wire import rows

_URN = "urn:li:organization:"
# LinkedIn's pages name the second role both ways.
_MAY_POST = frozenset({"ADMINISTRATOR", "CONTENT_ADMIN", "CONTENT_ADMINISTRATOR"})
_A_TIME = 100
_MOST_ROLES = 2000


class LinkedIn(OAuthConnection):
    name = "linkedin"
    label = "LinkedIn"
    fixed_life = timedelta(days=365)
    token_at_site = True
    api_url = "https://api.linkedin.com"
    site_url = "https://www.linkedin.com"
    scopes = "w_organization_social r_organization_social r_organization_admin"
    authorize_path = "/oauth/v2/authorization"
    token_path = "/oauth/v2/accessToken"  # noqa: S105 - an address
    revoke_path = "/oauth/v2/revoke"

    def __init__(self, *, version: str = "202609", **given: Any) -> None:
        super().__init__(**given)
        self.version = version

    async def accounts(self, line: Line, client: Client, token: TokenSet) -> tuple[FoundAccount, ...]:
        """Every organisation comes with the same token: it is the member's."""
        numbers = await self._organisations(line, client, token)
        if not numbers:
            raise ConnectFailed(
                "You may post for none of your organisations. Ask an administrator of the LinkedIn page to make you one, or a "
                "content administrator, then connect again."
            )
        found = []
        for number in numbers:
            about = await self._ask(line, f"{client.server}/rest/organizations/{number}", token)
            name = str(about.get("localizedName") or number)
            found.append(FoundAccount(number, str(about.get("vanityName") or number), name, token))
        return tuple(found)

    async def _organisations(self, line: Line, client: Client, token: TokenSet) -> list[str]:
        found: list[str] = []
        for start in range(0, _MOST_ROLES, _A_TIME):
            asked = {"q": "roleAssignee", "state": "APPROVED", "start": str(start), "count": str(_A_TIME)}
            answer = await self._ask(line, f"{client.server}/rest/organizationAcls", token, asked)
            roles = rows(answer.get("elements"))
            found += [
                urn.removeprefix(_URN)
                for role in roles
                if role.get("role") in _MAY_POST and role.get("state") == "APPROVED"
                if (urn := str(role.get("organization") or role.get("organizationTarget") or "")).startswith(_URN)
            ]
            if len(roles) < _A_TIME:
                break
        return [number for number in dict.fromkeys(found) if number.isdigit()]

    async def _ask(self, line: Line, url: str, token: TokenSet, params: dict[str, str] | None = None) -> dict[str, Any]:
        headers = {"LinkedIn-Version": self.version, "X-Restli-Protocol-Version": "2.0.0"}
        return await line.ask("GET", url, token=token.access_token, headers=headers, params=params)

    async def touch(self, line: Line, client: Client, token: TokenSet) -> None:
        await self._ask(line, f"{client.server}/rest/organizationAcls", token, {"q": "roleAssignee", "count": "1"})

    def token_set(self, answer: Any, *, kept: TokenSet | None = None) -> TokenSet:
        """Refreshing never moves the end of the year, whatever the answer says."""
        new = super().token_set(answer, kept=kept)
        ends = [end for end in (new.refresh_expires_at, kept.refresh_expires_at if kept else None) if end]
        return TokenSet(new.access_token, new.refresh_token, new.expires_at, min(ends, default=None), new.granted_by)
