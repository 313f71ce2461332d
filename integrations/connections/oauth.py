"""What connecting by OAuth 2.0 has in common: where to consent, one exchange, refresh and revocation (RFC 6749, 7009)."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]  # Authlib ships no types

from integrations.connections.base import Client, ConnectFailed, Connection, FoundAccount, RefreshRefused, TokenSet
from integrations.connections.line import Line, SaidNo
from integrations.platforms.wire import utc_now


class OAuthConnection(Connection):
    """A platform with a consent page. Building it does no I/O; `now` is the clock that lives are counted from."""

    scopes: str
    authorize_path: str
    token_path: str
    revoke_path: str = ""
    token_at_site: bool = False
    """The token endpoints stand beside the consent page, not beside the API (LinkedIn)."""
    client_auth: str = "client_secret_post"
    must_refresh: bool = False
    """Without a refresh token the account would be useless within hours."""

    def __init__(self, *, now: Callable[[], datetime] = utc_now) -> None:
        self.now = now

    def authorize_address(self, *, site: str, client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
        proof = {"code_challenge": challenge, "code_challenge_method": "S256"} if self.pkce else {}
        address = f"{(site or self.site_url).rstrip('/')}{self.authorize_path}"
        return str(prepare_grant_uri(address, client_id, "code", redirect_uri, self.scopes, state, **proof))

    def line(self, client: Client) -> Line:
        return Line(self.label, client, client_auth=self.client_auth)

    def token_url(self, client: Client, path: str) -> str:
        return (self.site(client) if self.token_at_site else client.server) + path

    async def exchange(self, client: Client, *, secret: Mapping[str, str], redirect_uri: str) -> tuple[FoundAccount, ...]:
        verifier = {"code_verifier": secret["verifier"]} if self.pkce else {}
        async with self.line(client) as line:
            try:
                answer = await line.fetch_token(
                    self.token_url(client, self.token_path),
                    grant_type="authorization_code",
                    code=secret["code"],
                    redirect_uri=redirect_uri,
                    **verifier,
                )
            except SaidNo as no:
                raise self._code_refused(no) from None
            token = self.token_set(answer)
            if self.must_refresh and not token.refresh_token:
                raise ConnectFailed(
                    f"{self.label} gave access for a few hours only (no refresh token), so nothing was connected."
                )
            return await self._found(line, client, token)

    async def _found(self, line: Line, client: Client, token: TokenSet) -> tuple[FoundAccount, ...]:
        """The code is spent now: what fails from here on needs a new consent, and no token is left lying about."""
        try:
            found = await self.accounts(line, client, token)
        except SaidNo:
            failed = ConnectFailed(f"{self.label} gave its consent but did not say for which account. Connect again.")
        except ConnectFailed as trouble:
            sentence = f"{self.label} stopped answering half way. Nothing was connected; connect again."
            failed = ConnectFailed(sentence) if trouble.again else trouble
        else:
            return found
        if not self.one_consent_for_all:
            await self._let_go(line, client, token)
        raise failed from None

    async def _let_go(self, line: Line, client: Client, token: TokenSet) -> None:
        try:
            await self.withdraw(line, client, token)
        except (SaidNo, ConnectFailed):
            return  # it ends by itself; nobody else has it

    @abstractmethod
    async def accounts(self, line: Line, client: Client, token: TokenSet) -> tuple[FoundAccount, ...]:
        """What this token opens, never nothing. Raises ConnectFailed, SaidNo."""

    async def refresh(self, client: Client, token: TokenSet) -> TokenSet:
        if not token.refresh_token:
            raise RefreshRefused(f"{self.label} gave nothing to refresh with. Somebody must connect the account again.")
        async with self.line(client) as line:
            try:
                answer = await line.refresh_token(self.token_url(client, self.token_path), token.refresh_token)
            except SaidNo as no:
                raise self._refresh_refused(no) from None
            return self.token_set(answer, kept=token)

    async def revoke(self, client: Client, token: TokenSet) -> None:
        async with self.line(client) as line:
            try:
                await self.withdraw(line, client, token)
            except SaidNo as no:
                if no.client_unknown:
                    raise self._client_refused() from None
                if not await self._worthless(line, client, token):
                    raise ConnectFailed(
                        f"{self.label} did not take the access back. Take it back in the account's own settings there."
                    ) from None

    async def withdraw(self, line: Line, client: Client, token: TokenSet) -> None:
        """Revoke at the platform. Raises ConnectFailed, SaidNo."""
        url = self.token_url(client, self.revoke_path)
        if not token.refresh_token:
            return await line.revoke_token(url, token.access_token, "access_token")
        await line.revoke_token(url, token.refresh_token, "refresh_token")
        try:
            await line.revoke_token(url, token.access_token, "access_token")
        except SaidNo:
            return  # it went with its refresh token

    @abstractmethod
    async def touch(self, line: Line, client: Client, token: TokenSet) -> None:
        """A harmless call with the access token. Raises ConnectFailed, SaidNo."""

    async def _worthless(self, line: Line, client: Client, token: TokenSet) -> bool:
        """X refuses to revoke what it revoked before: the token itself tells whether that is why."""
        try:
            await self.touch(line, client, token)
        except SaidNo as no:
            return no.token_unknown
        return False

    def token_set(self, answer: Mapping[str, Any], *, kept: TokenSet | None = None) -> TokenSet:
        """The pair in a token endpoint's answer; what it does not repeat is `kept` (RFC 6749 §6)."""
        access = answer.get("access_token")
        if not isinstance(access, str) or not access:
            raise ConnectFailed(f"{self.label} answered without a token. Nothing was connected; connect again.")
        refresh = answer.get("refresh_token")
        return TokenSet(
            access,
            str(refresh) if refresh else (kept.refresh_token if kept else None),
            self.ends(answer.get("expires_in")),
            self.ends(answer.get("refresh_token_expires_in")) or (kept.refresh_expires_at if kept else None),
            kept.granted_by if kept else "",
        )

    def ends(self, seconds: Any) -> datetime | None:
        try:
            life = int(seconds)
        except (TypeError, ValueError):
            return None
        return self.now() + timedelta(seconds=life) if 0 < life < 10**9 else None

    def _code_refused(self, no: SaidNo) -> ConnectFailed:
        if no.client_unknown:
            return self._client_refused()
        return ConnectFailed(
            f"{self.label} no longer takes this consent: it is good once and for about half a minute. Nothing was connected; "
            "connect again."
        )

    def _refresh_refused(self, no: SaidNo) -> Exception:
        if no.client_unknown:
            return self._client_refused()
        if no.status not in (400, 401):
            # A no is one of these (RFC 6749 §5.2); a gateway's or a firewall's page must not cost the account its access.
            return ConnectFailed(f"{self.label} could not be reached just now. Nothing was changed; try again.", again=True)
        return RefreshRefused(f"{self.label} no longer takes this account's access. Somebody must connect the account again.")

    def _client_refused(self) -> ConnectFailed:
        return ConnectFailed(
            f"{self.label} does not know this service by the id and secret it gave. Tell whoever runs it to check them."
        )
