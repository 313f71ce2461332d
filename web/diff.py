"""What changed between two texts, word by word, as HTML that a screen reader also tells apart."""

import difflib
from collections.abc import Iterator, Sequence

import regex  # type: ignore[import-untyped]
from markupsafe import Markup, escape

_WORDS = regex.compile(r"\s+|\w+|\X")
_LINES = regex.compile(r"[^\n]*\n|[^\n]+")
# difflib is quadratic at best, and a Facebook text may hold 12,000 words: beyond this many pairs lines are compared first.
_MOST_PAIRS = 1_000_000
_DELETED = Markup(
    '<del><span class="govuk-visually-hidden"> deleted: </span>{}'
    '<span class="govuk-visually-hidden"> end of deletion </span></del>'
)
_ADDED = Markup(
    '<ins><span class="govuk-visually-hidden"> added: </span>{}<span class="govuk-visually-hidden"> end of addition </span></ins>'
)


def word_diff(old: str, new: str) -> Markup:
    """`new` with what was taken from `old` struck out and what was added underlined; both texts are escaped."""
    return Markup("").join(_marked(_changes(old, new)))


def _changes(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Pairs of (taken out, put in); equal on both sides where nothing changed."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) * len(after) <= _MOST_PAIRS:
        yield from _pairs(before, after)
        return
    for gone, come in _pairs(_LINES.findall(old), _LINES.findall(new)):
        if gone != come and len(gone) * len(come) < _MOST_PAIRS:
            yield from _pairs(_WORDS.findall(gone), _WORDS.findall(come))
        else:
            yield gone, come


def _pairs(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    for _, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        yield "".join(before[i1:i2]), "".join(after[j1:j2])


def _marked(changes: Iterator[tuple[str, str]]) -> Iterator[Markup]:
    for gone, come in changes:
        if gone == come:
            yield escape(gone)
            continue
        if gone:
            yield _DELETED.format(gone)
        if come:
            yield _ADDED.format(come)
