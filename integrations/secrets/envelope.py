"""Secrets at rest: AES-256-GCM with a key of its own for each, and that key wrapped by the key-encryption key.

The associated data binds both layers to what the secret is and whose, version included: a row that is swapped for another's,
or put back to an older version, does not open.
"""

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from integrations.secrets.keyring import KeySource, WrappedKey
from integrations.secrets.trouble import CannotOpen

_NONCE_BYTES = 12


@dataclass(frozen=True)
class Place:
    """What a sealed secret is: `kind` (token, worker_key, app), `owner` whatever names it, and its version."""

    kind: str
    owner: tuple[str, ...]
    version: int

    @property
    def bound(self) -> bytes:
        return "|".join(
            ("countersign v1", self.kind, *(part.replace("|", "%7C") for part in self.owner), str(self.version))
        ).encode()


@dataclass(frozen=True)
class Sealed:
    """A secret as the database keeps it."""

    sealed: bytes = field(repr=False)
    wrapped: WrappedKey


async def seal(keys: KeySource, plain: bytes, place: Place) -> Sealed:
    """A fresh data key for this one secret. Raises KeyTrouble if the key source does not answer."""
    data_key, nonce = AESGCM.generate_key(bit_length=256), os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(data_key).encrypt(nonce, plain, place.bound)
    return Sealed(sealed, await keys.wrap(data_key, place.bound))


async def unseal(keys: KeySource, sealed: Sealed, place: Place) -> bytes:
    """The secret again. Raises CannotOpen if the row was moved, altered or put back; KeyTrouble."""
    data_key = await keys.unwrap(sealed.wrapped, place.bound)
    try:
        return AESGCM(data_key).decrypt(sealed.sealed[:_NONCE_BYTES], sealed.sealed[_NONCE_BYTES:], place.bound)
    except (InvalidTag, ValueError) as wrong:
        raise CannotOpen("A secret at rest does not open where it stands.") from wrong


async def rewrap(keys: KeySource, sealed: Sealed, place: Place) -> WrappedKey:
    """The same data key under the current key-encryption key; the secret itself is not touched. Raises CannotOpen, KeyTrouble."""
    return await keys.wrap(await keys.unwrap(sealed.wrapped, place.bound), place.bound)
