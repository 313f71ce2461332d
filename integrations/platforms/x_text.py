"""X's way with text: weighted counting (twitter-text), its shortened links, and the text it gives back."""

import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.resources import files
from types import ModuleType
from typing import Any


@cache
def _twitter_text() -> ModuleType:
    """twitter-text-parser, at first use: its tables take a second to build, which most processes never need.

    Import twitter-text-parser 3.0, which reads its emoji list through `pkg_resources`: setuptools no longer ships that.

    The one function it needs stands in while it is imported, and goes again.
    """
    if "pkg_resources" in sys.modules:
        return import_module("twitter_text")

    def resource_string(module: str, name: str) -> bytes:
        return files(module.rpartition(".")[0]).joinpath(name).read_bytes()

    stand_in = ModuleType("pkg_resources")
    stand_in.__dict__["resource_string"] = resource_string
    sys.modules["pkg_resources"] = stand_in
    try:
        return import_module("twitter_text")
    finally:
        del sys.modules["pkg_resources"]


_PHOTO = re.compile(r"/status/\d+/(?:photo|video)/\d+$")
_ESCAPED = re.compile(r"&(amp|lt|gt);")
_UNESCAPED = {"amp": "&", "lt": "<", "gt": ">"}
_REFUSED_CHARACTERS = re.compile("[\ufffe\ufeff\uffff]")


def weighted_length(text: str) -> int:
    """280 is full: NFC, a URL is 23, an emoji or CJK character 2 (X, Counting characters). Newest joined emoji may overcount."""
    return int(_twitter_text().parse_tweet(text).weightedLength)


def find_urls(text: str) -> list[tuple[int, int]]:
    """Where X sees a link, a bare domain included: start and end in code points."""
    return [(entity["indices"][0], entity["indices"][1]) for entity in _twitter_text().extract_urls_with_indices(text)]


def has_refused_characters(text: str) -> bool:
    """Byte order marks and non-characters, which X refuses (twitter-text, invalid characters)."""
    return _REFUSED_CHARACTERS.search(text) is not None


def public_text(text: str, urls: Iterable[dict[str, Any]]) -> str:
    """The text as the public reads it, from what the API returns: `&<>` unescaped, t.co links replaced by their targets,
    and the link X appends for the images left out."""
    plain = _ESCAPED.sub(lambda match: _UNESCAPED[match.group(1)], text)
    for entity in urls:
        short, target = str(entity.get("url", "")), str(entity.get("expanded_url", ""))
        if not short or not target:
            continue
        if entity.get("media_key") or _PHOTO.search(target):
            plain = plain.removesuffix(short).rstrip()
        else:
            plain = plain.replace(short, target, 1)
    return plain


def same_text(authorised: str, standing: str) -> bool:
    """Equal but for what X does to links: a scheme put before a bare domain, a slash after a bare host."""
    pattern, position = "", 0
    for start, end in find_urls(authorised):
        url = authorised[start:end]
        pattern += re.escape(authorised[position:start])
        pattern += ("" if re.match("https?://", url, re.IGNORECASE) else "(?:https?://)?") + re.escape(url)
        pattern += "" if "/" in url.partition("://")[2] else "/?"
        position = end
    return re.fullmatch(pattern + re.escape(authorised[position:]), standing) is not None
