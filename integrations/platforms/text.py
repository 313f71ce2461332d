"""Text rules that every platform shares: one normal form, what counts as a web address, and where a link goes."""

import re
import unicodedata
from urllib.parse import urlsplit

from core.domain.refusals import LinkInvalid

_BEFORE = r"(?<![^\s(\[\"'«“‘<])"
_AFTER = r"(?=[.,;:!?)\]\"'»”’>]*(?:\s|$))"


def normalise(text: str) -> str:
    """NFC, newlines as LF, no space around: the platforms trim it, so the rendition says what they will show."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def utf16_length(text: str) -> int:
    """UTF-16 code units: what JavaScript and Java count, never fewer than code points or visible characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def require_web_address(link: str) -> None:
    """Raise LinkInvalid unless `link` is one absolute http or https address without credentials or blanks."""
    try:
        parts = urlsplit(link)
        named = bool(parts.hostname)
    except ValueError as error:
        raise LinkInvalid(field="link") from error
    blank = any(character.isspace() or not character.isprintable() for character in link)
    if parts.scheme not in ("http", "https") or not named or blank or "@" in parts.netloc:
        raise LinkInvalid(field="link")


def with_link(text: str, link: str | None) -> str:
    """The text with the link on a paragraph of its own at the end, unless it already stands in the text as a whole address."""
    if link is None or re.search(_BEFORE + re.escape(link) + _AFTER, text):
        return text
    return f"{text}\n\n{link}"


def same_address(left: str | None, right: str | None) -> bool:
    """Whether two links are the same; a bare host and the same host with `/` are (RFC 3986, 6.2.3). What is no address equals
    itself alone."""
    return _settled(left) == _settled(right)


def _settled(link: str | None) -> str | None:
    if link is None:
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    return link + "/" if not parts.path and not parts.query and not parts.fragment else link
