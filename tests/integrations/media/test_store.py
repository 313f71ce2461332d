"""Stored bytes are found by their SHA-256 and checked when read."""

import hashlib
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from integrations.store import MediaCorrupted, MediaMissing, MediaStore

pytestmark = pytest.mark.anyio


async def test_what_is_put_is_got(tmp_path: Path) -> None:
    store = MediaStore.at(str(tmp_path / "not" / "yet"))
    sha256 = await store.put(b"bytes")
    assert sha256 == hashlib.sha256(b"bytes").hexdigest()
    assert await store.get(sha256) == b"bytes"
    assert (tmp_path / "not" / "yet" / "media" / sha256[:2] / sha256).read_bytes() == b"bytes"


async def test_putting_the_same_again_changes_nothing() -> None:
    store = MediaStore(MemoryStore())
    assert await store.put(b"bytes") == await store.put(b"bytes")


async def test_one_flipped_byte_is_noticed_and_putting_again_mends_it(tmp_path: Path) -> None:
    store = MediaStore.at(str(tmp_path))
    sha256 = await store.put(b"bytes")
    (tmp_path / "media" / sha256[:2] / sha256).write_bytes(b"bytez")
    with pytest.raises(MediaCorrupted):
        await store.get(sha256)
    await store.put(b"bytes")
    assert await store.get(sha256) == b"bytes"


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", ""])
async def test_what_was_never_stored_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaMissing):
        await MediaStore.at(str(tmp_path)).get(name)
