"""The pages as one application; `countersign.wiring` builds it with real parts and mounts the API into it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.domain.identity import SignedIn
from core.use_cases.people import recognise
from web.desk import Desk, request_id
from web.failures import BrokenPages, FailurePages, register
from web.headers import CrossOriginProtection, SecurityHeaders
from web.pages.accounts import account_routes
from web.pages.attention import attention_routes
from web.pages.connecting import connecting_routes
from web.pages.deciding import deciding_routes
from web.pages.drafts import draft_routes
from web.pages.holds import hold_routes
from web.pages.images import image_routes
from web.pages.publications import publication_routes
from web.pages.queues import queue_routes
from web.pages.record import record_routes
from web.pages.releases import release_routes
from web.pages.taking_down import taking_down_routes
from web.pages.writing import writing_routes
from web.sessions import Reread, ServerSessions, SessionStore
from web.sign_in import Provider, sign_in_routes
from web.templates import STATIC

# Four images of 10 MB each and the words around them.
MAX_BODY = 42 * 1024 * 1024

# The first that matches an address answers it.
_PAGES = (
    queue_routes,
    writing_routes,
    deciding_routes,
    draft_routes,
    record_routes,
    hold_routes,
    attention_routes,
    publication_routes,
    taking_down_routes,
    release_routes,
    connecting_routes,
    account_routes,
)


@dataclass(frozen=True)
class SignIn:
    """How people sign in: the identity provider, where sessions live, and how roles are read again."""

    provider: Provider
    sessions: SessionStore
    reread: Reread


def build(
    *,
    desk: Desk,
    sign_in: SignIn,
    https: bool,
    form_origins: Iterable[str] = (),
    trusted_origins: Iterable[str] = (),
    unavailable: Sequence[type[Exception]] = (),
) -> FastAPI:
    """The pages. `https` is False only on loopback; `form_origins` are the identity provider's, which forms may lead to.

    `unavailable`: the exceptions of a database that cannot be reached (503).
    """
    app = FastAPI(title="Countersign", docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY)
    failures = FailurePages(desk)
    register(app, failures)
    app.mount("/static", KeptByBrowsers(directory=STATIC), name="static")
    app.include_router(_sign_in_router(desk, sign_in))
    for routes in _PAGES:
        app.include_router(routes(desk), dependencies=[Depends(desk.note_service)])
    app.include_router(image_routes(desk))
    # The last one added is the outermost.
    app.add_middleware(ServerSessions, store=sign_in.sessions, reread=sign_in.reread, secure=https)
    app.add_middleware(CrossOriginProtection, trusted_origins=tuple(trusted_origins))
    app.add_middleware(BrokenPages, page=failures.broken, away=failures.away, unavailable=tuple(unavailable))
    app.add_middleware(SecurityHeaders, https=https, form_origins=tuple(form_origins))
    app.add_middleware(RequestIds)
    return app


def _sign_in_router(desk: Desk, sign_in: SignIn) -> APIRouter:
    async def known(who: SignedIn) -> UUID:
        async with desk.database.transaction() as session:
            person = await recognise(
                session, issuer=who.issuer, subject=who.subject, name=who.name, email=who.email, roles=who.roles
            )
        return person.id

    def render(request: Request, template: str, context: dict[str, object], status: int = 200) -> Response:
        return desk.pages.respond(request, template, context, status)

    return sign_in_routes(provider=sign_in.provider, recognise=known, render=render, now=desk.now)


class KeptByBrowsers(StaticFiles):
    """Static files, whose addresses change with their bytes: browsers keep them for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


class RequestIds:
    """Gives each answer the id its audit events carry, as X-Request-Id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_id(Request(scope)).encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start" and not any(key == b"x-request-id" for key, _ in message["headers"]):
                message["headers"] = [*message["headers"], (b"x-request-id", name)]
            await send(message)

        await self._app(scope, receive, send_with_id)
