import re
import time

from web.diff import word_diff

_HIDDEN = re.compile(r'<span class="govuk-visually-hidden">[^<]*</span>')


def _plain(html: str) -> str:
    return _HIDDEN.sub("", html)


def test_a_changed_word_is_struck_out_and_its_successor_underlined() -> None:
    assert _plain(word_diff("We open on Monday.", "We open on Tuesday.")) == "We open on <del>Monday</del><ins>Tuesday</ins>."


def test_a_screen_reader_is_told_what_was_added_and_what_deleted() -> None:
    html = word_diff("at 9am", "at 10am")
    assert " deleted: " in html
    assert " added: " in html


def test_text_is_escaped_on_both_sides() -> None:
    html = _plain(word_diff("<b>old</b>", "<i>new</i>"))
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_joined_emoji_is_never_cut_in_two() -> None:
    assert "<del>👩‍👩‍👧‍👦</del><ins>👩‍👩‍👧</ins>" in _plain(word_diff("A 👩‍👩‍👧‍👦 b", "A 👩‍👩‍👧 b"))


def test_equal_texts_carry_no_marks() -> None:
    assert word_diff("The same", "The same") == "The same"


def test_the_longest_text_a_platform_takes_is_compared_within_seconds() -> None:
    old = "\n".join(f"line {n} says something about pensions" for n in range(1_700))[:63_206]
    new = old.replace("line 900 says", "line 900 said")
    started = time.monotonic()
    html = _plain(word_diff(old, new))
    assert time.monotonic() - started < 5
    assert "<del>says</del><ins>said</ins>" in html
