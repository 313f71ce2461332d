"""Puts a platform's authorisation before its API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from integrations.sandbox.platforms.authorisation import switches
from integrations.sandbox.platforms.authorisation.bluesky import BlueskySessions
from integrations.sandbox.platforms.authorisation.facebook import FacebookConsent
from integrations.sandbox.platforms.authorisation.guard import TokenGuard
from integrations.sandbox.platforms.authorisation.linkedin import LinkedInConsent
from integrations.sandbox.platforms.authorisation.mastodon import MastodonConsent
from integrations.sandbox.platforms.authorisation.store import TokenStore
from integrations.sandbox.platforms.authorisation.tokens import TokenServer
from integrations.sandbox.platforms.authorisation.x import XConsent
from integrations.sandbox.platforms.house import House

CONSENT: dict[str, Callable[[House, TokenStore], TokenServer]] = {
    "x": XConsent,
    "facebook": FacebookConsent,
    "linkedin": LinkedInConsent,
    "mastodon": MastodonConsent,
    "bluesky": BlueskySessions,
}


@dataclass(frozen=True)
class SandboxApplication:
    """An application registered at the sandbox from the start, as one registers it in a platform's developer pages."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    name: str = "Countersign"

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "SandboxApplication":
        """From `client_id`, `client_secret` and `redirect_uris`. Raises ValueError."""
        try:
            return cls(str(given["client_id"]), str(given["client_secret"]), tuple(given["redirect_uris"]))
        except (KeyError, TypeError):
            raise ValueError(
                "SANDBOX_CLIENTS must give each platform's client_id, client_secret and redirect_uris (a list)."
            ) from None


def mount(app: FastAPI, house: House, *, ledger_path: Path, application: SandboxApplication | None) -> None:
    """Before the API's routes are included. A platform that gives out no tokens is left as it is."""
    if house.platform not in CONSENT:
        return
    tokens = TokenStore(ledger_path.with_suffix(".tokens.sqlite"))
    server = CONSENT[house.platform](house, tokens)
    if application is not None:
        tokens.keep_application(application.client_id, application.client_secret, application.redirect_uris, application.name)
    house.opened_by = lambda token: _opened(tokens, house, token)
    app.add_middleware(TokenGuard, server=server)
    app.include_router(switches.router(server))
    app.include_router(server.routes())


def _opened(tokens: TokenStore, house: House, token: str) -> tuple[str, ...]:
    """The accounts that this token posts to. A Facebook person's own token posts to none."""
    kinds = ("page",) if house.platform == "facebook" else ("access",)
    grant = tokens.find(token, *kinds)
    return grant.accounts if grant and grant.live(house.clock()) else ()
