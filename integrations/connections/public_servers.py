"""Servers that a person names (Mastodon, Bluesky): public and https, and reached at the address that was checked.

Without this anybody who registers accounts could make the worker call into the department's own network.
"""

import ipaddress
import re
from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import urlsplit

import httpx2

from integrations.connections.base import ConnectFailed
from integrations.platforms.public import PublicTransport
from integrations.platforms.wire import MOST_ANSWER_BYTES, tls_context

NOT_AN_ADDRESS = "Enter the server's address as in a browser, for example https://social.example: https and a public name alone."
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


def server_address(typed: str, *, private_servers: bool = False) -> str:
    """The server's address without a trailing slash. Pure: the name is resolved only when it is called. Raises ConnectFailed.

    `private_servers` lets in http, ports and this machine: for the sandbox alone.
    """
    typed = typed.strip()
    try:
        parts = urlsplit(typed if "://" in typed else f"https://{typed}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConnectFailed(NOT_AN_ADDRESS) from None
    plain = not (parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"))
    if not plain or not host or any(character.isspace() for character in host):
        raise ConnectFailed(NOT_AN_ADDRESS)
    if private_servers and parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc.lower()}"
    name = _ascii(host.rstrip("."))
    if parts.scheme != "https" or port not in (None, 443) or not _NAME.fullmatch(name) or _literal(name):
        raise ConnectFailed(NOT_AN_ADDRESS)
    return f"https://{name}"


class NarrowTransport(httpx2.AsyncBaseTransport):
    """Takes at most 1 MiB of an answer, uncompressed. `public_only`: connects to public addresses alone, those it checked."""

    def __init__(self, *, public_only: bool) -> None:
        inner = httpx2.AsyncHTTPTransport(verify=tls_context(), trust_env=False)
        self._inner: httpx2.AsyncBaseTransport = PublicTransport(inner) if public_only else inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.DecodingError("compressed without being asked")
        response.stream = _Limited(cast(httpx2.AsyncByteStream, response.stream))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > MOST_ANSWER_BYTES:
                raise httpx2.ReadError("the answer is too long")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _ascii(host: str) -> str:
    """As the network spells it: what people see and what is called cannot be two names that look alike."""
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # 127.1 or 0x7f000001 would also become an address: a real name ends in something that is no number.
        return host.rstrip(".").rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x")
    return True
