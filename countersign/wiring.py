"""The one place that builds everything: doors with their use-cases' means, the worker with its activities."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

import api.app
import web.app
from core.domain.identity import SignedIn
from core.records.database import Database
from core.use_cases.media import read_image, upload_image
from core.use_cases.people import recognise
from core.use_cases.sessions import DatabaseSessions
from countersign.completing import complete_images
from countersign.forgetting import forget_for_ever
from countersign.keeping import Ways, build_consent, build_tokens
from countersign.settings import ApiSettings, WorkerSettings
from integrations.access_tokens import AccessTokens
from integrations.identity import IdentityProvider
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.warming import warm
from integrations.store import MediaStore
from web.desk import Desk
from web.headers import SecurityHeaders
from web.templates import Pages
from workflows.activities.means import Means
from workflows.departures import Departures
from workflows.gate import Gate
from workflows.points import Point, Reached, nobody_listens
from workflows.tokens import Tokens

VERSION = "0.1.0"
# What is raised when the database cannot be reached.
UNAVAILABLE = (OperationalError, PoolTimeout, OSError)


def build_api(settings: ApiSettings) -> Starlette:
    """Two doors, one house: pages and JSON API over one database, as the api's login."""
    database = Database(settings.database_url.get_secret_value(), application="countersign api")
    store = MediaStore.at(settings.media_folder)
    desk = Desk(
        database=database,
        upload_image=partial(upload_image, database, store),
        read_image=partial(read_image, database, store),
        pages=Pages(version=VERSION, sandbox=settings.sandbox),
        now=lambda: datetime.now(UTC),
        public_url=settings.base_url,
        limits={name: platform.limit for name, platform in PLATFORMS.items()},
        consent=build_consent(settings),
        sandbox=settings.sandbox,
    )

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        forgetting = asyncio.create_task(forget_for_ever(database))
        completing = asyncio.create_task(complete_images(database, store))
        warming = asyncio.create_task(asyncio.to_thread(warm))
        yield
        forgetting.cancel()
        completing.cancel()
        await warming
        await database.close()

    doors = [Mount("/api/v1", app=_json_door(settings, desk, database)), Mount("/", app=_page_door(settings, desk, database))]
    return Starlette(routes=doors, lifespan=living)


def _json_door(settings: ApiSettings, desk: Desk, database: Database) -> ASGIApp:
    door = api.app.build(
        database=database,
        upload_image=desk.upload_image,
        read_image=desk.read_image,
        tokens=AccessTokens(issuer=settings.oidc_issuer, audience=settings.api_audience),
        platforms=PLATFORMS.keys(),
        consent=desk.consent,
        unavailable=UNAVAILABLE,
    )
    return SecurityHeaders(door, https=settings.https)


def build_provider(settings: ApiSettings) -> IdentityProvider:
    """The identity provider as people sign in at it. Building it does no I/O."""
    return IdentityProvider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        base_url=settings.base_url,
    )


def _page_door(settings: ApiSettings, desk: Desk, database: Database) -> ASGIApp:
    provider = build_provider(settings)

    async def reread(refresh_token: str, auth_time: datetime) -> SignedIn:
        """Roles as they stand now, on the person's row too."""
        who = await provider.refresh(refresh_token, auth_time=auth_time)
        async with database.transaction() as session:
            await recognise(session, issuer=who.issuer, subject=who.subject, name=who.name, email=who.email, roles=who.roles)
        return who

    issuer = urlsplit(settings.oidc_issuer)
    return web.app.build(
        desk=desk,
        sign_in=web.app.SignIn(provider=provider, sessions=DatabaseSessions(database), reread=reread),
        https=settings.https,
        form_origins=(f"{issuer.scheme}://{issuer.netloc}",),
        unavailable=UNAVAILABLE,
    )


def build_means(settings: WorkerSettings) -> tuple[Means, Tokens]:
    """What the worker's activities need, as the worker's login, and the tokens that its loops look after."""
    database = Database(settings.database_url.get_secret_value(), pool_size=12, overflow=0, application="countersign worker")

    tokens = build_tokens(settings, database)
    ways = Ways(settings, tokens)
    means = Means(
        database=database,
        store=MediaStore.at(settings.media_folder),
        platforms=PLATFORMS,
        access_for=ways.access_for,
        renew=ways.renew,
        gate=Gate(database),
        departures=Departures(database),
        worker=f"{socket.gethostname()}:{os.getpid()}",
        reached=_stopper(settings.stop_at) if settings.stop_at else nobody_listens,
    )
    return means, tokens


def _stopper(at: str) -> Reached:
    """A listener for fault tests: at the named point the first publication to reach it kills this process.

    `pause:` before the point stops the process there instead, once, until somebody lets it go on.
    """
    pauses, wanted = at.startswith("pause:"), Point(at.removeprefix("pause:"))
    stopped: list[str] = []

    def reached(point: Point, publication_id: str) -> None:
        if point is wanted and not stopped:
            stopped.append(publication_id)
            # Straight to the log: nothing is flushed after a kill.
            os.write(2, f"stopping at {point} with {publication_id}\n".encode())
            os.kill(os.getpid(), signal.SIGSTOP if pauses else signal.SIGKILL)

    return reached
