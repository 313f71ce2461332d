"""Around every request: its id, a bound on its body, and the headers no answer of an API should lack."""

from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import BodyTooLarge, refused

JSON_MOST = 256 * 1024
# 10 MB of image, and what multipart wraps around it.
MEDIA_MOST = 10 * 1024 * 1024 + 64 * 1024


class RequestIds:
    """Gives each request an id, unless the application around this one did: on the record, in X-Request-Id, in each problem.

    It is never the caller's own: what goes on the record is not for a stranger to choose.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {}).setdefault("request_id", uuid4().hex)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Request-Id", request_id)
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyBound:
    """Refuses a body that is too large, by what it says of itself or by what arrives; the rest is never read into memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MEDIA_MOST if scope["path"].endswith("/media") else JSON_MOST
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and (len(said) > 18 or int(said) > most):
            await refused(HTTPConnection(scope), BodyTooLarge(most))(scope, receive, send)
            return
        taken = 0
        over = False
        started = False

        async def receive_bounded() -> Message:
            nonlocal taken, over
            message = await receive()
            taken += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if taken > most:
                over = True
                raise BodyTooLarge(most)
            return message

        async def send_unless_over(message: Message) -> None:
            # Readers of the body wrap what they are thrown in answers of their own; what is true is said instead.
            nonlocal started
            if over and not started:
                return
            started = True
            await send(message)

        try:
            await self._app(scope, receive_bounded, send_unless_over)
        except BodyTooLarge:
            over = True
        if over and not started:
            await refused(HTTPConnection(scope), BodyTooLarge(most))(scope, receive, send)
