"""Image bytes by their SHA-256, in a local folder or any object store that obstore knows (S3, GCS, Azure)."""

import hashlib
import re
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaMissing(LookupError):
    """There are no bytes under this SHA-256."""


class MediaCorrupted(Exception):
    """What is stored under a SHA-256 has another. Nothing may be published from it (promise 2)."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The stored image {sha256} is not what was stored. Restore it from a backup.")
        self.sha256 = sha256


class MediaStore:
    """Content-addressed: `media/ab/abcdef…`. What is stored never changes, and what is read is checked."""

    def __init__(self, store: ObjectStore, *, prefix: str = "media") -> None:
        self._store = store
        self._prefix = prefix

    @classmethod
    def at(cls, place: str) -> "MediaStore":
        """A folder (a path, made if missing, readable by its owner alone) or a URL such as `s3://bucket/prefix`."""
        if "://" in place and not place.startswith("file://"):
            return cls(from_url(place))
        folder = Path(place.removeprefix("file://"))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(LocalStore(folder))

    async def put(self, data: bytes) -> str:
        """Store the bytes and return their SHA-256 (hex). Storing the same again changes nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            await obstore.put_async(self._store, self._key(sha256), data, mode="create")
        except AlreadyExistsError:
            await self._mend(sha256, data)
        return sha256

    async def get(self, sha256: str) -> bytes:
        """The bytes whose SHA-256 this is. Raises MediaMissing or MediaCorrupted."""
        data = await self._read(sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise MediaCorrupted(sha256)
        return data

    async def _read(self, sha256: str) -> bytes:
        if not _SHA256.fullmatch(sha256):
            raise MediaMissing(sha256)
        try:
            found = await obstore.get_async(self._store, self._key(sha256))
            return bytes(await found.bytes_async())
        except (FileNotFoundError, NotFoundError) as missing:
            raise MediaMissing(sha256) from missing

    async def _mend(self, sha256: str, data: bytes) -> None:
        # The right bytes are at hand: if what stands under their name has rotted, this is the moment to put it right.
        if await self._read(sha256) != data:
            await obstore.put_async(self._store, self._key(sha256), data, mode="overwrite")

    def _key(self, sha256: str) -> str:
        return f"{self._prefix}/{sha256[:2]}/{sha256}"
