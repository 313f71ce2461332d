"""A key server: data keys are wrapped there, over HTTP as Vault's transit engine speaks it, and no key comes here."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from integrations.secrets.envelope import Place, Sealed, rewrap, seal, unseal
from integrations.secrets.trouble import CannotOpen, KeyTrouble
from integrations.secrets.vault import Transit, TransitKeys

pytestmark = pytest.mark.anyio

PLACE = Place("token", ("x", "account-1", "2244994945"), 1)
TOKEN = "vault-canary-1d07"


class KeyServer(BaseHTTPRequestHandler):
    """Encrypts, decrypts and rotates one key; its answers have the shape that Vault documents for transit."""

    versions: list[bytes]
    first: int

    def do_GET(self) -> None:
        self._answer({"latest_version": len(self.versions), "min_decryption_version": self.first})

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        cls = type(self)
        bound = base64.b64decode(body.get("associated_data", ""))
        if "/encrypt/" in self.path:
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(cls.versions[-1]).encrypt(nonce, base64.b64decode(body["plaintext"]), bound)
            return self._answer({"ciphertext": f"vault:v{len(cls.versions)}:{base64.b64encode(sealed).decode()}"})
        if "/decrypt/" in self.path:
            _, version, text = body["ciphertext"].split(":")
            raw, number = base64.b64decode(text), int(version[1:])
            try:
                if number < cls.first:
                    raise InvalidTag
                plain = AESGCM(cls.versions[number - 1]).decrypt(raw[:12], raw[12:], bound)
            except InvalidTag:
                return self._answer({"errors": [f"cannot decrypt {text}"]}, 400)
            return self._answer({"plaintext": base64.b64encode(plain).decode()})
        if self.path.endswith("/rotate"):
            cls.versions.append(os.urandom(32))
        if self.path.endswith("/config"):
            cls.first = body["min_decryption_version"]
        self._answer({})

    def _answer(self, data: dict[str, Any], status: int = 200) -> None:
        if self.headers.get("X-Vault-Token") != TOKEN:
            status, data = 403, {}
        raw = json.dumps({"data": data}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    KeyServer.versions, KeyServer.first = [os.urandom(32)], 1
    server = ThreadingHTTPServer(("127.0.0.1", 0), KeyServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_secrets_are_sealed_rotated_and_forgotten_at_the_key_server(address: str) -> None:
    keys = TransitKeys(Transit(address, "countersign", TOKEN))
    sealed = await seal(keys, b"secret", PLACE)
    assert sealed.wrapped.kek_id == "transit:countersign:v1" == await keys.current()
    assert await unseal(keys, sealed, PLACE) == b"secret"
    assert await keys.rotate() == "transit:countersign:v2"
    assert await keys.ids() == ("transit:countersign:v1", "transit:countersign:v2")
    moved = Sealed(sealed.sealed, await rewrap(keys, sealed, PLACE))
    assert moved.wrapped.kek_id == "transit:countersign:v2"
    await keys.forget("transit:countersign:v1")
    assert await unseal(keys, moved, PLACE) == b"secret"
    with pytest.raises(CannotOpen):
        await unseal(keys, sealed, PLACE)


async def test_a_key_of_another_place_is_not_unwrapped(address: str) -> None:
    keys = TransitKeys(Transit(address, "countersign", TOKEN))
    sealed = await seal(keys, b"secret", PLACE)
    with pytest.raises(CannotOpen):
        await unseal(keys, sealed, Place("token", ("x", "account-2", "2244994945"), 1))


async def test_a_key_server_that_refuses_or_is_away_is_one_sentence(address: str) -> None:
    wrong = TransitKeys(Transit(address, "countersign", "another"))
    with pytest.raises(KeyTrouble, match="403"):
        await seal(wrong, b"secret", PLACE)
    away = TransitKeys(Transit("http://127.0.0.1:1", "countersign", TOKEN))
    with pytest.raises(KeyTrouble, match="does not answer") as trouble:
        await away.current()
    assert TOKEN not in str(trouble.value) + repr(Transit(address, "countersign", TOKEN))


def test_a_key_server_elsewhere_is_spoken_to_over_https_alone() -> None:
    with pytest.raises(KeyTrouble, match="https"):
        Transit("http://vault.example", "countersign", TOKEN)
