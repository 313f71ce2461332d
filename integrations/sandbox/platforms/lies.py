"""The ways in which platforms lie about what they did, switched on one request at a time through `POST /_lie`."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.platforms.ledger import StoredPost


class Mode(StrEnum):
    """What happens to the next post: whether it is accepted, and what the caller is told."""

    ACCEPT_THEN_500 = "accept_then_500"
    ACCEPT_THEN_HANG = "accept_then_hang"
    ACCEPT_LATE = "accept_late"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    REFUSE_429 = "refuse_429"
    REFUSE_503_BEFORE = "refuse_503_before"
    TRUNCATE = "truncate"
    PROCESSING = "processing"


class Lie(BaseModel):
    """`times` posts (uploads, for `processing`) are lied about; `seconds` is how long it hangs, is late or works."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode
    times: Annotated[int, Field(ge=0, le=10_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0


class Lies:
    """The lies still to be told, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: deque[Lie] = deque()

    def add(self, lie: Lie) -> None:
        self._waiting.extend([lie] * lie.times)

    def clear(self) -> None:
        self._waiting.clear()

    def about_post(self) -> Lie | None:
        return self._take(lambda lie: lie.mode is not Mode.PROCESSING)

    def about_upload(self) -> Lie | None:
        return self._take(lambda lie: lie.mode is Mode.PROCESSING)

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
    accept: Callable[[bool], StoredPost],
    answer: Callable[[StoredPost], Response],
    limited: Callable[[], Response],
    broken: Callable[[int], Response],
) -> Response:
    """Accept and answer a valid post truthfully, or as `lie` says. `accept(truncated)` commits it to the ledger."""
    mode = lie.mode if lie else None
    seconds = lie.seconds if lie else 0.0
    if mode is Mode.REFUSE_429:
        return limited()
    if mode is Mode.REFUSE_503_BEFORE:
        return broken(503)
    if mode is Mode.CUT_BEFORE:
        return cut(request)
    if mode is Mode.ACCEPT_LATE:
        await asyncio.sleep(seconds)
    accepted = accept(mode is Mode.TRUNCATE)
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
