"""Mastodon's way with text: what it counts, and the HTML in which it gives a text back, undone."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser

import regex  # type: ignore[import-untyped]

from integrations.platforms.x_text import find_urls

URL_COUNTS = 23
_GRAPHEME = regex.compile(r"\X")
_GAP = re.compile(r"\n{3,}")


def count(text: str) -> int:
    """Characters as people see them; an http or https address is 23 however long. Other servers' names of people count in full,
    which is never less than Mastodon counts."""
    addresses = [(start, end) for start, end in find_urls(text) if text[start:end].lower().startswith(("http://", "https://"))]
    saved = sum(len(_GRAPHEME.findall(text[start:end])) - URL_COUNTS for start, end in addresses)
    return len(_GRAPHEME.findall(text)) - saved


def without_gaps(text: str) -> str:
    """Mastodon makes paragraphs of what stands between empty lines: several of them show as one."""
    return _GAP.sub("\n\n", text)


def plain(html: str, people: Mapping[str, str] | None = None) -> str:
    """The text whose HTML this is. `people`: the full name by the address that its link leads to, for those of other servers."""
    reader = _Reader(people or {})
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces)


class _Reader(HTMLParser):
    """Paragraphs and line breaks become newlines. A long address is there whole: its ends are only hidden from the eye."""

    def __init__(self, people: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self.people = people
        self.pieces: list[str] = []
        self._person: str | None = None
        self._named_at = 0
        self._left_out = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        classes = told.get("class", "").split()
        if tag == "p" and (self._left_out or "quote-inline" in classes):
            # "RE: address", which newer servers put before a quote for those that cannot show one.
            self._left_out += 1
        elif tag == "p" and self.pieces:
            self.pieces.append("\n\n")
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "a" and "mention" in classes and "hashtag" not in classes:
            self._person, self._named_at = self.people.get(told.get("href", "")), len(self.pieces)

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self._left_out:
            self._left_out -= 1
        if tag == "a" and self._person:
            self.pieces[self._named_at :] = [f"@{self._person}"]
            self._person = None

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self.pieces.append(data)
