"""X: conformance, weighted counting, its answers' meanings, its rewriting undone, and its own specification of our requests."""

import json
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.outcome import Quota, Result
from core.domain.refusals import BadInput
from integrations.platforms.values import Access, Prepared
from integrations.platforms.wire import Answer
from integrations.platforms.x import X
from integrations.platforms.x_text import public_text, same_text
from integrations.sandbox.platforms.house import SandboxAccount
from integrations.sandbox.platforms.ledger import StoredImage, StoredPost
from integrations.sandbox.platforms.x_words import shorten
from tests.integrations.platforms.conformance import KEY, TOKEN, DuplicatesConformance, PlatformConformance

pytestmark = pytest.mark.anyio
SPECIFICATION = Path(__file__).parents[4] / "shared/specs/x/openapi.xdk-2026-07-25.json"


class TestX(DuplicatesConformance, PlatformConformance):
    platform = X()
    account = SandboxAccount("2244994945", "DeptExample", "Department for Examples", TOKEN)
    # X keeps no keys.
    test_the_same_key_never_makes_two_posts = None  # type: ignore[assignment]
    full = "a" * 240 + " 日本 https://www.gov.uk/counts/as/twenty-three/whatever/its/length 👩‍👩‍👧‍👦" + "." * 8


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("", 0),
        ("a" * 280, 280),
        ("e\u0301", 1),
        ("日本語", 6),
        ("😷", 2),
        ("👩‍👩‍👧‍👦", 2),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
        ("https://www.gov.uk/" + "x" * 200, 23),
        ("see https://a.uk, and http://b.uk/c.", 4 + 23 + 6 + 23 + 1),
        ("example.com", 23),
        ("£“–”", 4),
    ],
)
def test_text_counts_as_x_counts_it(text: str, used: int) -> None:
    assert X().count(text).used == used


def test_characters_that_x_refuses_are_refused_first() -> None:
    with pytest.raises(BadInput):
        X().render(account_id="a", text="one\ufefftwo", link=None, images=())


ACCESS = Access("1", "dept", TOKEN, "http://127.0.0.1:1")


def answer(status: int, body: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx2.Headers(named), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (201, {"data": {"id": "12", "text": "t"}}, Result.ACCEPTED),
        (201, {"errors": [{"detail": "?"}]}, Result.UNKNOWN),
        (400, {"title": "Invalid Request", "detail": "bad"}, Result.REFUSED),
        (401, {"title": "Unauthorized"}, Result.REFUSED),
        (402, {"title": "CreditsDepleted"}, Result.REFUSED),
        (403, {"detail": "You are not allowed to create a Tweet with duplicate content."}, Result.UNKNOWN),
        (403, {"errors": [{"message": "Duplicate content."}]}, Result.UNKNOWN),
        (403, {"detail": "You are not permitted to perform this action."}, Result.REFUSED),
        (404, {}, Result.REFUSED),
        (408, {}, Result.UNKNOWN),
        (409, {}, Result.UNKNOWN),
        (422, {"detail": "bad"}, Result.REFUSED),
        (429, {"title": "Too Many Requests"}, Result.UNKNOWN),
        (500, {"detail": "duplicate content"}, Result.UNKNOWN),
        (503, {}, Result.UNKNOWN),
    ],
)
def test_each_answer_means_what_the_rule_says(status: int, body: object, result: Result) -> None:
    assert X().judge(ACCESS, answer(status, body)).result is result


def limits(remaining: str, reset: str = "1795000000", **more: str) -> Answer:
    return answer(429, {}, x_rate_limit_remaining=remaining, x_rate_limit_reset=reset, **more)


def test_a_429_is_believed_only_with_x_s_own_headers_saying_that_nothing_is_left() -> None:
    believed = X().judge(ACCESS, limits("0"))
    assert (believed.result, believed.retry_at) == (Result.NOT_SENT, datetime.fromtimestamp(1795000000, UTC))
    assert believed.quota == Quota("posts in 15 minutes", 0, datetime.fromtimestamp(1795000000, UTC))
    for doubtful in (limits("7"), limits("0", reset="soon"), limits("none"), answer(429, {}, x_rate_limit_reset="1795000000")):
        assert X().judge(ACCESS, doubtful).result is Result.UNKNOWN


def test_the_limit_with_the_least_left_counts_and_a_day_may_be_used_up_before_15_minutes_are() -> None:
    outcome = X().judge(ACCESS, limits("80", x_user_limit_24hour_remaining="0", x_user_limit_24hour_reset="1795080000"))
    assert outcome.result is Result.NOT_SENT
    assert outcome.quota == Quota("posts in the account's day", 0, datetime.fromtimestamp(1795080000, UTC))
    assert outcome.retry_at == datetime.fromtimestamp(1795080000, UTC)


words = st.sampled_from(
    ["https://www.gov.uk/a?b=1&c=2", "http://a.uk", "gov.uk", "example.com/x", "<b>", "&amp;", "R&D", "é", "👩‍👩‍👧‍👦", "\n", "."]
)


@given(st.lists(st.one_of(words, st.text(max_size=6)), max_size=8), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_x_does_to_a_text_is_undone(pieces: list[str], with_image: bool) -> None:
    text = " ".join(pieces).strip()
    images = (StoredImage("7", "0", "image/png", "alt"),) if with_image else ()
    rewritten, urls = shorten(StoredPost("99", "1", text, None, "", b"", datetime.now(UTC), images), "dept")
    assert same_text(text, public_text(rewritten, urls))


def test_another_link_in_the_text_is_seen() -> None:
    assert not same_text("Read https://www.gov.uk/a", "Read https://www.gov.uk.evil.example/a")
    assert not same_text("Read https://www.gov.uk/a", "Read http://www.gov.uk/a")


def request_schema(name: str) -> dict[str, Any]:
    if not SPECIFICATION.exists():
        warnings.warn(f"X's OpenAPI document is not at {SPECIFICATION}: our requests were not checked against it", stacklevel=2)
        pytest.skip("X's OpenAPI document is not here")
    document: dict[str, Any] = json.loads(SPECIFICATION.read_text("utf-8"))
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


@pytest.mark.parametrize("count", [0, 1, 4])
def test_our_posts_are_what_x_specifies(count: int) -> None:
    images, _ = TestX().images(count)
    rendition = TestX().rendition(images=images)
    body = X().post_call(ACCESS, rendition, Prepared(tuple(str(number + 1) for number in range(count))), KEY).json
    jsonschema.validate(body, request_schema("CreatePostsRequest"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**(body or {}), "surprise": 1}, request_schema("CreatePostsRequest"))
