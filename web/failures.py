"""What people see when something was refused, is missing, or broke: a page with a sentence and a way on."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.domain.refusals import BadInput, Conflict, NotAllowed, NotFound, Refusal, StepUpNeeded, TooLarge
from web.desk import Desk, NotSignedIn, request_id
from web.sign_in import to_sign_in, to_step_up

log = structlog.get_logger(__name__)

_FAMILIES: tuple[tuple[type[Refusal], int, str], ...] = (
    (NotFound, 404, "Page not found"),
    (NotAllowed, 403, "You cannot do this"),
    (Conflict, 409, "This has changed"),
    (TooLarge, 413, "Too large"),
    (BadInput, 422, "There is a problem"),
)
_DRAFT = re.compile(r"^/drafts/([0-9a-f-]{36})(?:/|$)")
_HOME = {"text": "Go to the first page", "href": "/"}
_BROKEN = "Something went wrong on our side. If you were sending a form, check whether it was recorded before you send it again."

_AWAY = (
    "The service’s database is not answering, so nothing is confirmed. Wait a minute and try again. "
    "If you were sending a form, check first whether it was recorded."
)


class FailurePages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def say(self, request: Request, status: int, title: str, sentence: str, **context: Any) -> Response:
        found = _DRAFT.match(request.url.path)
        way_back = [{"text": "Open the draft as it is now", "href": f"/drafts/{found[1]}"}] if found and status != 404 else []
        values = {"title": title, "sentences": [sentence], "links": [*way_back, _HOME], **context}
        return self._desk.page(request, "message.html", status, **values)

    async def refused(self, request: Request, refusal: Exception) -> Response:
        if isinstance(refusal, StepUpNeeded):
            return to_step_up(request.url.path if request.method == "GET" else "/")
        for family, status, title in _FAMILIES:
            if isinstance(refusal, family):
                return self.say(request, status, title, str(refusal), paragraph=refusal.paragraph)
        return self.say(request, 400, "This was refused", str(refusal))

    async def not_signed_in(self, request: Request, problem: Exception) -> Response:
        return to_sign_in(request)

    async def unreadable(self, request: Request, problem: Exception) -> Response:
        """An address that no page can have, such as an id that is none, is an address where nothing is."""
        return await self.refused(request, NotFound())

    async def http(self, request: Request, problem: Exception) -> Response:
        status = problem.status_code if isinstance(problem, HTTPException) else 400
        if status == 404:
            return await self.refused(request, NotFound())
        if status == 413:
            return await self.refused(
                request, TooLarge("What you sent is too large. Send fewer or smaller images; each may have 10 MB.")
            )
        if status == 400 and "exceeded maximum size" in str(getattr(problem, "detail", "")):
            return await self.refused(request, TooLarge("One of the texts is longer than any platform takes. Shorten it."))
        if status == 405:
            return self.say(request, 405, "This page cannot do that", "Go back and use the page’s own buttons.")
        return self.say(request, status, "This could not be read", "What was sent could not be read. Go back and try again.")

    async def away(self, request: Request) -> Response:
        """The database cannot be reached: silence is not a no, so whoever sent a form looks before sending it again."""
        page = self.say(request, 503, "Sorry, the service is not available", _AWAY, reference=request_id(request))
        page.headers["retry-after"] = "10"
        return page

    async def broken(self, request: Request) -> Response:
        return self.say(request, 500, "Sorry, there is a problem", _BROKEN, reference=request_id(request))


class BrokenPages:
    """ASGI middleware: an error nobody expected becomes a page with a reference; the details go to the log alone."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        page: Callable[[Request], Awaitable[Response]],
        away: Callable[[Request], Awaitable[Response]],
        unavailable: tuple[type[Exception], ...] = (),
    ) -> None:
        self._app = app
        self._page = page
        self._away = away
        self._unavailable = unavailable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting_start)
        except Exception as problem:
            request = Request(scope, receive)
            away = isinstance(problem, self._unavailable)
            if away:
                log.warning("database_unavailable", path=scope["path"], reason=type(problem).__name__)
            else:
                log.exception("page_failed", path=scope["path"], request_id=request_id(request))
            if started:
                raise
            scope.pop("session", None)
            await (await (self._away if away else self._page)(request))(scope, receive, send)


def register(app: FastAPI, pages: FailurePages) -> None:
    """Make `app` answer refusals and failures with these pages."""
    app.add_exception_handler(Refusal, pages.refused)
    app.add_exception_handler(NotSignedIn, pages.not_signed_in)
    app.add_exception_handler(RequestValidationError, pages.unreadable)
    app.add_exception_handler(HTTPException, pages.http)
