"""A server that a person names is public and https, and is called at the address that was checked."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.connections import public_servers
from integrations.connections.base import Client, ConnectFailed
from integrations.connections.public_servers import server_address
from integrations.connections.registry import CONNECTIONS, connections
from integrations.platforms import public
from integrations.platforms.public import is_public
from integrations.platforms.wire import utc_now
from tests.integrations.connections.harness import CALLBACK, PASSWORD
from tests.integrations.platforms.serving import scripted

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://social.example", "https://social.example"),
        (" Social.Example/ ", "https://social.example"),
        ("https://social.example:443/", "https://social.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://sоcial.example", "https://xn--scial-jye.example"),  # a Cyrillic o
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
        "https://social.example;url=https:evil.example",
        'https://social.example"',
        "https://-social.example",
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


NAMED = "social.example"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def certificate(folder: Path, name: str) -> Path:
    """A certificate for this name, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = utc_now()
    built = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(1)
    built = built.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    signed = built.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / f"{name}.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + pem)
    return path


@contextmanager
def tls_server(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Answers one request over TLS; the list gets the name asked for and the request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    seen: list[str] = []
    context.sni_callback = lambda _, name, __: seen.append(str(name))

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                seen.append(secured.recv(65536).decode())
                secured.sendall(OK)
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1]), seen
        thread.join(timeout=5)


@pytest.mark.parametrize("certified", [NAMED, "other.example"])
async def test_the_address_is_pinned_and_the_name_is_still_proven(
    certified: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to the address that was checked; the certificate must be the name's all the same."""
    path = certificate(tmp_path, certified)
    trusting = ssl.create_default_context(cafile=str(path))
    resolved: list[str] = []
    with tls_server(path) as (port, seen):

        def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
            resolved.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(public, "is_public", lambda address: True)
        monkeypatch.setattr(public_servers, "tls_context", lambda: trusting)
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        transport = public_servers.NarrowTransport(public_only=True)
        request = httpx2.Request("GET", f"https://{NAMED}:{port}/api/v1/apps")
        if certified == NAMED:
            response = await transport.handle_async_request(request)
            assert response.status_code == 200
            assert f"Host: {NAMED}:{port}" in seen[1]
        else:
            with pytest.raises(httpx2.ConnectError):
                await transport.handle_async_request(request)
        await transport.aclose()
    assert seen[0] == NAMED
    assert resolved[0] == NAMED
