"""Key-encryption keys: where they come from, which is current, and how they wrap a secret's own key.

Every key has an id. Several may be readable, so that secrets under an older one open while they are wrapped again; one is
current. The default source is a file that only its owner may read; the environment and a key server (`vault`) are the others.
"""

import base64
import fcntl
import json
import os
import secrets
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from integrations.secrets.trouble import CannotOpen, KeyTrouble

_NONCE_BYTES = 12


@dataclass(frozen=True)
class WrappedKey:
    """A data key that only the key-encryption key `kek_id` opens."""

    kek_id: str
    wrapped: bytes = field(repr=False)


class KeySource(ABC):
    """Where key-encryption keys come from. Raises KeyTrouble when it cannot answer, CannotOpen for what is not its own."""

    @abstractmethod
    async def current(self) -> str:
        """The id of the key that wraps from now on."""

    @abstractmethod
    async def ids(self) -> tuple[str, ...]:
        """Every key that can still open something, the current one last."""

    @abstractmethod
    async def wrap(self, data_key: bytes, bound: bytes) -> WrappedKey:
        """`data_key` under the current key."""

    @abstractmethod
    async def unwrap(self, wrapped: WrappedKey, bound: bytes) -> bytes:
        """The data key again."""

    @abstractmethod
    async def rotate(self) -> str:
        """Make a new key current and return its id; the ones before still open what they wrapped."""

    @abstractmethod
    async def forget(self, kek_id: str) -> None:
        """Throw a key away that is not current. Whatever it still wraps is lost: the caller makes sure that nothing is."""


class LocalKeys(KeySource):
    """Keys that are at hand as bytes: AES-256-GCM, the key's own id bound in."""

    def __init__(self, keys: dict[str, bytes], current: str) -> None:
        self._keys, self._current = keys, current

    async def current(self) -> str:
        return self._current

    async def ids(self) -> tuple[str, ...]:
        return (*(kek_id for kek_id in self._keys if kek_id != self._current), self._current)

    async def wrap(self, data_key: bytes, bound: bytes) -> WrappedKey:
        nonce, kek_id = os.urandom(_NONCE_BYTES), self._current
        sealed = AESGCM(self._keys[kek_id]).encrypt(nonce, data_key, kek_id.encode() + b"|" + bound)
        return WrappedKey(kek_id, nonce + sealed)

    async def unwrap(self, wrapped: WrappedKey, bound: bytes) -> bytes:
        key = self._keys.get(wrapped.kek_id)
        if key is None:
            raise KeyTrouble(f"The key {wrapped.kek_id}, which keeps some secrets, is missing. Put it back where keys are kept.")
        try:
            return AESGCM(key).decrypt(
                wrapped.wrapped[:_NONCE_BYTES], wrapped.wrapped[_NONCE_BYTES:], wrapped.kek_id.encode() + b"|" + bound
            )
        except (InvalidTag, ValueError) as wrong:
            raise CannotOpen("A wrapped key does not open where it stands.") from wrong

    async def rotate(self) -> str:
        raise KeyTrouble(
            "These keys come from the environment, which a command cannot change. Add a new key there, name it as current, "
            "start the workers again, and run this command again."
        )

    async def forget(self, kek_id: str) -> None:
        raise KeyTrouble("These keys come from the environment: take the old one out there and start the workers again.")


def read_keys(text: str, *, where: str) -> LocalKeys:
    """Keys as JSON: {"current": id, "keys": {id: 32 bytes in base64}}. Raises KeyTrouble, which names `where` and no key."""
    try:
        given = json.loads(text)
        keys = {str(kek_id): base64.b64decode(key, validate=True) for kek_id, key in given["keys"].items()}
        current = str(given["current"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeyTrouble(
            f'The keys in {where} cannot be read. They are JSON: {{"current": id, "keys": {{id: base64}}}}.'
        ) from None
    if current not in keys or any(len(key) != 32 for key in keys.values()):
        raise KeyTrouble(
            f"The keys in {where} do not fit: each takes 32 bytes in base64, and the current one must be among them."
        )
    return LocalKeys(keys, current)


class KeyFile(KeySource):
    """A file of keys, mode 0600. It is read again whenever it changed: a key made elsewhere serves here at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._seen: tuple[int, int] | None = None
        self._keys: LocalKeys | None = None

    async def current(self) -> str:
        return await self._read().current()

    async def ids(self) -> tuple[str, ...]:
        return await self._read().ids()

    async def wrap(self, data_key: bytes, bound: bytes) -> WrappedKey:
        return await self._read().wrap(data_key, bound)

    async def unwrap(self, wrapped: WrappedKey, bound: bytes) -> bytes:
        return await self._read().unwrap(wrapped, bound)

    async def rotate(self) -> str:
        with self._alone():
            kek_id = new_key_id()
            self._write({**self._read()._keys, kek_id: secrets.token_bytes(32)}, kek_id)
        return kek_id

    async def forget(self, kek_id: str) -> None:
        with self._alone():
            keys = self._read()
            if kek_id == await keys.current():
                raise KeyTrouble(f"{kek_id} is the current key. Rotate first, then forget it.")
            self._write({one: key for one, key in keys._keys.items() if one != kek_id}, await keys.current())

    def make(self) -> None:
        """A first key, unless there is a file already."""
        with self._alone():
            if not self.file.exists():
                first = new_key_id()
                self._write({first: secrets.token_bytes(32)}, first)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change at a time: of two at once one would throw the other's key away, and with it what that wrapped."""
        lock = os.open(self.file.with_name(f"{self.file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._seen = None
            yield
        finally:
            os.close(lock)

    def _read(self) -> LocalKeys:
        try:
            found = self.file.stat()
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise KeyTrouble(f"The key file {self.file} can be read by others. Allow its owner alone: chmod 600.")
            if self._keys is None or self._seen != (found.st_mtime_ns, found.st_ino):
                self._keys = read_keys(self.file.read_text(), where=str(self.file))
                self._seen = (found.st_mtime_ns, found.st_ino)
        except OSError as away:
            raise KeyTrouble(
                f"The key file {self.file} cannot be read ({away.strerror}). Make one with `countersign keys make`."
            ) from None
        return self._keys

    def _write(self, keys: dict[str, bytes], current: str) -> None:
        """Whole or not at all: a reader sees the old file or the new one."""
        kept = {"current": current, "keys": {kek_id: base64.b64encode(key).decode() for kek_id, key in keys.items()}}
        new = self.file.with_name(f"{self.file.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(kept, out)
            out.flush()
            os.fsync(out.fileno())
        new.rename(self.file)
        # The new name too, before anything is wrapped by a key that a power cut could take away.
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def new_key_id() -> str:
    """The day it was made, and enough chance that no two are the same."""
    return f"{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(4)}"
