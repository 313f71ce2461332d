"""An authorisation names every byte that will be sent: any other byte, field or time has another digest."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.content import Rendition, RenditionImage, Window, tidied
from core.domain.manifest import canonical, digest_of, manifest_of, renditions_in, window_in

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(days=1))

IMAGES = st.builds(
    RenditionImage,
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    mime=st.sampled_from(["image/jpeg", "image/png"]),
    size=st.integers(1, 10_000_000),
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    alt=WORDS,
)
RENDITIONS = st.lists(
    st.builds(
        Rendition,
        account_id=st.uuids().map(str),
        platform=st.sampled_from(["x", "facebook", "linkedin"]),
        text=WORDS,
        link=st.none() | WORDS,
        images=st.lists(IMAGES, max_size=4).map(tuple),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda rendition: rendition.account_id,
)


def manifest(renditions: list[Rendition], **changes: Any) -> dict[str, Any]:
    given_parts: dict[str, Any] = {"purpose": "Pension Credit week", "declarations": {}, "window": WINDOW}
    return manifest_of(**{**given_parts, **changes}, renditions=tuple(renditions))


def digest(value: Any) -> str:
    return digest_of(canonical(value))


# RFC 8785: §3.2.2 (its example), §3.2.3 (sorting by UTF-16 units).
RFC_8785 = [
    (
        {
            "numbers": [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
            "string": '\u20ac$\x0f\nA\'B"\\\\"/',
            "literals": [None, True, False],
        },
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    (
        {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7},
        '{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
    ),
    ({"b": [], "a": {}}, '{"a":{},"b":[]}'),
]


@pytest.mark.parametrize(("value", "expected"), RFC_8785)
def test_the_bytes_are_those_of_rfc_8785(value: dict[str, Any], expected: str) -> None:
    assert canonical(value) == expected.encode()


def test_the_digest_is_prefixed_sha256_in_lower_case_hex() -> None:
    assert digest_of(b"abc") == "v1:sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(RENDITIONS, st.randoms())
def test_the_order_of_ticking_accounts_changes_nothing(renditions: list[Rendition], chance: Any) -> None:
    shuffled = list(renditions)
    chance.shuffle(shuffled)
    assert canonical(manifest(shuffled)) == canonical(manifest(renditions))


@given(RENDITIONS)
def test_what_will_be_sent_is_read_back_from_the_bytes_as_it_went_in(renditions: list[Rendition]) -> None:
    written = canonical(manifest(renditions))
    assert set(renditions_in(written)) == set(renditions)
    assert window_in(written) == WINDOW


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value that holds no others."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield path
        return
    for name, part in parts:
        yield from leaves(part, (*path, name))


def other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return "" if value == " " else " " if value in (None, "") else value[:-1] + ("a" if value[-1] != "a" else "b")


@given(RENDITIONS, st.data())
def test_any_other_field_is_another_digest(renditions: list[Rendition], data: st.DataObject) -> None:
    told = manifest(renditions, declarations={"official_information": "yes"})
    changed = copy.deepcopy(told)
    path = data.draw(st.sampled_from(list(leaves(told))))
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = other(holder[path[-1]])
    assert digest(changed) != digest(told)


@given(RENDITIONS, st.data())
def test_any_flipped_byte_is_another_digest(renditions: list[Rendition], data: st.DataObject) -> None:
    written = canonical(manifest(renditions))
    at = data.draw(st.integers(0, len(written) - 1))
    flipped = bytearray(written)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    assert digest_of(bytes(flipped)) != digest_of(written)


def test_dropping_adding_or_reordering_images_is_another_digest() -> None:
    one, two = (RenditionImage(n * 64, "image/png", 1, 1, 1, "alt") for n in "ab")

    def with_images(*images: RenditionImage) -> str:
        return digest(manifest([Rendition("a", "x", "words", None, images)]))

    assert len({with_images(), with_images(one), with_images(two), with_images(one, two), with_images(two, one)}) == 5


def test_every_part_of_the_manifest_counts() -> None:
    rendition = Rendition("a", "x", "words", None, ())
    same = manifest([rendition])
    others = [
        manifest([rendition], purpose="Other"),
        manifest([rendition], declarations={"opinion": "no"}),
        manifest([rendition], window=Window(WINDOW.start, WINDOW.end + timedelta(microseconds=1))),
        manifest([rendition], window=Window(WINDOW.start - timedelta(microseconds=1), WINDOW.end)),
        manifest([rendition, Rendition("b", "x", "words", None, ())]),
        {**same, "schema": 2},
    ]
    assert len({digest(value) for value in (same, *others)}) == 1 + len(others)
    assert json.loads(canonical(same)) == same


@given(st.text())
def test_tidying_twice_changes_nothing_and_leaves_nothing_that_cannot_be_kept(typed: str) -> None:
    once = tidied(typed)
    assert tidied(once) == once
    once.encode()
    assert not any(ord(c) < 32 and c not in "\n\t" for c in once)


def test_one_text_typed_two_ways_is_one_text() -> None:
    assert tidied("  Café\r\nnow\x00 ") == tidied("Café\nnow") == "Café\nnow"
