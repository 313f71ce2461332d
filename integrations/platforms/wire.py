"""One HTTP call and exactly what is known after it: whether a byte was sent, and what came back, whole or in part."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from ssl import SSLContext
from typing import Any

import httpx2

from integrations.platforms.public import NotPublic, PublicTransport

MOST_ANSWER_BYTES = 1 << 20
_FIRST_BYTE = "http11.send_request_headers.started"


@dataclass(frozen=True)
class Call:
    """One request. Tokens travel in headers alone, never in the address, because addresses are logged."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    params: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    files: dict[str, tuple[str, bytes, str]] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back. `complete` is False when the head arrived and the body broke off: only the status is then certain."""

    status: int
    headers: httpx2.Headers
    body: bytes
    complete: bool = True

    def data(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else, so that reading it proves nothing by accident."""
        if not self.complete:
            return {}
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def find(self, *path: str) -> Any:
        """The value at a path of keys, or None where the body is shaped otherwise."""
        value: Any = self.data()
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value


class CallFailed(Exception):
    """No answer. `sent` is False only when it is certain that not one byte of the request left."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class _NotAllowedToStart(Exception):
    """The gate said no between the connection and the first byte."""


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list; none where the value is anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def utc_now() -> datetime:
    return datetime.now(UTC)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def without(secret: str, words: str) -> str:
    """The words without the token, should a platform have echoed it. Nothing shorter than eight characters is a token."""
    return words.replace(secret, "[token]") if len(secret) >= 8 else words


def scrub(words: str, secret: str) -> str:
    """A platform's words for a person: short, on one line, without the token."""
    return without(secret, " ".join(words.split()))[:300]


@cache
def tls_context() -> SSLContext:
    """The machine's trusted certificates. Reading them takes a quarter of a second: a worker asks once before it serves."""
    return httpx2.create_ssl_context()


class _Watch:
    """Follows a request's progress through the client's trace and holds it at the gate before its first byte."""

    def __init__(self, may_start: Callable[[], bool] | None) -> None:
        self.may_start = may_start
        self.sent = False
        self.head: Answer | None = None

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        if event != _FIRST_BYTE or self.sent:
            return
        if self.may_start is not None and not self.may_start():
            raise _NotAllowedToStart
        self.sent = True


async def make_call(
    call: Call, *, seconds: float, public_only: bool = False, may_start: Callable[[], bool] | None = None
) -> Answer:
    """Make one call on a connection of its own: no retry, no redirect, no proxy from the environment, HTTP/1.1.

    `public_only`: the server was named by a person, so it is called on the public internet or not at all.

    Once the head of the answer is here it is returned even if the body breaks off (`complete` False): its status is certain.
    Raises CallFailed when no head came within `seconds` (of the whole call), or `may_start` said no.
    """
    watch = _Watch(may_start)
    try:
        async with (
            asyncio.timeout(seconds),
            httpx2.AsyncClient(
                transport=_transport(public_only), trust_env=False, follow_redirects=False, timeout=None
            ) as client,
        ):
            return await _exchange(client, call, watch)
    except _NotAllowedToStart as stopped:
        raise CallFailed("it started too late", sent=False) from stopped
    except TimeoutError as slow:
        if watch.head is not None:
            return watch.head
        raise CallFailed(f"it took longer than {seconds:g} seconds", sent=watch.sent) from slow
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as failure:
        if watch.head is not None:
            return watch.head
        raise CallFailed(_why(failure), sent=watch.sent) from failure


def _transport(public_only: bool) -> httpx2.AsyncBaseTransport:
    inner = httpx2.AsyncHTTPTransport(verify=tls_context(), trust_env=False, http2=False)
    return PublicTransport(inner) if public_only else inner


async def _exchange(client: httpx2.AsyncClient, call: Call, watch: _Watch) -> Answer:
    request = client.build_request(
        call.method,
        call.url,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "countersign", **call.headers},
        params=call.params or None,
        json=call.json,
        data=call.form,
        files=call.files,
        content=call.content,
        extensions={"trace": watch},
    )
    response = await client.send(request, stream=True)
    try:
        watch.head = Answer(response.status_code, response.headers, b"", complete=False)
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_ANSWER_BYTES:
                return watch.head
        return Answer(response.status_code, response.headers, bytes(body))
    finally:
        await response.aclose()


def _why(failure: Exception) -> str:
    if isinstance(failure, NotPublic):
        return "its server is not on the public internet, so it was not called"
    if isinstance(failure, httpx2.ConnectError):
        return "the connection could not be made"
    if isinstance(failure, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return "its address is not usable"
    return "the connection broke"


async def poll(check: Callable[[], Awaitable[bool]], *, every: float, seconds: float) -> bool:
    """Ask `check` until it says yes, or say no after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while not await check():  # noqa: ASYNC110 - the platform knows; nothing of ours could announce it
                await asyncio.sleep(every)
    except TimeoutError:
        return False
    return True
