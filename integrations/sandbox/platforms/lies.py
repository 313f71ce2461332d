"""The ways in which platforms lie about what they did, switched on one request at a time through `POST /_lie`."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

Accepted = TypeVar("Accepted")


class Mode(StrEnum):
    """What happens to the next post: whether it is accepted, and what the caller is told.

    FALSE_429: accepted, and answered as if it were not. GHOST_DUPLICATE: refused as the duplicate of a post that is not there.
    PROCESSING is about uploads, LAGGING_TIMELINE about listings (what is younger than `seconds` is not in them yet), the last
    two about any call that bears a token.
    """

    ACCEPT_THEN_500 = "accept_then_500"
    ACCEPT_THEN_HANG = "accept_then_hang"
    ACCEPT_LATE = "accept_late"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    REFUSE_429 = "refuse_429"
    REFUSE_503_BEFORE = "refuse_503_before"
    TRUNCATE = "truncate"
    FALSE_429 = "false_429"
    GHOST_DUPLICATE = "ghost_duplicate"
    PROCESSING = "processing"
    LAGGING_TIMELINE = "lagging_timeline"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a way to fail
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a way to fail


_UPLOAD = frozenset({Mode.PROCESSING})
_LISTING = frozenset({Mode.LAGGING_TIMELINE})
_TOKEN = frozenset({Mode.TOKEN_EXPIRED, Mode.TOKEN_REVOKED})
_NOT_A_CALL = _UPLOAD | _LISTING | _TOKEN


class Lie(BaseModel):
    """`times` posts (uploads, listings, calls: see Mode) are lied about; `seconds` is how long it hangs, is late, works or lags.

    `call` says whether the next posts are lied about or the next removals.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode
    times: Annotated[int, Field(ge=0, le=10_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    call: Literal["post", "removal"] = "post"


class Lies:
    """The lies still to be told, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: deque[Lie] = deque()

    def add(self, lie: Lie) -> None:
        self._waiting.extend([lie] * lie.times)

    def clear(self) -> None:
        self._waiting.clear()

    def about_post(self) -> Lie | None:
        return self._take(lambda lie: lie.mode not in _NOT_A_CALL and lie.call == "post")

    def about_removal(self) -> Lie | None:
        return self._take(lambda lie: lie.mode not in _NOT_A_CALL and lie.call == "removal")

    def about_upload(self) -> Lie | None:
        return self._take(lambda lie: lie.mode in _UPLOAD)

    def about_listing(self) -> Lie | None:
        return self._take(lambda lie: lie.mode in _LISTING)

    def about_token(self) -> Lie | None:
        return self._take(lambda lie: lie.mode in _TOKEN)

    def _take(self, fits: Callable[[Lie], bool]) -> Lie | None:
        for lie in self._waiting:
            if fits(lie):
                self._waiting.remove(lie)
                return lie
        return None


class Scissors:
    """Middleware that keeps hold of the server's connection, so that a lie can cut it without an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(receive, "__self__", None)
        scope["sandbox.connection"] = getattr(cycle, "transport", None)
        await self.app(scope, receive, send)


def cut(request: Request) -> Response:
    """Break the connection with nothing more said. The response returned is never sent."""
    connection: Any = request.scope.get("sandbox.connection")
    if connection is not None:
        connection.abort()
    return Response(status_code=500)


async def tell(
    request: Request,
    lie: Lie | None,
    *,
    accept: Callable[[bool], Accepted],
    answer: Callable[[Accepted], Response],
    limited: Callable[[], Response],
    broken: Callable[[int], Response],
    falsely_limited: Callable[[], Response] = lambda: Response(status_code=429),
    duplicate: Callable[[], Response] | None = None,
) -> Response:
    """Accept and answer a valid post (or removal) truthfully, or as `lie` says. `accept(truncated)` commits it to the ledger.

    `falsely_limited` is what is said when it was accepted all the same; a bare 429, as any machine in between could say it.
    """
    mode = lie.mode if lie else None
    seconds = lie.seconds if lie else 0.0
    if mode is Mode.REFUSE_429:
        return limited()
    if mode is Mode.REFUSE_503_BEFORE:
        return broken(503)
    if mode is Mode.CUT_BEFORE:
        return cut(request)
    if mode is Mode.GHOST_DUPLICATE and duplicate:
        return duplicate()
    if mode is Mode.ACCEPT_LATE:
        await asyncio.sleep(seconds)
    accepted = accept(mode is Mode.TRUNCATE)
    if mode is Mode.FALSE_429:
        return falsely_limited()
    if mode is Mode.ACCEPT_THEN_500:
        return broken(500)
    if mode is Mode.ACCEPT_THEN_HANG:
        await asyncio.sleep(seconds)
        return cut(request)
    if mode is Mode.CUT_AFTER:
        return cut(request)
    return answer(accepted)


def router(lies: Lies) -> APIRouter:
    routes = APIRouter()

    @routes.post("/_lie")
    async def add_lie(lie: Lie) -> dict[str, str]:
        lies.add(lie)
        return {"mode": lie.mode}

    @routes.delete("/_lie")
    async def clear_lies() -> dict[str, bool]:
        lies.clear()
        return {"cleared": True}

    return routes
