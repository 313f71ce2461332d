from web.linked_text import FOLDS, folded, linked


def test_an_address_becomes_a_link_and_everything_else_is_escaped() -> None:
    html = linked('See https://www.gov.uk/a?b=1&c=2 <script>alert("x")</script>')
    assert 'href="https://www.gov.uk/a?b=1&amp;c=2"' in html
    assert "<script>" not in html


def test_no_other_scheme_becomes_a_link() -> None:
    assert "<a" not in linked("javascript:alert(1) mailto:a@example.com ftp://example.com //example.com")


def test_an_address_without_a_scheme_is_linked_as_the_platforms_do() -> None:
    assert 'rel="noreferrer nofollow">example.com/news</a>' in linked("Read example.com/news today")


def test_a_long_text_folds_between_words_where_its_platform_folds() -> None:
    text = "word " * 200
    parts = folded(text, "linkedin")
    assert parts.shown + parts.rest == text
    assert parts.shown.endswith(" ")
    assert FOLDS["linkedin"] - 5 <= len(parts.shown) <= FOLDS["linkedin"]


def test_a_short_text_and_a_platform_that_does_not_fold_show_everything() -> None:
    assert folded("short", "facebook").rest == ""
    assert folded("x" * 280, "x").rest == ""
