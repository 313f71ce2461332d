"""Bluesky's records: their addresses and keys, what we write, and what stands read back. All of it pure."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.content import Rendition, Target
from core.domain.outcome import ReadBack, SendKey
from integrations.platforms.bluesky_text import facets_of, shown_text
from integrations.platforms.wire import rows

POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_URI = re.compile(r"at://(?P<repo>[^/\s]+)/(?P<collection>[a-zA-Z0-9.-]+)/(?P<rkey>[A-Za-z0-9._:~-]{1,512})")
_TID = re.compile(r"[234567a-j][234567a-z]{12}")


@dataclass(frozen=True)
class Place:
    """Where one record stands: `at://repo/collection/rkey`."""

    repo: str
    collection: str
    rkey: str

    @property
    def uri(self) -> str:
        return f"at://{self.repo}/{self.collection}/{self.rkey}"

    @classmethod
    def read(cls, uri: str) -> "Place | None":
        match = _URI.fullmatch(uri)
        return cls(**match.groupdict()) if match else None


def rkey_of(key: SendKey) -> str:
    """The record key of this key's post, always the same: a TID of the key's instant, its clock id from the key's id.

    https://atproto.com/specs/tid: 53 bits of microseconds, 10 bits of clock id, in 13 letters that sort by time.
    """
    microseconds = (key.at - _EPOCH) // timedelta(microseconds=1)
    number = (microseconds & ((1 << 53) - 1)) << 10 | key.id.int & 1023
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in reversed(range(13)))


def instant_of(rkey: str) -> datetime | None:
    """When a TID says it was made (UTC); None for a key that is no TID."""
    if not _TID.fullmatch(rkey):
        return None
    number = 0
    for letter in rkey:
        number = number << 5 | _LETTERS.index(letter)
    return _EPOCH + timedelta(microseconds=number >> 10)


def collection_of(rendition: Rendition) -> str:
    return REPOST if rendition.target and rendition.target.kind == "repost" else POST


def record_of(rendition: Rendition, blobs: tuple[str, ...], key: SendKey) -> dict[str, Any]:
    """The record that publishes the rendition, `blobs` being the JSON of the uploaded images' references.

    The link stands in the text, so there is no card: a card would show a title and a picture that nobody authorised.
    """
    created = key.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    target = rendition.target
    if target and target.kind == "repost":
        return {"$type": REPOST, "subject": _reference(target), "createdAt": created}
    record: dict[str, Any] = {"$type": POST, "text": rendition.text, "createdAt": created}
    facets, embed = facets_of(rendition.text), _embed(rendition, blobs)
    if facets:
        record["facets"] = facets
    if embed:
        record["embed"] = embed
    if target and target.kind == "reply":
        record["reply"] = {"root": _root(target), "parent": _reference(target)}
    return record


def _embed(rendition: Rendition, blobs: tuple[str, ...]) -> dict[str, Any] | None:
    pairs = zip(rendition.images, blobs, strict=True)
    images = [
        {"image": json.loads(blob), "alt": image.alt, "aspectRatio": {"width": image.width, "height": image.height}}
        for image, blob in pairs
    ]
    media = {"$type": "app.bsky.embed.images", "images": images} if images else None
    if rendition.target is None or rendition.target.kind != "quote":
        return media
    quoted = {"$type": "app.bsky.embed.record", "record": _reference(rendition.target)}
    return {"$type": "app.bsky.embed.recordWithMedia", "record": quoted, "media": media} if media else quoted


def fingerprint_of(cid: str, record: dict[str, Any]) -> str:
    """Names exactly this state of a post, and of a reply also the post its thread began with: a reply must name both."""
    root = _at(record, "reply", "root")
    if isinstance(root, dict) and isinstance(root.get("uri"), str) and isinstance(root.get("cid"), str):
        return f"{cid} {root['uri']} {root['cid']}"
    return cid


def _reference(target: Target) -> dict[str, str]:
    return {"uri": target.post_id, "cid": target.fingerprint.split(" ")[0]}


def _root(target: Target) -> dict[str, str]:
    parts = target.fingerprint.split(" ")
    return {"uri": parts[1], "cid": parts[2]} if len(parts) == 3 else _reference(target)


def content_of(record: dict[str, Any], permalink: str) -> ReadBack:
    """What the public sees of a record."""
    subject = _at(record, "subject", "uri") or _at(record, "reply", "parent", "uri")
    embed = _at(record, "embed")
    quoted = _at(record, "embed", "record", "record", "uri") or _at(record, "embed", "record", "uri")
    media = _at(embed, "media") or embed
    return ReadBack(
        found=True,
        text=shown_text(str(record.get("text") or ""), rows(record.get("facets"))),
        link=_at(media, "external", "uri"),
        alts=tuple(str(image.get("alt") or "") for image in rows(_at(media, "images"))),
        permalink=permalink,
        target_id=subject or quoted,
    )


def created_at(record: dict[str, Any], rkey: str, now: datetime) -> datetime:
    """When it was posted: the later of what the record and its key say, neither of which the server checks, and not after now."""
    try:
        said = datetime.fromisoformat(str(record.get("createdAt")))
    except ValueError:
        said = _EPOCH
    said = said if said.tzinfo else said.replace(tzinfo=UTC)
    return min(max(said.astimezone(UTC), instant_of(rkey) or _EPOCH), now)


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
