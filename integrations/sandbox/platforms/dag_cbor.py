"""DAG-CBOR and the CIDs of it: the canonical bytes by which a PDS names a record (https://ipld.io/specs/codecs/dag-cbor)."""

import hashlib
from base64 import b32decode, b32encode
from typing import Any

_RAW = b"\x01\x55\x12\x20"
_DAG_CBOR = b"\x01\x71\x12\x20"


def record_cid(record: Any) -> str:
    """The CID of a JSON record, in which `{"$link": cid}` stands for a link."""
    return _text(_DAG_CBOR + hashlib.sha256(encode(record)).digest())


def blob_cid(data: bytes) -> str:
    return _text(_RAW + hashlib.sha256(data).digest())


def encode(value: Any) -> bytes:
    """Canonical: the shortest heads, and map keys by length, then by bytes. Raises ValueError on what a record cannot hold."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, str):
        raw = value.encode()
        return _head(3, len(raw)) + raw
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict) and list(value) == ["$link"]:
        link = b"\x00" + _bytes(str(value["$link"]))
        return _head(6, 42) + _head(2, len(link)) + link
    if isinstance(value, dict):
        pairs = sorted(((str(key).encode(), item) for key, item in value.items()), key=lambda pair: (len(pair[0]), pair[0]))
        return _head(5, len(pairs)) + b"".join(_head(3, len(key)) + key + encode(item) for key, item in pairs)
    raise ValueError(f"A record holds no {type(value).__name__}.")


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes((kind << 5 | number,))
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes((kind << 5 | 23 + size.bit_length(),)) + number.to_bytes(size, "big")


def _text(cid: bytes) -> str:
    return "b" + b32encode(cid).decode().lower().rstrip("=")


def _bytes(cid: str) -> bytes:
    letters = cid.removeprefix("b").upper()
    return b32decode(letters + "=" * (-len(letters) % 8))
