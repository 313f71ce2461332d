"""Bluesky's way with text: graphemes are counted, and links and tags are marked by UTF-8 byte offsets (facets)."""

from base64 import b32encode
from collections.abc import Iterable
from functools import cache
from typing import Any

import regex  # type: ignore[import-untyped]
from linkify_it import LinkifyIt  # type: ignore[import-untyped]

MOST_GRAPHEMES = 300
MOST_BYTES = 3000
MOST_TAG_GRAPHEMES = 64
MOST_TAG_BYTES = 640

_GRAPHEME = regex.compile(r"\X")
_UNSEEN = "\u00ad\u2060\u200a\u200b\u200c\u200d\u20e2"
_TAG = regex.compile(rf"(?<!\S)[#＃](?!\ufe0f)([^\s{_UNSEEN}]*[^\d\s\p{{P}}{_UNSEEN}][^\s{_UNSEEN}]*)")
_CLOSING = regex.compile(r"\p{P}+$")


@cache
def _finder() -> LinkifyIt:
    return LinkifyIt()


def graphemes(text: str) -> int:
    """Characters as people see them (UAX #29, extended grapheme clusters)."""
    return len(_GRAPHEME.findall(text))


def facets_of(text: str) -> list[dict[str, Any]]:
    """What makes links and tags of the text, in the order of the text. Without them Bluesky shows plain words.

    A mention stays plain: it would name a DID that nobody saw when they authorised the text, and send its owner a notice.
    """
    found = [(start, end, _link(address)) for start, end, address in _links(text)]
    taken = [(start, end) for start, end, _ in found]
    for start, end, tag in _tags(text):
        if not any(start < other_end and other_start < end for other_start, other_end in taken):
            found.append((start, end, {"$type": "app.bsky.richtext.facet#tag", "tag": tag}))
    return [
        {"index": {"byteStart": _bytes_in(text[:start]), "byteEnd": _bytes_in(text[:end])}, "features": [feature]}
        for start, end, feature in sorted(found, key=lambda item: item[0])
    ]


def shown_text(text: str, facets: Iterable[dict[str, Any]]) -> str:
    """The text, with what a reader would be led to wherever that is not what the words say; so no such change goes unseen."""
    raw, pieces, position = text.encode(), [], 0
    for start, end, feature in sorted((item for facet in facets for item in _features(facet)), key=lambda item: item[:2]):
        leads_to = feature.get("uri") or feature.get("did")
        if not leads_to or not position <= end <= len(raw) or raw[start:end].decode(errors="replace") == leads_to:
            continue
        pieces += [raw[position:end], f" <{leads_to}>".encode()]
        position = end
    return b"".join([*pieces, raw[position:]]).decode(errors="replace")


def blob_cid(sha256: str) -> str:
    """The CID (version 1, raw bytes, SHA-256, base32) of the bytes with this SHA-256: what Bluesky must call exactly them."""
    return "b" + b32encode(b"\x01\x55\x12\x20" + bytes.fromhex(sha256)).decode().lower().rstrip("=")


def _bytes_in(text: str) -> int:
    return len(text.encode())


def _link(address: str) -> dict[str, str]:
    return {"$type": "app.bsky.richtext.facet#link", "uri": address}


def _links(text: str) -> list[tuple[int, int, str]]:
    """Whole http and https addresses: the same that the authorisers' preview shows as links."""
    return [
        (match.index, match.last_index, match.raw)
        for match in _finder().match(text) or []
        if match.raw.startswith(("http://", "https://"))
    ]


def _tags(text: str) -> list[tuple[int, int, str]]:
    found = []
    for match in _TAG.finditer(text):
        tag = _CLOSING.sub("", match.group(1))
        if tag and graphemes(tag) <= MOST_TAG_GRAPHEMES and _bytes_in(tag) <= MOST_TAG_BYTES:
            found.append((match.start(), match.start(1) + len(tag), tag))
    return found


def _features(facet: dict[str, Any]) -> list[tuple[int, int, dict[str, Any]]]:
    index, features = facet.get("index"), facet.get("features")
    if not isinstance(index, dict) or not isinstance(features, list):
        return []
    start, end = index.get("byteStart"), index.get("byteEnd")
    if not isinstance(start, int) or not isinstance(end, int):
        return []
    return [(start, end, feature) for feature in features if isinstance(feature, dict)]
