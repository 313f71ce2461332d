"""A post's plain text with its web addresses as links, and where a platform folds it away."""

from dataclasses import dataclass

import regex  # type: ignore[import-untyped]
from linkify_it import LinkifyIt  # type: ignore[import-untyped]
from markupsafe import Markup, escape

_FINDER = LinkifyIt()
_GRAPHEME = regex.compile(r"\X")
_LINK = Markup('<a class="govuk-link" href="{}" rel="noreferrer nofollow">{}</a>')

# Characters shown before "see more". The platforms publish none of these figures and change them; they were gathered from
# others' reports in November 2026 and only serve the preview. X shows a post of 280 in full.
FOLDS = {"facebook": 477, "linkedin": 210}


@dataclass(frozen=True)
class Folded:
    """A text in two parts: what everybody sees, and what waits behind "see more" (empty where nothing does)."""

    shown: str
    rest: str


def folded(text: str, platform: str) -> Folded:
    """Split `text` where `platform` is reported to fold it, between whole characters and preferably between words."""
    limit = FOLDS.get(platform)
    graphemes = _GRAPHEME.findall(text) if limit is not None else []
    if limit is None or len(graphemes) <= limit:
        return Folded(text, "")
    head = "".join(graphemes[:limit])
    gap = max(head.rfind(" "), head.rfind("\n"))
    cut = gap + 1 if gap > len(head) // 2 else len(head)
    return Folded(text[:cut], text[cut:])


def linked(text: str) -> Markup:
    """`text` escaped, its http and https addresses as links; nothing else in it is markup."""
    parts: list[Markup] = []
    position = 0
    for match in _FINDER.match(text) or []:
        if match.schema not in ("", "http:", "https:") or not match.url.startswith(("http://", "https://")):
            continue
        parts += [escape(text[position : match.index]), _LINK.format(match.url, match.raw)]
        position = match.last_index
    return Markup("").join([*parts, escape(text[position:])])
