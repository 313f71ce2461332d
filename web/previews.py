"""A rendition as a page shows it: approximately as its readers will see it, without anybody's logo."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from markupsafe import Markup

from core.domain.content import Rendition, Target
from web.linked_text import folded, linked


@dataclass(frozen=True)
class PreviewImage:
    src: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class AnsweredPost:
    """The post that this one replies to, quotes or reposts, as it was captured. `text` is safe HTML."""

    heading: str
    author: str
    text: Markup
    permalink: str


@dataclass(frozen=True)
class Preview:
    """One account's post. `shown` and `rest` are safe HTML; `count` says how the platform counts the text."""

    id: str
    platform: str
    name: str
    handle: str
    at: datetime | None
    shown: Markup
    rest: Markup
    link: str | None
    link_host: str | None
    images: tuple[PreviewImage, ...]
    count: str
    target: AnsweredPost | None = None


def preview_of(
    rendition: Rendition, *, name: str, handle: str, at: datetime | None, image_url: Callable[[str], str], count: str = ""
) -> Preview:
    """The preview of one rendition; `image_url` gives the address of an image by its SHA-256."""
    parts = folded(rendition.text, rendition.platform)
    return Preview(
        id=f"preview-{rendition.account_id}",
        platform=rendition.platform,
        name=name,
        handle=handle,
        at=at,
        shown=linked(parts.shown),
        rest=linked(parts.rest),
        link=rendition.link,
        link_host=urlsplit(rendition.link).hostname if rendition.link else None,
        images=tuple(PreviewImage(image_url(image.sha256), image.alt, image.width, image.height) for image in rendition.images),
        count=count,
        target=answered_post(rendition.target) if rendition.target else None,
    )


_HEADINGS = {"reply": "Replies to this post", "quote": "Quotes this post", "repost": "Reposts this post"}


def answered_post(target: Target) -> AnsweredPost:
    return AnsweredPost(_HEADINGS[target.kind], target.author, linked(target.text), target.permalink)
