"""A server that a person names is public and https, and is called at the address that was checked."""

import ipaddress
import socket
from typing import Any

import pytest

from integrations.connections.base import Client, ConnectFailed
from integrations.connections.public_servers import is_public, server_address
from integrations.connections.registry import CONNECTIONS, connections
from tests.integrations.connections.harness import CALLBACK, PASSWORD
from tests.integrations.platforms.serving import scripted

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://social.example", "https://social.example"),
        (" Social.Example/ ", "https://social.example"),
        ("https://social.example:443/", "https://social.example"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert server_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "http://social.example",
        "ftp://social.example",
        "https://localhost",
        "https://127.0.0.1",
        "https://[::1]",
        "https://127.1",
        "https://2130706433",
        "https://0x7f.0.0.0x1",
        "https://social.example:8443",
        "https://social.example:port",
        "https://somebody:secret@social.example",
        "https://social.example/@dept",
        "https://social.example?x=1",
        "https://social example",
    ],
)
def test_what_is_not_a_public_address_is_refused_at_the_form(typed: str) -> None:
    with pytest.raises(ConnectFailed):
        CONNECTIONS["mastodon"].server_address(typed)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_private_addresses_are_known_in_every_coat(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize("name", ["mastodon", "bluesky"])
async def test_a_public_name_that_leads_inside_is_not_called(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the name resolves to counts, at the moment of the call: names that change in between gain nothing."""
    with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, script):
        port = int(url.rpartition(":")[2])

        def inside(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", inside)
        connection = CONNECTIONS[name]
        secret = {"identifier": "dept", "app_password": PASSWORD, "code": "c", "verifier": "v"}
        with pytest.raises(ConnectFailed, match="not on the public internet"):
            await connection.exchange(Client("", "", "https://social.example"), secret=secret, redirect_uri=CALLBACK)
        assert script.connections == 0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "does not answer as a Mastodon server"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "does not answer as a Mastodon server"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "sends callers elsewhere"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b" " * 3_000_000, "could not be reached"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "could not be reached"),
    ],
    ids=["missing", "a page", "moved", "endless", "compressed"],
)
async def test_a_server_that_is_no_mastodon_is_said_to_be_none(answer: bytes, says: str) -> None:
    with scripted(answer) as (url, script):
        with pytest.raises(ConnectFailed, match=says):
            await connections(private_servers=True)["mastodon"].register(url, CALLBACK)
        assert script.connections == 1
