"""Mastodon: conformance, its key, its HTML undone to exactly what was sent, and what its answers mean."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.domain.outcome import Result, SendKey
from integrations.platforms.mastodon import Mastodon
from integrations.platforms.mastodon_text import plain, without_gaps
from integrations.platforms.text import normalise
from integrations.platforms.values import Access
from integrations.platforms.wire import Answer, utc_now
from integrations.sandbox.platforms.house import SandboxAccount
from integrations.sandbox.platforms.mastodon_html import as_html
from tests.integrations.platforms.conformance import HARD, KEY, TOKEN, PlatformConformance
from tests.integrations.platforms.serving import Sandbox

pytestmark = pytest.mark.anyio
ACCESS = Access("1", "dept", TOKEN, "http://127.0.0.1:1")
SITE = "https://mastodon.example/"
LONG = "https://www.gov.uk/government/publications/a-very-long-name-of-a-publication?a=1&b=2#part"


class TestMastodon(PlatformConformance):
    platform = Mastodon()
    account = SandboxAccount("109347812345678901", "dept", "Department for Examples", TOKEN)
    full = f"{'é' * 400} {LONG} 日本語 👩‍👩‍👧‍👦 " + "." * 69
    # Mastodon refuses no duplicates: the same key is the same post, another key another one (below).
    test_a_duplicate_is_looked_up_never_called_refused = None  # type: ignore[assignment]
    # Mastodon itself keeps the key (below), but not everything that speaks its API: no repeat may rest on it.
    test_the_same_key_never_makes_two_posts = None  # type: ignore[assignment]

    async def test_the_address_of_a_post_leads_to_it_at_the_sandbox(self, access: Access) -> None:
        outcome = await self.publish(access, self.rendition("Here it stands", None))
        page = httpx2.get(str(outcome.permalink), follow_redirects=True, trust_env=False)
        assert page.status_code == 200
        assert "Here it stands" in page.text

    async def test_the_same_key_eight_times_at_once_is_one_post(self, access: Access, there: Sandbox) -> None:
        rendition = self.rendition()
        outcomes = await asyncio.gather(*(self.publish(access, rendition) for _ in range(8)))
        assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
        assert len({outcome.post_id for outcome in outcomes}) == 1
        assert len(there.posts()) == 1

    async def test_another_key_is_another_post(self, access: Access, there: Sandbox) -> None:
        rendition = self.rendition()
        await self.publish(access, rendition)
        other = SendKey(UUID(int=7), KEY.at)
        prepared = await self.platform.prepare(access, rendition, {})
        await self.platform.send(access, rendition, prepared, key=other, may_start=lambda: True)
        assert len(there.posts()) == 2

    @pytest.mark.parametrize("kind", ["reply", "repost"])
    async def test_a_post_about_another_names_it(self, access: Access, there: Sandbox, kind: str) -> None:
        account = self.account.account_id
        rogue = httpx2.post(f"{there.url}/_rogue", json={"account": account, "text": "Before & after"}, trust_env=False).json()
        target = await self.platform.read_target(access, f"{there.url}/@dept/{rogue['post_id']}", kind)
        assert target
        assert (target.post_id, target.text, target.author) == (rogue["post_id"], "Before & after", "@dept")
        text = "" if kind == "repost" else "After"
        rendition = self.platform.render(account_id="a", text=text, link=None, images=(), target=target)
        outcome = await self.publish(access, rendition)
        assert outcome.result is Result.ACCEPTED, outcome
        assert outcome.post_id != rogue["post_id"]
        standing = await self.platform.read_back(access, str(outcome.post_id))
        assert self.platform.matches(rendition, standing) == []
        assert self.platform.matches(dataclasses.replace(rendition, target=None), standing)

    async def test_an_address_that_is_no_post_is_no_target(self, access: Access, there: Sandbox) -> None:
        assert await self.platform.read_target(access, "https://gov.uk/", "reply") is None
        assert await self.platform.read_target(access, f"{there.url}/@dept/1", "quote") is None

    async def test_the_timeline_is_read_page_by_page(self, access: Access, there: Sandbox) -> None:
        with httpx2.Client(base_url=there.url, trust_env=False) as client:
            for number in range(43):
                client.post("/_rogue", json={"account": self.account.account_id, "text": str(number)}).raise_for_status()
        seen = await self.platform.timeline(access, since=utc_now() - timedelta(minutes=5))
        assert [post.content.text for post in seen] == [str(number) for number in reversed(range(43))]

    async def test_several_empty_lines_are_one_because_mastodon_shows_one(self, access: Access) -> None:
        rendition = self.rendition("One\n\n\n\nTwo\n \nThree\nFour", None)
        assert rendition.text == "One\n\nTwo\n \nThree\nFour"
        outcome = await self.publish(access, rendition)
        assert self.platform.matches(rendition, await self.platform.read_back(access, str(outcome.post_id))) == []


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [LONG, "http://a.uk", "#tag", "&amp;", "<b>", "</p>", "@a@b.c", "👩‍👩‍👧‍👦", "\n", "\n\n\n", " ", "<br />", "'\""]
        ),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
    ),
    max_size=10,
)


@given(pieces)
@settings(max_examples=200, deadline=None)
@example([HARD])
def test_what_mastodon_makes_of_a_text_is_undone(parts: list[str]) -> None:
    text = without_gaps(normalise(" ".join(parts)))
    assert plain(as_html(text, SITE)) == text


def test_html_as_real_servers_give_it_reads_as_it_was_typed() -> None:
    html = (
        '<p>Hello <span class="h-card" translate="no"><a href="https://b.example/@ann" class="u-url mention">@<span>ann'
        '</span></a></span> and <a href="https://m.test/tags/Budget" class="mention hashtag" rel="tag">#<span>Budget</span></a>'
        '<br />see <a href="https://www.gov.uk/a?b=1&amp;c=2" target="_blank" rel="nofollow noopener" translate="no">'
        '<span class="invisible">https://www.</span><span class="">gov.uk/a?b=1&amp;c=2</span><span class="invisible"></span></a>'
        "</p><p>R&amp;D &lt;b&gt; &quot;q&quot; &#39;s</p>"
    )
    people = {"https://b.example/@ann": "ann@b.example"}
    assert plain(html, people) == 'Hello @ann@b.example and #Budget\nsee https://www.gov.uk/a?b=1&c=2\n\nR&D <b> "q" \'s'
    assert plain('<p class="quote-inline">RE: <a href="https://a.uk">https://a.uk</a></p><p>Words</p>') == "Words"


def test_a_warning_put_before_the_text_is_seen() -> None:
    status = {"id": "1", "content": "<p>Words</p>", "spoiler_text": "Careful"}
    assert Mastodon()._content(ACCESS, status).text == "Careful\n\nWords"


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("", 0),
        (LONG, 23),
        ("http://a.uk", 23),
        ("a.uk", 4),
        ("👩‍👩‍👧‍👦日本", 3),
        ("e\u0301", 1),
        (f"see {LONG}, ok", 4 + 23 + 4),
        ("@a@b.c", 6),
    ],
)
def test_text_counts_as_mastodon_counts_it(text: str, used: int) -> None:
    assert Mastodon().count(text).used == used


def test_a_server_may_take_longer_texts() -> None:
    assert Mastodon(limit=5000).render(account_id="a", text="x" * 5000, link=None, images=()).text == "x" * 5000


def answer(status: int, body: object, **headers: str) -> Answer:
    return Answer(
        status, httpx2.Headers({name.replace("_", "-"): value for name, value in headers.items()}), json.dumps(body).encode()
    )


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, {"id": "7", "created_at": "2026-11-23T00:00:00Z", "url": "javascript:alert(1)"}, Result.ACCEPTED),
        (200, {"id": "7", "scheduled_at": "2026-11-23T00:00:00Z"}, Result.UNKNOWN),
        (200, {"id": 7, "created_at": "2026-11-23T00:00:00Z"}, Result.UNKNOWN),
        (401, {"error": "The access token is invalid"}, Result.REFUSED),
        (403, {"error": "This action is not allowed"}, Result.REFUSED),
        (422, {"error": "Validation failed: Text character limit of 500 exceeded"}, Result.REFUSED),
        (429, {"error": "Too many requests"}, Result.UNKNOWN),
        (500, {}, Result.UNKNOWN),
    ],
)
def test_each_answer_means_what_the_rule_says(status: int, body: object, result: Result) -> None:
    outcome = Mastodon().judge(ACCESS, answer(status, body))
    assert outcome.result is result
    assert outcome.permalink in (None, "http://127.0.0.1:1/@dept/7")


def test_the_quota_and_the_reset_come_from_mastodon_s_own_headers() -> None:
    told = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "2026-11-23T12:00:00.123456Z"}
    outcome = Mastodon().judge(ACCESS, answer(429, {}, **told))
    at = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
    assert (outcome.result, outcome.retry_at) == (Result.NOT_SENT, at)
    assert outcome.quota
    assert (outcome.quota.remaining, outcome.quota.reset_at) == (0, at)
    assert Mastodon().judge(ACCESS, answer(429, {}, x_ratelimit_reset="soon")).retry_at is None
