"""Sealing what a session must keep but the database alone must not be able to use: the person's refresh and ID tokens.

The key is derived from the cookie (HKDF-SHA256, RFC 5869), of which the database holds only a hash. Whoever copies the
table gets ciphertext; whoever signs out throws the key away.
"""

import base64
import json
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


@dataclass(frozen=True)
class Tokens:
    """What the identity provider gave with the sign-in."""

    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)


def seal(tokens: Tokens, *, cookie: str, id_hash: bytes) -> str:
    """The tokens as AES-256-GCM ciphertext in base64, bound to this session's row."""
    nonce = os.urandom(_NONCE_BYTES)
    plain = json.dumps([tokens.refresh_token, tokens.id_token]).encode()
    return base64.b64encode(nonce + AESGCM(_key(cookie)).encrypt(nonce, plain, id_hash)).decode()


def unseal(sealed: str, *, cookie: str, id_hash: bytes) -> Tokens | None:
    """The tokens again; None if the row was moved or altered."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        plain = AESGCM(_key(cookie)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], id_hash)
        refresh_token, id_token = json.loads(plain)
    except (InvalidTag, ValueError):
        return None
    return Tokens(refresh_token, id_token)


def _key(cookie: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"countersign session tokens v1").derive(cookie.encode())
