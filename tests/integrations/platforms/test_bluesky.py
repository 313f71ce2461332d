"""Bluesky: conformance, keys that make a post once, byte offsets, and what its answers mean."""

import asyncio
import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.content import Rendition, Target
from core.domain.outcome import Result, SendKey
from integrations.platforms.bluesky import Bluesky
from integrations.platforms.bluesky_records import Place, created_at, instant_of, record_of, rkey_of
from integrations.platforms.bluesky_text import blob_cid, facets_of, shown_text
from integrations.platforms.values import Access, Prepared
from integrations.platforms.wire import Answer, utc_now
from integrations.sandbox.platforms.dag_cbor import encode, record_cid
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.conformance import KEY, TOKEN, PlatformConformance
from tests.integrations.platforms.serving import Sandbox

pytestmark = pytest.mark.anyio
DID = "did:plc:deptexamples2222222222222"
ACCESS = Access(DID, "dept.example.test", TOKEN, "http://127.0.0.1:1")
FAMILY = "👩‍👩‍👧‍👦"


class TestBluesky(PlatformConformance):
    platform = Bluesky()
    account = SandboxAccount(DID, "dept.example.test", "Department for Examples", TOKEN)
    looks_up_by_key = True
    full = "é" * 200 + FAMILY * 60 + "日" * 40
    # Bluesky refuses no duplicates: the same key is the same post, another key another one (below).
    test_a_duplicate_is_looked_up_never_called_refused = None  # type: ignore[assignment]

    def absent_id(self) -> str:
        return f"at://{DID}/app.bsky.feed.post/3zzzzzzzzzz22"

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

    async def test_what_stands_under_the_key_is_never_written_over(self, access: Access, there: Sandbox) -> None:
        first = await self.publish(access, self.rendition("One"))
        second = await self.publish(access, self.rendition("Two"))
        assert (first.result, second.result) == (Result.ACCEPTED, Result.UNKNOWN)
        [found] = await self.platform.look_up(access, self.rendition("Two"), KEY, since=utc_now())
        assert (found.post_id, found.content.text) == (first.post_id, f"One\n\n{self.rendition('One').text[5:]}")

    async def test_a_deleted_post_rises_again_when_it_is_sent_again(self, access: Access, there: Sandbox) -> None:
        """The platform does not prevent it; that nothing is sent again after a takedown is our own ledger's business."""
        rendition = self.rendition()
        first = await self.publish(access, rendition)
        assert (await self.platform.delete(access, str(first.post_id))).result is Result.ACCEPTED
        assert not (await self.platform.read_back(access, str(first.post_id))).found
        again = await self.publish(access, rendition)
        assert (again.result, again.post_id) == (Result.ACCEPTED, first.post_id)
        assert len(there.posts()) == 2

    async def test_an_upload_that_is_called_by_another_hash_is_not_used(self, access: Access) -> None:
        images, files = self.images(1)
        other = {images[0].sha256: b"other bytes"}
        with pytest.raises(Exception, match="did not take an image"):
            await self.platform.prepare(access, self.rendition(images=images), other)
        assert files

    @pytest.mark.parametrize("kind", ["reply", "quote", "repost"])
    async def test_a_post_about_another_names_its_exact_state(self, access: Access, there: Sandbox, kind: str) -> None:
        rogue = httpx2.post(f"{there.url}/_rogue", json={"account": DID, "text": "Before"}, trust_env=False).json()
        place = Place.read(rogue["post_id"])
        assert place
        address = f"{there.url}/profile/dept.example.test/post/{place.rkey}"
        target = await self.platform.read_target(access, address, kind)
        assert target
        assert (target.post_id, target.text, target.author) == (place.uri, "Before", "@dept.example.test")
        words = ("", None) if kind == "repost" else ("After", None)
        rendition = self.platform.render(account_id="a", text=words[0], link=words[1], images=(), target=target)
        outcome = await self.publish(access, rendition)
        assert outcome.result is Result.ACCEPTED, outcome
        standing = await self.platform.read_back(access, str(outcome.post_id))
        assert self.platform.matches(rendition, standing) == []
        assert self.platform.matches(dataclasses.replace(rendition, target=None), standing)
        seen = await self.platform.timeline(access, since=KEY.at - timedelta(days=1))
        assert outcome.post_id in {post.post_id for post in seen}

    async def test_an_address_that_is_no_post_is_no_target(self, access: Access) -> None:
        for address in ("https://bsky.app/profile/nobody.test/post/3zzzzzzzzzz22", "https://gov.uk/profile/x/post/1", "nonsense"):
            assert await self.platform.read_target(access, address, "reply") is None

    async def test_the_timeline_is_read_page_by_page(self, access: Access, there: Sandbox) -> None:
        with httpx2.Client(base_url=there.url, trust_env=False) as client:
            for number in range(103):
                client.post("/_rogue", json={"account": DID, "text": str(number)}).raise_for_status()
        seen = await self.platform.timeline(access, since=utc_now() - timedelta(minutes=5))
        assert [post.content.text for post in seen] == [str(number) for number in reversed(range(103))]


def test_a_reply_in_a_thread_names_where_the_thread_began() -> None:
    parent, root = {"uri": f"at://{DID}/app.bsky.feed.post/b", "cid": "bafyb"}, {"uri": "at://did:plc:r/p/a", "cid": "bafya"}
    deep = Target("reply", parent["uri"], "", "", "", f"bafyb {root['uri']} bafya")
    assert record_of(_rendition(target=deep), (), KEY)["reply"] == {"root": root, "parent": parent}
    first = dataclasses.replace(deep, fingerprint="bafyb")
    assert record_of(_rendition(target=first), (), KEY)["reply"] == {"root": parent, "parent": parent}


def _rendition(text: str = "Words", target: Target | None = None) -> Rendition:
    return Rendition("a", "bluesky", text, None, (), target)


keys = st.builds(SendKey, st.uuids(), st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))


@given(keys)
@example(SendKey(UUID(int=1023), datetime(2026, 11, 23, tzinfo=UTC)))
def test_a_key_makes_the_same_record_key_every_time_and_says_when(key: SendKey) -> None:
    rkey = rkey_of(key)
    assert rkey == rkey_of(SendKey(UUID(str(key.id)), key.at + timedelta(0)))
    assert instant_of(rkey) == key.at
    later = rkey_of(SendKey(key.id, key.at + timedelta(microseconds=1)))
    assert rkey < later
    assert rkey_of(SendKey(UUID(int=key.id.int ^ 1), key.at)) != rkey


@given(keys)
def test_the_same_key_makes_the_same_bytes(key: SendKey) -> None:
    calls = [Bluesky().post_call(ACCESS, _rendition("R&D https://a.uk #x"), Prepared(), key) for _ in range(2)]
    assert json.dumps(calls[0].json) == json.dumps(calls[1].json)


def test_a_microsecond_is_not_lost_on_the_way() -> None:
    at = datetime(2026, 11, 23, 9, 30, 0, 123457, tzinfo=UTC)
    assert instant_of(rkey_of(SendKey(KEY.id, at))) == at


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [FAMILY, "日本", "#tag", "#Straße!", "https://www.gov.uk/a?b=1&c=2", "(http://a.uk/x)", "#1", "@a.b", "\n"]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    ),
    max_size=8,
)


@given(pieces)
def test_facets_cover_exactly_the_bytes_of_their_words(parts: list[str]) -> None:
    text = " ".join(parts)
    raw, position = text.encode(), 0
    for facet in facets_of(text):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert position <= start < end <= len(raw)
        position, [feature] = end, facet["features"]
        covered = raw[start:end].decode()
        assert covered == feature["uri"] if "uri" in feature else covered[1:] == feature["tag"]
    assert shown_text(text, facets_of(text)) == text


def test_links_and_tags_become_facets_and_mentions_stay_plain() -> None:
    text = f"{FAMILY} see https://www.gov.uk/a?b=1, @dept.gov.uk #Budget2026. #2026 example.com"
    features = [facet["features"][0] for facet in facets_of(text)]
    assert [feature.get("uri") or feature.get("tag") for feature in features] == ["https://www.gov.uk/a?b=1", "Budget2026"]


def test_words_that_lead_elsewhere_are_seen() -> None:
    text = "See https://www.gov.uk/a"
    moved: list[dict[str, Any]] = json.loads(json.dumps(facets_of(text)))
    moved[0]["features"][0]["uri"] = "https://evil.example/"
    assert shown_text(text, moved) == "See https://www.gov.uk/a <https://evil.example/>"


def test_bytes_count_where_they_run_out_first() -> None:
    assert (Bluesky().count(FAMILY * 121).used, Bluesky().count(FAMILY * 121).limit) == (3025, 3000)
    assert Bluesky().count(FAMILY * 120) == Bluesky().count("x" * 120)


def test_a_record_dated_ahead_or_back_cannot_hide() -> None:
    now, rkey = datetime(2026, 11, 23, tzinfo=UTC), rkey_of(SendKey(KEY.id, datetime(2026, 11, 22, tzinfo=UTC)))
    assert created_at({"createdAt": "2001-01-01T00:00:00Z"}, rkey, now) == datetime(2026, 11, 22, tzinfo=UTC)
    assert created_at({"createdAt": "2090-01-01T00:00:00Z"}, rkey, now) == now
    assert created_at({"createdAt": "nonsense"}, "self", now).year == 1970


def answer(status: int, body: object, **headers: str) -> Answer:
    return Answer(
        status, httpx2.Headers({name.replace("_", "-"): value for name, value in headers.items()}), json.dumps(body).encode()
    )


URI = f"at://{DID}/app.bsky.feed.post/3m6c5gn2lfc22"


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, {"uri": URI, "cid": "bafy"}, Result.ACCEPTED),
        (200, {"uri": URI}, Result.UNKNOWN),
        (200, {"uri": URI.replace(DID, "did:plc:other"), "cid": "bafy"}, Result.UNKNOWN),
        (400, {"error": "InvalidSwap", "message": "Record was at bafy"}, Result.UNKNOWN),
        (400, {"error": "InvalidRequest"}, Result.REFUSED),
        (400, {"error": "ExpiredToken"}, Result.REFUSED),
        (401, {"error": "AuthMissing"}, Result.REFUSED),
        (429, {"error": "RateLimitExceeded"}, Result.UNKNOWN),
        (500, {"error": "InternalServerError"}, Result.UNKNOWN),
    ],
)
def test_each_answer_means_what_the_rule_says(status: int, body: dict[str, str], result: Result) -> None:
    outcome = Bluesky().judge(ACCESS, answer(status, body))
    assert outcome.result is result
    assert ("token" in outcome.detail) == (body.get("error") in ("ExpiredToken", "AuthMissing"))


def test_the_quota_is_in_posts_and_a_limit_is_proven_by_it() -> None:
    some = Bluesky().judge(ACCESS, answer(200, {"uri": URI, "cid": "b"}, ratelimit_remaining="10", ratelimit_reset="1795000000"))
    assert some.quota
    assert (some.quota.remaining, some.quota.reset_at) == (3, datetime.fromtimestamp(1795000000, UTC))
    none = Bluesky().judge(ACCESS, answer(429, {}, ratelimit_remaining="0", ratelimit_reset="1795000000"))
    assert (none.result, none.retry_at) == (Result.NOT_SENT, datetime.fromtimestamp(1795000000, UTC))


def test_canonical_bytes_are_those_of_the_specification() -> None:
    """Vectors of RFC 8949, appendix A, as far as records hold such values, and DAG-CBOR's order of keys."""
    vectors = {"00": 0, "17": 23, "1818": 24, "1903e8": 1000, "1a000f4240": 1_000_000, "1b000000e8d4a51000": 10**12, "29": -10}
    assert all(encode(value).hex() == expected for expected, value in vectors.items())
    assert encode({"bb": True, "a": None, "c": ["ü"]}).hex() == "a36161f661638162c3bc626262f5"
    assert record_cid({}) == "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"
    assert blob_cid(hashlib.sha256(b"").hexdigest()) == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
