"""What a version says, and what each account will receive of it, as immutable values.

An authorisation names a digest over the manifest built here (promise 2, paragraphs 36 and 37).
"""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime


def tidied(words: str) -> str:
    """What people typed, once, at the door: NFC, newlines as \\n, no control characters or half surrogates, no outer blanks."""
    lines = words.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept).strip()


@dataclass(frozen=True)
class SourceImage:
    """An image as the author attached it: the cleaned original's SHA-256 (hex), its kind, its size in pixels, its alt text."""

    sha256: str
    mime: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class RenditionImage:
    """An image as an account will receive it: SHA-256 (hex) of the exact derivative bytes, their length, and the alt text."""

    sha256: str
    mime: str
    size: int
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Target:
    """The post that a rendition replies to, quotes or reposts, as it was captured for the authorisers.

    `kind` is reply, quote or repost; `post_id` the platform's id; `fingerprint` whatever else the platform wants to name
    exactly this state of it (Bluesky: the CID), else empty; `text` and `author` are what stood there when it was captured.
    """

    kind: str
    post_id: str
    permalink: str
    author: str
    text: str
    fingerprint: str = ""


@dataclass(frozen=True)
class Rendition:
    """What one account will receive: `text` as the public reads it, `link` only where the platform takes it apart."""

    account_id: str
    platform: str
    text: str
    link: str | None
    images: tuple[RenditionImage, ...]
    target: Target | None = None


@dataclass(frozen=True)
class Window:
    """The authorised window, UTC: publishing is allowed from `start` (inclusive) to `end` (exclusive)."""

    start: datetime
    end: datetime

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True)
class Source:
    """What the author typed: one shared text, per-platform overrides, images in order, link, purpose, window.

    `target` is the id of the captured post that it replies to, quotes or reposts.
    """

    purpose: str
    text: str
    overrides: dict[str, str]
    link: str | None
    images: tuple[SourceImage, ...]
    window: Window
    account_ids: tuple[str, ...]
    declarations: dict[str, str] = field(default_factory=dict)
    target: str | None = None

    def text_for(self, platform: str) -> str:
        return self.overrides.get(platform, self.text)
