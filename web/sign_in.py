"""Signing in, proving again who one is, and signing out. State changes on POST alone, and at the provider's callback.

Templates: `sign_in.html` (next, notice, problem, step_up, name), `no_access.html` (name, email), `signed_out.html` (nothing).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from core.domain.identity import ProviderUnreachable, SignedIn, SignInRefused
from core.domain.refusals import Refusal
from core.use_cases.people import is_fresh
from web.session import Session, session_of

log = structlog.get_logger(__name__)

# Where a platform sends people back with a code, which must not travel on in an address of ours.
CONSENT_CALLBACK = "/accounts/connect/callback"

_NEXT = "next"
_STEP_UP = "step_up"

NOT_PROVEN = (
    "The sign-in service did not ask you to prove again who you are, so this step stays closed. "
    "Sign out, sign in again and repeat it; if that does not help, tell your service desk."
)


class Provider(Protocol):
    """The identity provider, as `integrations.identity.IdentityProvider` implements it."""

    async def authorize_redirect(self, request: Request, *, step_up: bool = False) -> Response: ...

    async def exchange(self, request: Request) -> SignedIn: ...

    async def logout_url(self, id_token: str | None) -> str | None: ...


Render = Callable[..., Response]
Recognise = Callable[[SignedIn], Awaitable[UUID]]


def fresh_enough(session: Session, now: datetime) -> bool:
    """Did the person prove who they are within the last 15 minutes, as deciding and lifting holds need?"""
    return session.signed_in and is_fresh(session.auth_time, now)


def safe_next(raw: str | None) -> str:
    """A path on this service to go to afterwards; anything else, such as another site, becomes the first page."""
    if not raw or not raw.startswith("/") or raw.startswith("//") or "\\" in raw or any(ord(char) < 0x21 for char in raw):
        return "/"
    parts = urlsplit(raw)
    if parts.scheme or parts.netloc or parts.path in ("/sign-in", "/sign-out", "/step-up", "/auth/callback", CONSENT_CALLBACK):
        return "/"
    return raw


def to_sign_in(request: Request) -> RedirectResponse:
    """For somebody who is not signed in: the sign-in page, and back here afterwards if this was a page."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = safe_next(here) if request.method == "GET" else "/"
    return RedirectResponse("/sign-in" if target == "/" else f"/sign-in?next={quote(target, safe='')}", 303)


def to_step_up(next_path: str) -> RedirectResponse:
    """For somebody who must prove again who they are; `stash` what they typed before."""
    return RedirectResponse(f"/step-up?next={quote(safe_next(next_path), safe='')}", 303)


class SignInPages:
    """The pages; `recognise` writes down who came and gives their id, `render(request, template, context, status=)` a page."""

    def __init__(self, provider: Provider, recognise: Recognise, render: Render, now: Callable[[], datetime]) -> None:
        self._provider = provider
        self._recognise = recognise
        self._render = render
        self._now = now

    async def sign_in(self, request: Request, next: str = "/") -> Response:
        session = session_of(request)
        if session.signed_in:
            return RedirectResponse(safe_next(next), 303)
        return self._page(request, next=safe_next(next), notice=session.why_ended())

    async def start(self, request: Request) -> Response:
        return await self._sent(request, step_up=False)

    async def step_up(self, request: Request, next: str = "/") -> Response:
        session = session_of(request)
        if not session.signed_in:
            return RedirectResponse(f"/sign-in?next={quote(safe_next(next), safe='')}", 303)
        if fresh_enough(session, self._now()):
            return RedirectResponse(safe_next(next), 303)
        return self._page(request, next=safe_next(next), step_up=True, name=session.name)

    async def start_step_up(self, request: Request) -> Response:
        return await self._sent(request, step_up=session_of(request).signed_in)

    async def callback(self, request: Request) -> Response:
        session = session_of(request)
        asked_step_up = bool(session.get(_STEP_UP))
        try:
            who = await self._provider.exchange(request)
            if asked_step_up and not is_fresh(who.auth_time, self._now()):
                raise SignInRefused(NOT_PROVEN, reason="step_up_ignored")
            if not who.roles:
                return self._without_role(request, who)
            person_id = await self._recognise(who)
        except Refusal as refusal:
            return self._refused(request, refusal)
        same_person = session.person_id == person_id
        target = safe_next(session.get(_NEXT)) if same_person or not asked_step_up else "/"
        session.sign_in(person_id, who, self._now())
        if asked_step_up and not same_person:
            session.flash(f"You are now signed in as {who.name}. What somebody else had typed was not kept.", good=False)
        return RedirectResponse(target, 303)

    async def sign_out(self, request: Request) -> Response:
        id_token = session_of(request).sign_out()
        return RedirectResponse(await self._provider.logout_url(id_token) or "/signed-out", 303)

    async def signed_out(self, request: Request) -> Response:
        return self._render(request, "signed_out.html", {})

    async def _sent(self, request: Request, *, step_up: bool) -> Response:
        form = await request.form()
        session = session_of(request)
        target = safe_next(str(form.get("next", "/")))
        try:
            response = await self._provider.authorize_redirect(request, step_up=step_up)
        except SignInRefused as refusal:
            log.warning("sign_in_not_started", code=refusal.code, reason=refusal.reason)
            status = 503 if isinstance(refusal, ProviderUnreachable) else 502
            return self._page(request, status, next=target, problem=str(refusal), step_up=step_up, name=session.name)
        session[_NEXT], session[_STEP_UP] = target, step_up
        return response

    def _without_role(self, request: Request, who: SignedIn) -> Response:
        log.info("sign_in_without_role", issuer=who.issuer, subject=who.subject)
        session_of(request).sign_out()
        return self._render(request, "no_access.html", {"name": who.name, "email": who.email}, status=403)

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        log.warning("sign_in_refused", code=refusal.code, reason=getattr(refusal, "reason", refusal.code))
        session = session_of(request)
        target = safe_next(session.pop(_NEXT, None))
        step_up = bool(session.pop(_STEP_UP, False)) and session.signed_in
        status = 503 if isinstance(refusal, ProviderUnreachable) else 403
        return self._page(request, status, next=target, problem=str(refusal), step_up=step_up, name=session.name)

    def _page(self, request: Request, status: int = 200, /, **context: Any) -> Response:
        nothing: Mapping[str, Any] = {"next": "/", "notice": None, "problem": None, "step_up": False, "name": ""}
        return self._render(request, "sign_in.html", {**nothing, **context}, status=status)


def sign_in_routes(
    *,
    provider: Provider,
    recognise: Recognise,
    render: Render,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> APIRouter:
    """The router to mount at the root. All of these paths are open to people who are not signed in."""
    pages = SignInPages(provider, recognise, render, now)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/sign-in", pages.sign_in, methods=["GET"], response_model=None)
    router.add_api_route("/sign-in", pages.start, methods=["POST"], response_model=None)
    router.add_api_route("/step-up", pages.step_up, methods=["GET"], response_model=None)
    router.add_api_route("/step-up", pages.start_step_up, methods=["POST"], response_model=None)
    router.add_api_route("/auth/callback", pages.callback, methods=["GET"], response_model=None)
    router.add_api_route("/sign-out", pages.sign_out, methods=["POST"], response_model=None)
    router.add_api_route("/signed-out", pages.signed_out, methods=["GET"], response_model=None)
    return router
