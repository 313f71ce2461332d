"""A server in between that passes everything on and keeps what the other side said of each request."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
from fastapi import FastAPI, Request, Response

from tests.integrations.platforms.serving import serve

_PASSED_ON = ("authorization", "content-type", "accept")


@dataclass
class Recorder:
    """`said`: one line per request: the call, the status, and the violations that the other side named."""

    url: str = ""
    said: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def recording(target: str, *, mend: Callable[[str, bytes], bytes] = lambda call, body: body) -> Iterator[Recorder]:
    """`mend` may change an answer's body, by the call that it answers, where the other side only makes things up."""
    recorder, app = Recorder(), FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def pass_on(path: str, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.request(
                request.method,
                f"{target}/{path}",
                params=list(request.query_params.multi_items()),
                content=await request.body(),
                headers=headers,
            )
        named = answer.headers.get("sl-violations", "")
        with recorder.lock:
            recorder.said.append(f"{request.method} /{path} {answer.status_code}")
            recorder.violations += [f"{request.method} /{path}: {named}"] if named else []
        content = mend(f"{request.method} /{path}", answer.content)
        return Response(content, answer.status_code, media_type=answer.headers.get("content-type"))

    with serve(app) as url:
        recorder.url = url
        yield recorder
