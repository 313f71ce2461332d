"""The contract every way of connecting keeps: an address to send the person to, then exchange, refresh and revoke."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["oauth", "app_password", "by_hand"]

_STOPPED = frozenset({"access_denied", "user_denied", "user_cancelled_login", "user_cancelled_authorize"})


@dataclass(frozen=True)
class Client:
    """This service as the platform knows it. `server` is where the API answers, `site` where people read and consent.

    An empty `site` is the platform's own, or `server` where that is not the platform's own.
    """

    client_id: str
    client_secret: str = field(repr=False)
    server: str
    site: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", self.server.rstrip("/"))
        object.__setattr__(self, "site", self.site.rstrip("/"))


@dataclass(frozen=True)
class TokenSet:
    """What a platform gave. Times are UTC; `expires_at` None: it does not expire by itself.

    `granted_by` is the platform's id of the person who consented, where revoking must name them. It is no secret.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    granted_by: str = ""


@dataclass(frozen=True)
class FoundAccount:
    """An account that the consent opens, as the platform names it, with the token that posts there."""

    platform_account_id: str
    handle: str
    name: str
    token: TokenSet


class ConnectFailed(Exception):
    """A sentence for a person; nothing was connected, refreshed or revoked.

    `again`: only the way to the platform failed; the same may be tried again (a code lives some 30 seconds).
    """

    def __init__(self, sentence: str, *, again: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.again = again


class RefreshRefused(Exception):
    """The platform said no: nothing can be posted there until somebody connects the account again."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Connection(ABC):
    """One platform's way in. Stateless, and building it does no I/O."""

    name: str
    label: str
    kind: Kind = "oauth"
    pkce: bool = False
    needs_app_registration: bool = False
    """There is no one client for the whole platform: each server is asked for one first (Mastodon)."""
    takes_a_server: bool = False
    """A person says which server the account lives on."""
    fixed_life: timedelta | None = None
    """How long a consent lasts from its first day, however often it is refreshed. None: refreshing goes on."""
    one_consent_for_all: bool = False
    """Revoking withdraws this person's consent, and so every account connected by the same `granted_by`."""
    api_url: str = ""
    site_url: str = ""

    def site(self, client: Client) -> str:
        """Where this client's people read and consent."""
        if client.site:
            return client.site
        return self.site_url if client.server in ("", self.api_url) else client.server

    def authorize_address(self, *, site: str, client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
        """Where to send the person's browser; `challenge` (PKCE S256) is left out where the platform does not take it."""
        raise ConnectFailed(f"{self.label} has no consent page.")

    def refused(self, answer: Mapping[str, str]) -> str | None:
        """What to tell the person whom the platform sent back with these parameters, or None if they bring a code."""
        if answer.get("code") and "error" not in answer:
            return None
        if answer.get("error") in _STOPPED:
            return f"{self.label} says that you did not allow it. Nothing was connected. Connect again to give your consent."
        return f"{self.label} sent you back without its consent. Nothing was connected. Start again from the account's page."

    def server_address(self, typed: str) -> str:
        """The server a person named, as it is stored: only where `takes_a_server`. Pure. Raises ConnectFailed."""
        return ""

    async def register(self, server: str, redirect_uri: str) -> Client:
        """This service as a client of that server. Raises ConnectFailed."""
        raise ConnectFailed(f"{self.label} registers no applications by itself.")

    @abstractmethod
    async def exchange(self, client: Client, *, secret: Mapping[str, str], redirect_uri: str) -> tuple[FoundAccount, ...]:
        """Every account that may be posted to, never none. Raises ConnectFailed.

        `secret`: `code` and `verifier` for oauth, `identifier` and `app_password` for an app password.
        """

    @abstractmethod
    async def refresh(self, client: Client, token: TokenSet) -> TokenSet:
        """A fresh pair; the old one may be worthless from now on. Raises RefreshRefused, or ConnectFailed if nothing was said."""

    @abstractmethod
    async def revoke(self, client: Client, token: TokenSet) -> None:
        """The platform takes this token no more, or never did. Raises ConnectFailed."""
