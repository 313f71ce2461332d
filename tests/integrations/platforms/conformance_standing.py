"""What every platform must prove about what stands at it: timelines, look-ups, removal, limits, keys and targets."""

import dataclasses
import logging
from datetime import timedelta

import pytest

from core.domain.content import Rendition, Target
from core.domain.outcome import ReadBack, Result, SeenPost
from integrations.platforms.base import CLOCK_SKEW
from integrations.platforms.values import Access, ReadFailed, RepostHasWords, TargetNotOffered
from integrations.platforms.wire import utc_now
from tests.integrations.platforms.conformance_kit import HARD, KEY, LINK, TOKEN, PlatformKit, another_key
from tests.integrations.platforms.serving import Sandbox, scripted

NO_ANSWER = b""
ROGUE = "Nobody authorised this & <that>"


def http(status: int, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


class StandingConformance(PlatformKit):
    """After the send. `looks_up_by_key`: a lagging timeline hides nothing, because the key leads to the post."""

    looks_up_by_key = False

    def ids(self, posts: tuple[SeenPost, ...]) -> list[str]:
        return [post.post_id for post in posts]

    async def test_the_timeline_lists_what_was_sent_newest_first_and_equal(self, access: Access, there: Sandbox) -> None:
        images, files = self.images(3)
        sent: list[tuple[str, Rendition]] = []
        before = utc_now() - timedelta(seconds=1)
        for rendition in (self.rendition("The first", None), self.rendition(images=images), self.rendition("The last")):
            outcome = await self.publish(access, rendition, files if rendition.images else {}, key=another_key())
            sent.append((str(outcome.post_id), rendition))
        seen = await self.platform.timeline(access, since=before)
        assert self.ids(seen) == [post_id for post_id, _ in reversed(sent)]
        for post, (_, rendition) in zip(seen, reversed(sent), strict=True):
            assert self.platform.matches(rendition, post.content) == []
            assert post.content.alts == tuple(image.alt for image in rendition.images)
            assert before <= post.at <= utc_now()
        assert await self.platform.timeline(access, since=utc_now() + timedelta(seconds=2)) == ()

    async def test_a_timeline_is_read_back_page_by_page(self, access: Access, there: Sandbox) -> None:
        made = [there.rogue(self.account.account_id, f"Number {number}") for number in range(130)]
        seen = await self.platform.timeline(access, since=utc_now() - timedelta(hours=1))
        assert sorted(self.ids(seen)) == sorted(made)
        assert [post.at for post in seen] == sorted((post.at for post in seen), reverse=True)

    async def test_a_rogue_an_edited_and_a_vanished_post_are_seen(self, access: Access, there: Sandbox) -> None:
        rendition = self.rendition("As authorised", None)
        ours = str((await self.publish(access, rendition, key=another_key())).post_id)
        rogue = there.rogue(self.account.account_id, ROGUE)
        seen = {post.post_id: post.content for post in await self.platform.timeline(access, since=utc_now() - CLOCK_SKEW)}
        assert set(seen) == {ours, rogue}
        assert seen[rogue].text == ROGUE
        there.edit(ours, "As nobody authorised")
        [edited] = [post for post in await self.platform.timeline(access, since=utc_now() - CLOCK_SKEW) if post.post_id == ours]
        for content in (edited.content, await self.platform.read_back(access, ours)):
            assert self.platform.matches(rendition, content) == [f"The text on {self.platform.label} is not the authorised text."]
        there.vanish(ours)
        assert not (await self.platform.read_back(access, ours)).found
        assert self.ids(await self.platform.timeline(access, since=utc_now() - CLOCK_SKEW)) == [rogue]

    @pytest.mark.parametrize("mode", ["accept_then_500", "cut_after", "false_429"])
    async def test_a_look_up_finds_what_an_unknown_send_made(self, access: Access, there: Sandbox, mode: str) -> None:
        images, files = self.images(2)
        rendition = self.rendition(images=images)
        there.lie(mode)
        started = utc_now()
        assert (await self.publish(access, rendition, files)).result is Result.UNKNOWN
        [found] = await self.platform.look_up(access, rendition, KEY, since=started)
        assert found.post_id == there.posts()[0]["post_id"]
        assert self.platform.matches(rendition, found.content) == []

    async def test_a_look_up_finds_nothing_that_another_send_made(self, access: Access, there: Sandbox) -> None:
        images, files = self.images(1)
        authorised = self.rendition("The authorised words", images=images)
        other_alt = dataclasses.replace(authorised, images=(dataclasses.replace(images[0], alt="Other words"),))
        started = utc_now()
        for another in (self.rendition("Other words"), self.rendition("The authorised words"), other_alt):
            await self.publish(access, another, files if another.images else {}, key=another_key())
        assert len(there.posts()) == 3
        assert await self.platform.look_up(access, authorised, KEY, since=started) == ()

    async def test_a_look_up_finds_no_older_post_of_the_same_words(self, access: Access, there: Sandbox) -> None:
        rendition = self.rendition("We are closed today", None)
        await self.publish(access, rendition, key=another_key())
        later = utc_now() + CLOCK_SKEW + timedelta(seconds=2)
        assert await self.platform.look_up(access, rendition, KEY, since=later) == ()

    async def test_a_timeline_that_lags_hides_what_was_sent_for_a_while(self, access: Access, there: Sandbox) -> None:
        there.lie("accept_then_500")
        rendition, started = self.rendition(), utc_now()
        await self.publish(access, rendition)
        there.lie("lagging_timeline", seconds=60)
        hidden = await self.platform.look_up(access, rendition, KEY, since=started)
        assert len(hidden) == (1 if self.looks_up_by_key else 0)
        assert len(await self.platform.timeline(access, since=started - CLOCK_SKEW)) == (0 if self.looks_up_by_key else 1)
        assert len(await self.platform.look_up(access, rendition, KEY, since=started)) == 1

    async def test_a_duplicate_that_stands_is_found(self, access: Access, there: Sandbox) -> None:
        there.lie("accept_then_500")
        rendition, started = self.rendition(), utc_now()
        await self.publish(access, rendition)
        [post] = there.posts()
        found = await self.platform.look_up(access, rendition, KEY, since=started, named=post["post_id"])
        assert self.ids(found) == [post["post_id"]]

    async def test_a_removed_post_is_gone_and_removing_it_again_is_harmless(self, access: Access, there: Sandbox) -> None:
        images, files = self.images(1)
        post_id = str((await self.publish(access, self.rendition(images=images), files)).post_id)
        kept = str((await self.publish(access, self.rendition("Kept"), key=another_key())).post_id)
        for _ in range(2):
            outcome = await self.platform.delete(access, post_id)
            assert outcome.result is Result.ACCEPTED, outcome
            assert not (await self.platform.read_back(access, post_id)).found
        assert self.ids(await self.platform.timeline(access, since=utc_now() - CLOCK_SKEW)) == [kept]
        assert [post["post_id"] for post in there.posts() if post["deleted_at"]] == [post_id]

    @pytest.mark.parametrize(
        ("mode", "result", "gone"),
        [
            ("accept_then_500", Result.UNKNOWN, True),
            ("cut_after", Result.UNKNOWN, True),
            ("cut_before", Result.UNKNOWN, False),
            ("refuse_503_before", Result.UNKNOWN, False),
            ("refuse_429", Result.NOT_SENT, False),
        ],
    )
    async def test_a_removal_is_told_as_truthfully_as_a_send(
        self, access: Access, there: Sandbox, mode: str, result: Result, gone: bool
    ) -> None:
        post_id = str((await self.publish(access, self.rendition())).post_id)
        there.lie(mode, call="removal")
        outcome = await self.platform.delete(access, post_id)
        assert outcome.result is result, outcome
        assert (outcome.retry_at is not None) == (mode == "refuse_429")
        assert (await self.platform.read_back(access, post_id)).found != gone
        assert (await self.platform.delete(access, post_id)).result is Result.ACCEPTED

    async def test_a_removal_that_never_left_or_was_refused_says_so(self) -> None:
        never = await self.platform.delete(self.access_to("http://127.0.0.1:1"), self.absent_id())
        assert never.result is Result.NOT_SENT
        for answer, result in ((http(401), Result.REFUSED), (http(403), Result.REFUSED), (NO_ANSWER, Result.UNKNOWN)):
            with scripted(answer) as (url, _):
                outcome = await self.platform.delete(self.access_to(url), self.absent_id())
            assert outcome.result is result, outcome
            assert ("token" in outcome.detail) == (answer == http(401))

    async def test_what_is_left_of_the_limit_is_read_from_the_platform_s_own_headers(
        self, access: Access, there: Sandbox
    ) -> None:
        there.limit(posts=2, seconds=900)
        outcomes = [await self.publish(access, self.rendition(f"Number {n}"), key=another_key()) for n in range(3)]
        assert [outcome.result for outcome in outcomes[:2]] == [Result.ACCEPTED, Result.ACCEPTED]
        assert len(there.posts()) == 2
        if not self.proves_limits:
            assert [outcome.quota for outcome in outcomes] == [None, None, None]
            assert outcomes[2].result is Result.UNKNOWN
            return
        left = [outcome.quota.remaining for outcome in outcomes if outcome.quota]
        assert left[0] > left[1] == left[2] == 0
        assert all(outcome.quota and outcome.quota.reset_at > utc_now() for outcome in outcomes)
        assert outcomes[2].result is Result.NOT_SENT
        assert outcomes[2].retry_at is not None

    @pytest.mark.parametrize("mode", ["token_expired", "token_revoked"])
    async def test_a_token_that_has_ended_is_refused_and_named(self, access: Access, there: Sandbox, mode: str) -> None:
        there.lie(mode)
        outcome = await self.publish(access, self.rendition())
        assert outcome.result is Result.REFUSED, outcome
        assert "token" in outcome.detail
        there.lie(mode)
        with pytest.raises(ReadFailed):
            await self.platform.timeline(access, since=utc_now())
        there.lie(mode)
        assert (await self.platform.delete(access, self.absent_id())).result is Result.REFUSED
        assert there.posts() == []

    async def test_the_same_key_never_makes_two_posts(self, access: Access, there: Sandbox) -> None:
        """Platforms that keep no keys say so in their suite."""
        rendition = self.rendition()
        there.lie("accept_then_500")
        assert (await self.publish(access, rendition)).result is Result.UNKNOWN
        again = [await self.publish(access, rendition) for _ in range(2)]
        assert [outcome.result for outcome in again] == [Result.ACCEPTED, Result.ACCEPTED]
        [post] = there.posts()
        assert {outcome.post_id for outcome in again} == {post["post_id"]}

    def target_address(self, access: Access, post_id: str) -> str:
        return self.platform.permalink(access, post_id)

    async def test_a_post_about_another_names_what_stood_there(self, access: Access, there: Sandbox) -> None:
        """Over every kind that the platform offers; where it offers none, rendering refuses (below)."""
        other = there.rogue(self.account.account_id, ROGUE)
        for kind in sorted(self.platform.targets):
            target = await self.platform.read_target(access, self.target_address(access, other), kind)
            assert target is not None
            assert (target.kind, target.text, target.post_id) == (kind, ROGUE, other)
            rendition = self.about(target)
            outcome = await self.publish(access, rendition, key=another_key())
            assert outcome.result is Result.ACCEPTED, outcome
            standing = await self.platform.read_back(access, str(outcome.post_id))
            assert self.platform.matches(rendition, standing) == []
            assert standing.target_id == other
            [listed] = [
                post
                for post in await self.platform.timeline(access, since=utc_now() - CLOCK_SKEW)
                if post.post_id == outcome.post_id
            ]
            assert self.platform.matches(rendition, listed.content) == []
            self.another_target_is_seen(rendition, standing)

    def about(self, target: Target) -> Rendition:
        if target.kind == "repost":
            with pytest.raises(RepostHasWords):
                self.rendition(target=target)
            return self.rendition("", None, target=target)
        return self.rendition(f"About {target.kind}", target=target)

    def another_target_is_seen(self, rendition: Rendition, standing: ReadBack) -> None:
        for wrong in (None, self.absent_id()):
            [difference] = self.platform.matches(rendition, dataclasses.replace(standing, target_id=wrong))
            assert "replies to, quotes or reposts" in difference

    async def test_no_target_is_found_where_there_is_none(self, access: Access) -> None:
        for kind in sorted(self.platform.targets):
            for address in (self.target_address(access, self.absent_id()), "https://www.gov.uk/", "words", ""):
                assert await self.platform.read_target(access, address, kind) is None
        assert await self.platform.read_target(access, self.target_address(access, self.absent_id()), "poke") is None

    def test_what_the_platform_does_not_offer_is_refused_before_any_request(self) -> None:
        for kind in sorted({"reply", "quote", "repost"} - self.platform.targets):
            with pytest.raises(TargetNotOffered, match=self.platform.label):
                self.rendition("Words", target=Target(kind, self.absent_id(), "https://a.uk/", "@a", "Words"))

    async def test_no_token_is_shown_by_reading_removing_or_looking_up(
        self, access: Access, there: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        outcome = await self.publish(access, self.rendition(HARD, LINK))
        shown: list[object] = [await self.platform.timeline(access, since=utc_now() - CLOCK_SKEW)]
        shown.append(await self.platform.delete(access, str(outcome.post_id)))
        token = TOKEN.encode()
        body = b'{"detail":"bad %s","error":{"message":"%s"},"message":"%s"}' % (token, token, token)
        with scripted(http(400, body)) as (url, _):
            echoing = self.access_to(url)
            shown.append(await self.platform.delete(echoing, self.absent_id()))
            with pytest.raises(ReadFailed) as failed:
                await self.platform.timeline(echoing, since=utc_now())
        said = [caplog.text, str(failed.value), repr(failed.value), *(repr(one) for one in shown)]
        assert not [text for text in said if TOKEN in text]


class DuplicatesConformance(PlatformKit):
    """For the platforms that refuse what they call a duplicate."""

    async def test_a_false_duplicate_leads_to_no_post(self, access: Access, there: Sandbox) -> None:
        there.lie("ghost_duplicate")
        rendition, started = self.rendition(), utc_now()
        outcome = await self.publish(access, rendition)
        assert outcome.result is Result.UNKNOWN
        assert await self.platform.look_up(access, rendition, KEY, since=started, named=outcome.post_id) == ()
        assert there.posts() == []
