"""A one-way street for secrets: who holds the worker's public key can seal to it, and only the worker can open.

An ephemeral X25519 key per secret, HKDF-SHA256 (RFC 5869) over the shared secret, AES-256-GCM. The associated data binds what
was sealed to the consent, the purpose and the key it was sealed for, so that a row moved elsewhere does not open.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from integrations.secrets.trouble import CannotOpen

_INFO = b"countersign sealed to the worker v1"
_KEY_BYTES, _NONCE_BYTES = 32, 12


@dataclass(frozen=True)
class SecretPlace:
    """Where a sealed secret belongs."""

    connection_id: UUID
    purpose: str
    worker_key_id: UUID

    @property
    def bound(self) -> bytes:
        return f"connection|{self.connection_id}|{self.purpose}|{self.worker_key_id}".encode()


def new_key_pair() -> tuple[bytes, bytes]:
    """A fresh private and public key, 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def seal_for_worker(public_key: bytes, secret: Mapping[str, str], place: SecretPlace) -> bytes:
    """Only the worker can open it, and only at this place."""
    ephemeral = X25519PrivateKey.generate()
    ours = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key))
    nonce = os.urandom(_NONCE_BYTES)
    plain = json.dumps(dict(secret)).encode()
    return ours + nonce + AESGCM(_key(shared, ours, public_key)).encrypt(nonce, plain, place.bound)


def open_sealed(private_key: bytes, sealed: bytes, place: SecretPlace) -> dict[str, str]:
    """What was sealed. Raises CannotOpen."""
    private = X25519PrivateKey.from_private_bytes(private_key)
    theirs, nonce, rest = sealed[:_KEY_BYTES], sealed[_KEY_BYTES : _KEY_BYTES + _NONCE_BYTES], sealed[_KEY_BYTES + _NONCE_BYTES :]
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
        key = _key(shared, theirs, private.public_key().public_bytes_raw())
        opened: dict[str, str] = json.loads(AESGCM(key).decrypt(nonce, rest, place.bound))
    except (InvalidTag, ValueError) as wrong:
        raise CannotOpen("A sealed secret does not open here.") from wrong
    return opened


def _key(shared: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    """Bound to both public keys, as in a sealed box: nobody can claim another's."""
    return HKDF(algorithm=SHA256(), length=32, salt=ephemeral + recipient, info=_INFO).derive(shared)
