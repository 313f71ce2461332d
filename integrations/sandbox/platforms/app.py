"""Builds one sandbox platform as an ASGI application."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter, FastAPI

from integrations.sandbox.platforms import lies, outsiders, timeline
from integrations.sandbox.platforms.authorisation.mounting import SandboxApplication, mount
from integrations.sandbox.platforms.bluesky import BlueskyServer
from integrations.sandbox.platforms.facebook import FacebookServer
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import Ledger
from integrations.sandbox.platforms.linkedin import LinkedInServer
from integrations.sandbox.platforms.mastodon import MastodonServer
from integrations.sandbox.platforms.x import XServer


class Server(Protocol):
    """One platform's API."""

    def routes(self) -> APIRouter: ...


SERVERS: dict[str, Callable[[House], Server]] = {
    "x": XServer,
    "facebook": FacebookServer,
    "linkedin": LinkedInServer,
    "bluesky": BlueskyServer,
    "mastodon": MastodonServer,
}


def build(
    platform: str,
    *,
    accounts: Sequence[SandboxAccount],
    ledger_path: Path,
    refuse_duplicates: bool = False,
    application: SandboxApplication | None = None,
) -> FastAPI:
    """The platform's API for these accounts, its ledger and timeline, its consent pages, and the switches for its lies.

    `refuse_duplicates` makes it refuse a text that this account already shows, in the platform's own words.
    """
    house = House(platform, tuple(accounts), Ledger(ledger_path), refuse_duplicates=refuse_duplicates)
    app = FastAPI(title=f"{timeline.LABELS[platform]} sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(lies.Scissors)
    app.include_router(lies.router(house.lies))
    app.include_router(outsiders.router(house))
    mount(app, house, ledger_path=ledger_path, application=application)
    # The API first: the pages' addresses of single posts are the vaguer ones.
    app.include_router(SERVERS[platform](house).routes())
    app.include_router(timeline.router(house))
    return app
