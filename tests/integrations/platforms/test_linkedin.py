"""LinkedIn: conformance, little text, and what its answers mean."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.outcome import Result
from integrations.platforms.linkedin import LinkedIn
from integrations.platforms.little_text import RESERVED, escape, unescape
from integrations.platforms.values import Access
from integrations.platforms.wire import Answer, utc_now
from integrations.sandbox.platforms.app import build
from integrations.sandbox.platforms.house import SandboxAccount
from integrations.sandbox.platforms.linkedin_words import public_text
from tests.integrations.platforms.conformance import KEY, TOKEN, DuplicatesConformance, PlatformConformance
from tests.integrations.platforms.serving import Sandbox, serve

pytestmark = pytest.mark.anyio
ACCESS = Access("1", "dept", TOKEN, "http://127.0.0.1:1")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class TestLinkedIn(DuplicatesConformance, PlatformConformance):
    platform = LinkedIn()
    account = SandboxAccount("5583111", "deptexample", "Department for Examples", TOKEN)
    proves_limits = False
    # LinkedIn keeps no keys.
    test_the_same_key_never_makes_two_posts = None  # type: ignore[assignment]
    full = "(" * 2_990 + "日本语" + "é.." + "😷" + "!!"

    def absent_id(self) -> str:
        return "urn:li:share:1"

    async def test_a_version_that_was_sunset_is_refused(self, access: Access, there: Sandbox) -> None:
        outcome = await self.publish(access, self.rendition(), platform=LinkedIn(version="202401"))
        assert (outcome.result, outcome.status) == (Result.REFUSED, 426)
        assert there.posts() == []

    async def named(self, access: Access, there: Sandbox, post_id: str, *, words: str, late: float = 0.0) -> int:
        """How many posts a look-up finds on a timeline that lags, when LinkedIn named this one as the duplicate."""
        there.lie("lagging_timeline", seconds=600)
        since = utc_now() + timedelta(seconds=late)
        return len(await self.platform.look_up(access, self.rendition(words, None), KEY, since=since, named=post_id))

    async def test_a_named_duplicate_is_read_before_it_is_believed(self, tmp_path: Path) -> None:
        other = SandboxAccount("999", "other", "Another organisation", "token-canary-of-another")
        app = build("linkedin", accounts=[self.account, other], ledger_path=tmp_path / "linkedin.sqlite", refuse_duplicates=True)
        with serve(app) as url:
            there, access = Sandbox(url), self.access_to(url)
            first = await self.publish(access, self.rendition("Words", None))
            again = await self.publish(access, self.rendition("Words", None))
            assert (again.result, again.post_id) == (Result.UNKNOWN, first.post_id)
            ours, theirs = str(first.post_id), there.rogue("999", "Words")
            assert await self.named(access, there, ours, words="Words") == 1
            assert await self.named(access, there, ours, words="Other words") == 0
            assert await self.named(access, there, ours, words="Words", late=60) == 0
            assert await self.named(access, there, theirs, words="Words") == 0
            there.vanish(ours)
            assert await self.named(access, there, ours, words="Words") == 0


little = st.text(st.one_of(st.sampled_from(sorted(RESERVED)), st.characters(exclude_categories=["Cs"])))


@given(little)
@example("\\")
@example("\\\\(")
@example("{hashtag|\\#|MyTag}")
@example("@[Name](urn:li:person:1)")
def test_escaped_text_is_read_whole_by_linkedin_and_by_us(text: str) -> None:
    assert public_text(escape(text)) == text
    assert unescape(escape(text)) == text


def test_unescaped_text_is_cut_off_in_silence_by_the_sandbox() -> None:
    assert public_text("Before (after)") == "Before "


def test_a_hashtag_template_reads_as_the_hashtag() -> None:
    assert unescape(r"Join {hashtag|\#|Budget} \(today\)") == "Join #Budget (today)"


def answer(status: int, body: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx2.Headers(named), json.dumps(body or {}).encode())


@pytest.mark.parametrize(
    ("given_answer", "result"),
    [
        (answer(201, x_restli_id="urn:li:share:9"), Result.ACCEPTED),
        (Answer(201, httpx2.Headers({"x-restli-id": "urn:li:share:9"}), b"", complete=False), Result.ACCEPTED),
        (answer(201), Result.UNKNOWN),
        (answer(200, x_restli_id="urn:li:share:9"), Result.UNKNOWN),
        (answer(400, {"message": "bad"}), Result.REFUSED),
        (answer(403, {"code": "ACCESS_DENIED"}), Result.REFUSED),
        (answer(409), Result.NOT_SENT),
        (answer(422, {"code": "DUPLICATE_POST", "message": "Content is a duplicate of urn:li:share:9"}), Result.UNKNOWN),
        (answer(422, {"message": "Content is a duplicate of urn:li:share:9"}), Result.UNKNOWN),
        (answer(422, {"code": "OTHER"}), Result.REFUSED),
        (answer(426, {"code": "NONEXISTENT_VERSION"}), Result.REFUSED),
        (answer(429), Result.UNKNOWN),
        (answer(500), Result.UNKNOWN),
    ],
)
def test_each_answer_means_what_the_rule_says(given_answer: Answer, result: Result) -> None:
    outcome = LinkedIn().judge(ACCESS, given_answer)
    assert outcome.result is result
    names_it = result is Result.ACCEPTED or "duplicate" in outcome.detail
    assert outcome.post_id == ("urn:li:share:9" if names_it else None)


def test_limits_reset_at_midnight_utc_unless_linkedin_names_a_time() -> None:
    platform = LinkedIn(clock=lambda: NOW)
    assert platform.judge(ACCESS, answer(429)).retry_at == datetime(2026, 11, 24, tzinfo=UTC)
    assert platform.judge(ACCESS, answer(429, retry_after="90")).retry_at == NOW + timedelta(seconds=90)
