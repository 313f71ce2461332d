"""Keys that never leave a key server: one that speaks as HashiCorp Vault's transit engine does, over HTTPS.

It wraps and unwraps data keys for whoever shows the token; this process never holds a key-encryption key. It stands as the
example of a key server: another is another KeySource.
"""

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from integrations.secrets.keyring import KeySource, WrappedKey
from integrations.secrets.trouble import CannotOpen, KeyTrouble

SECONDS = 5.0


@dataclass(frozen=True)
class Transit:
    """Where the key server is, which of its keys is ours, and the token that lets us use it."""

    address: str
    key: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise KeyTrouble("The key server's address must begin with https:// anywhere but on this machine itself.")


class TransitKeys(KeySource):
    """Ids are `transit:<key>:v<number>`, as the server numbers them."""

    def __init__(self, transit: Transit) -> None:
        self._transit = transit

    async def current(self) -> str:
        return self._id((await self._key())["latest_version"])

    async def ids(self) -> tuple[str, ...]:
        key = await self._key()
        first, last = int(key.get("min_decryption_version", 1)), int(key["latest_version"])
        return tuple(self._id(number) for number in range(first, last + 1))

    async def wrap(self, data_key: bytes, bound: bytes) -> WrappedKey:
        body = {"plaintext": _base64(data_key), "associated_data": _base64(bound)}
        ciphertext = str((await self._ask("POST", f"encrypt/{self._transit.key}", body))["ciphertext"])
        return WrappedKey(self._id(ciphertext.split(":")[1].removeprefix("v")), ciphertext.encode())

    async def unwrap(self, wrapped: WrappedKey, bound: bytes) -> bytes:
        body = {"ciphertext": wrapped.wrapped.decode("ascii", "replace"), "associated_data": _base64(bound)}
        return base64.b64decode((await self._ask("POST", f"decrypt/{self._transit.key}", body))["plaintext"])

    async def rotate(self) -> str:
        await self._ask("POST", f"keys/{self._transit.key}/rotate", {})
        return await self.current()

    async def forget(self, kek_id: str) -> None:
        number = int(kek_id.rpartition(":v")[2])
        if kek_id == await self.current():
            raise KeyTrouble(f"{kek_id} is the current key. Rotate first, then forget it.")
        await self._ask("POST", f"keys/{self._transit.key}/config", {"min_decryption_version": number + 1})

    async def _key(self) -> dict[str, Any]:
        return await self._ask("GET", f"keys/{self._transit.key}")

    def _id(self, number: object) -> str:
        return f"transit:{self._transit.key}:v{number}"

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call. Its failure says the status alone: a key server's words may quote what was asked."""
        headers = {"X-Vault-Token": self._transit.token}
        try:
            async with httpx2.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False) as client:
                url = f"{self._transit.address.rstrip('/')}/v1/transit/{path}"
                answer = await client.request(method, url, headers=headers, json=body)
        except httpx2.HTTPError as away:
            raise KeyTrouble(
                f"The key server does not answer ({type(away).__name__}); no secret can be opened until it does."
            ) from None
        if answer.status_code == 400 and path.startswith("decrypt/"):
            raise CannotOpen("A wrapped key does not open where it stands.")
        if not answer.is_success:
            raise KeyTrouble(f"The key server answered {answer.status_code}. Check its token and the key's name.")
        try:
            data = answer.json().get("data") or {}
        except ValueError:
            raise KeyTrouble("The key server's answer cannot be read.") from None
        return dict(data)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
