"""A provider and a small service around it, both over real HTTP, and a client that fills in their forms as a browser would."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid5

import httpx2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import SecretStr

from core.domain.identity import SignedIn
from integrations.identity import IdentityProvider
from integrations.sandbox.identity import PEOPLE, SandboxIdentity, build, service_clients
from web.headers import CrossOriginProtection, SecurityHeaders
from web.session import session_of, stash, unstash
from web.sessions import MemoryStore, ServerSessions
from web.sign_in import fresh_enough, sign_in_routes, to_sign_in, to_step_up

WEB_SECRET = "web secret: with a colon & signs"
MACHINE_SECRET = "machine-secret"
_NAMES = UUID("6f2b0a43-7f0c-4c0a-9a62-6f7b6f8f0a11")


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def address(of: socket.socket) -> str:
    return f"http://127.0.0.1:{of.getsockname()[1]}"


@contextmanager
def served(app: Any, at: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield
    server.should_exit = True
    thread.join(5)
    at.close()


@dataclass
class Clock:
    """The service's clock: real time, moved on by what a test says."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Service:
    """The service under test and what a test may look into."""

    url: str
    provider: SandboxIdentity
    identity: IdentityProvider
    store: MemoryStore
    clock: Clock
    recognised: list[SignedIn] = field(default_factory=list)

    def person(self, subject: str) -> UUID:
        return uuid5(_NAMES, f"{self.provider.issuer} {subject}")


class Browser(httpx2.Client):
    """Keeps cookies, follows nothing by itself."""

    def __init__(self, service: Service) -> None:
        super().__init__(base_url=service.url, follow_redirects=False, trust_env=False)
        self.service = service

    def to_provider(self, *, path: str = "/sign-in", next: str = "/") -> httpx2.Response:
        """Press the button; the provider's page (or its redirect back, if it remembers the login)."""
        started = self.post(path, data={"next": next})
        assert started.status_code == 303, started.text
        return self.get(started.headers["location"])

    def choose(self, page: httpx2.Response, subject: str) -> httpx2.Response:
        """Choose a person on the provider's page: the redirect to our callback."""
        form = FirstForm(page.text)
        return self.post(urljoin(str(page.url), form.action), data={**form.hidden, "sub": subject})

    def sign_in(self, subject: str, *, path: str = "/sign-in", next: str = "/") -> httpx2.Response:
        """All of it: our answer to the callback."""
        back = self.choose(self.to_provider(path=path, next=next), subject)
        return self.get(back.headers["location"])

    def me(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.get("/me").json()
        return answer


class FirstForm(HTMLParser):
    """The first form of a page: its action and hidden fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given["value"]


def render(request: Request, template: str, context: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse({"template": template, **context}, status)


@contextmanager
def running_service() -> Iterator[Service]:
    provider_at, service_at = listener(), listener()
    url = address(service_at)
    provider = build(address(provider_at), PEOPLE, service_clients(url, WEB_SECRET, MACHINE_SECRET))
    clock, store = Clock(), MemoryStore()
    identity = IdentityProvider(
        issuer=provider.issuer, client_id="countersign", client_secret=SecretStr(WEB_SECRET), base_url=url, now=clock
    )
    service = Service(url, provider, identity, store, clock)
    app = service_app(service)
    with served(provider.app, provider_at), served(app, service_at):
        yield service


def service_app(service: Service) -> FastAPI:
    async def recognise(who: SignedIn) -> UUID:
        service.recognised.append(who)
        return service.person(who.subject)

    async def reread(refresh_token: str, auth_time: datetime) -> SignedIn:
        return await service.identity.refresh(refresh_token, auth_time=auth_time)

    app = FastAPI()
    app.include_router(sign_in_routes(provider=service.identity, recognise=recognise, render=render, now=service.clock))
    add_pages(app, service)
    app.add_middleware(ServerSessions, store=service.store, reread=reread, secure=False, now=service.clock)
    app.add_middleware(CrossOriginProtection)
    app.add_middleware(SecurityHeaders, https=False, form_origins=(service.provider.issuer,))
    return app


def add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/")
    def public() -> dict[str, str]:
        return {"page": "public"}

    @app.get("/me", response_model=None)
    def me(request: Request) -> Response:
        session = session_of(request)
        if not session.signed_in:
            return to_sign_in(request)
        return JSONResponse({"id": str(session.person_id), "name": session.name, "roles": sorted(session.roles)})

    @app.post("/decide", response_model=None)
    async def decide(request: Request) -> Response:
        session = session_of(request)
        typed = dict(await request.form())
        if not fresh_enough(session, service.clock()):
            stash(request, "decide", typed)
            return to_step_up("/decide")
        return JSONResponse({"decided": typed})

    @app.get("/decide", response_model=None)
    def form(request: Request) -> Response:
        session = session_of(request)
        return JSONResponse({"typed": unstash(request, "decide"), "flashes": session.flashes(), "name": session.name})

    @app.post("/flash", response_model=None)
    def flash(request: Request) -> Response:
        session_of(request).flash("Saved.")
        return RedirectResponse("/decide", 303)
