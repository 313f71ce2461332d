"""Calls to servers that a person named: only to the public internet, and to the very address that was checked.

A name that leads outside when the account is registered may lead into the department's own network a moment later.
"""

import asyncio
import ipaddress
import socket

import httpx2

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(httpx2.ConnectError):
    """The name leads to an address that is not on the public internet."""


class PublicTransport(httpx2.AsyncBaseTransport):
    """Connects to public addresses alone, those it checked; the certificate must be the name's all the same."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._inner.handle_async_request(await _pinned(request))

    async def aclose(self) -> None:
        await self._inner.aclose()


def is_public(address: Address) -> bool:
    """Whether this is on the public internet, also when it is an IPv4 address in an IPv6 coat."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


async def _pinned(request: httpx2.Request) -> httpx2.Request:
    """The same request to the very address that was checked: a name that resolves otherwise a moment later gains nothing."""
    host = request.url.host
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, request.url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpx2.ConnectError("the name is not known") from None
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotPublic("the server is not on the public internet")
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(addresses[0])),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
