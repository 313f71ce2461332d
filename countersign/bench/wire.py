"""Load: kept-alive connections that cost next to nothing themselves, so that what is measured is the other end."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from countersign.bench.figures import Latencies
from countersign.embedded.trouble import EmbeddedTrouble

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    path: str
    body: dict[str, Any]


class Line:
    """One HTTP/1.1 connection, one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, token: str) -> None:
        self._reader, self._writer = reader, writer
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        self._head = f"Host: {host}\r\n{bearer}Content-Type: application/json\r\n"

    @classmethod
    async def to(cls, url: str, *, token: str = "") -> "Line":
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(reader, writer, parts.netloc, token)

    async def post(self, request: Request) -> None:
        """Raises EmbeddedTrouble for any answer that is no success: a refusal would make the figure look good."""
        body = json.dumps(request.body).encode()
        self._writer.write(f"POST {request.path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            (int(line.partition(":")[2]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0
        )
        answer = await self._reader.readexactly(length)
        if not 200 <= int(head.split(" ", 2)[1]) < 300:
            raise EmbeddedTrouble(f"The measurement was answered {head.splitlines()[0]}: {answer.decode(errors='replace')[:400]}")

    def close(self) -> None:
        self._writer.close()


async def load(url: str, requests: Sequence[Request], *, at_once: int, warm: int, token: str = "") -> Latencies:
    """Send them all, `at_once` at a time; the first `warm` open connections and fill caches, and are not counted."""
    lines = [await Line.to(url, token=token) for _ in range(at_once)]
    try:
        await timed(requests[:warm], [line.post for line in lines])
        return await timed(requests[warm:], [line.post for line in lines])
    finally:
        for line in lines:
            line.close()


async def timed(items: Sequence[T], hands: Sequence[Callable[[T], Awaitable[None]]]) -> Latencies:
    """Each hand takes the next item when it is done with the one before."""
    left = iter(items)
    each: list[float] = []

    async def work(hand: Callable[[T], Awaitable[None]]) -> None:
        for item in left:
            began = time.perf_counter()
            await hand(item)
            each.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work(hand) for hand in hands))
    return Latencies(tuple(each), time.perf_counter() - began)
