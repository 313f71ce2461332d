"""What every platform must prove against its sandbox over real HTTP. One subclass per platform.

Sending is here; what stands afterwards (timelines, look-ups, removal, limits, targets) is in `conformance_standing`.
"""

import dataclasses
import hashlib
import logging
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.outcome import Result
from core.domain.refusals import (
    AltTextMissing,
    AltTextTooLong,
    LinkInvalid,
    TextMissing,
    TextTooLong,
    TooManyImages,
)
from integrations.platforms.values import Access, PrepareFailed, ReadFailed
from integrations.platforms.wire import utc_now
from tests.integrations.platforms.conformance_kit import HARD, KEY, LINK, TOKEN
from tests.integrations.platforms.conformance_standing import DuplicatesConformance, StandingConformance
from tests.integrations.platforms.serving import Sandbox, sandbox, scripted

__all__ = ["HARD", "KEY", "LINK", "TOKEN", "DuplicatesConformance", "PlatformConformance"]


class PlatformConformance(StandingConformance):
    """Sending: exactly what was authorised, once, and every answer told truthfully."""

    @pytest.mark.parametrize("count", [0, 1, 4])
    async def test_exactly_what_was_authorised_arrives_and_reads_back_equal(
        self, access: Access, there: Sandbox, count: int
    ) -> None:
        images, files = self.images(count)
        rendition = self.rendition(images=images)
        before = utc_now()
        outcome = await self.publish(access, rendition, files)
        assert outcome.result is Result.ACCEPTED, outcome
        assert outcome.post_id
        [post] = there.posts()
        assert post["post_id"] == outcome.post_id
        assert post["text"] == rendition.text
        assert post["link"] == rendition.link
        assert [image["alt"] for image in post["images"]] == [image.alt for image in images]
        received = [there.media(image["sha256"]) for image in post["images"]]
        assert [hashlib.sha256(data).hexdigest() for data in received] == [image.sha256 for image in images]
        assert before <= datetime.fromisoformat(post["received_at"]) <= utc_now()
        standing = await self.platform.read_back(access, outcome.post_id)
        assert self.platform.matches(rendition, standing) == []

    async def test_a_longest_text_is_taken_whole(self, access: Access, there: Sandbox) -> None:
        rendition = self.rendition(self.full, None)
        assert self.platform.count(rendition.text).used == self.platform.limit
        outcome = await self.publish(access, rendition)
        assert outcome.result is Result.ACCEPTED, outcome
        assert there.posts()[0]["text"] == self.full

    def test_one_character_more_is_refused_before_any_request(self) -> None:
        with pytest.raises(TextTooLong) as refusal:
            self.rendition(self.full + "x", None)
        assert refusal.value.field == f"text-{self.platform.name}"
        assert "by 1." in str(refusal.value)

    def test_what_cannot_be_sent_is_refused_beside_its_field(self) -> None:
        images, _ = self.images(5)
        nameless = dataclasses.replace(images[0], alt=" ")
        wordy = dataclasses.replace(images[1], alt="x" * (self.platform.image_rule.alt_max + 1))
        with pytest.raises(TextMissing):
            self.rendition(" \n ")
        with pytest.raises(TooManyImages):
            self.rendition(images=images)
        with pytest.raises(AltTextMissing) as missing:
            self.rendition(images=(nameless,))
        with pytest.raises(AltTextTooLong) as too_long:
            self.rendition(images=(images[0], wordy))
        assert (missing.value.field, too_long.value.field) == ("alt-1", "alt-2")
        for link in (
            "javascript:alert(1)",
            "gov.uk",
            "https://",
            "https://a b",
            "https://user:pw@gov.uk",
            "https://[",
            "//gov.uk",
        ):
            with pytest.raises(LinkInvalid):
                self.rendition(link=link)

    def test_rendering_a_rendition_again_changes_nothing(self) -> None:
        for images in ((), self.images(2)[0]):
            once = self.rendition("cafe\u0301\r\nline", LINK, images)
            assert once.text.startswith("caf\u00e9\nline")
            assert self.rendition(once.text, LINK, images) == once

    def test_a_link_that_stands_in_the_text_is_not_repeated_but_a_longer_one_is_another(self) -> None:
        images, _ = self.images(1)
        assert self.rendition(f"See ({LINK}).", LINK, images).text.count(LINK) == 1
        assert self.rendition(f"See {LINK}0", LINK, images).text.count(LINK) == 2

    @pytest.mark.parametrize("mode", ["accept_then_hang", "accept_late"])
    async def test_a_read_timeout_is_unknown(self, access: Access, there: Sandbox, mode: str) -> None:
        there.lie(mode, seconds=1.0)
        outcome = await self.publish(access, self.rendition(), platform=self.impatient(send_seconds=0.5))
        assert outcome.result is Result.UNKNOWN, outcome
        deadline = time.monotonic() + 10
        while len(there.posts()) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)  # noqa: ASYNC251 - the server runs in a thread of its own
        assert len(there.posts()) == 1

    @pytest.mark.parametrize(
        ("mode", "arrives"), [("cut_before", 0), ("cut_after", 1), ("accept_then_500", 1), ("refuse_503_before", 0)]
    )
    async def test_a_broken_connection_or_a_5xx_is_unknown_and_tried_once(
        self, access: Access, there: Sandbox, mode: str, arrives: int
    ) -> None:
        there.lie(mode)
        outcome = await self.publish(access, self.rendition())
        assert outcome.result is Result.UNKNOWN, outcome
        assert len(there.posts()) == arrives

    async def test_a_refused_connection_is_not_sent(self) -> None:
        outcome = await self.publish(self.access_to("http://127.0.0.1:1"), self.rendition())
        assert outcome.result is Result.NOT_SENT

    async def test_a_failed_tls_handshake_is_not_sent(self, there: Sandbox) -> None:
        outcome = await self.publish(self.access_to(there.url.replace("http:", "https:")), self.rendition())
        assert outcome.result is Result.NOT_SENT
        assert there.posts() == []

    async def test_the_gate_is_asked_once_with_the_connection_made_and_its_no_sends_nothing(self) -> None:
        asked: list[bool] = []
        rendition = self.rendition()
        with scripted(b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n") as (url, script):

            def too_late() -> bool:
                asked.append(True)
                return False

            prepared = await self.platform.prepare(self.access_to(url), rendition, {})
            outcome = await self.platform.send(self.access_to(url), rendition, prepared, key=KEY, may_start=too_late)
            time.sleep(0.05)  # noqa: ASYNC251 - the server runs in a thread of its own
            assert (script.connections, script.first) == (1, b"")
        assert len(asked) == 1
        assert outcome.result is Result.NOT_SENT
        assert "too late" in outcome.detail

    async def test_a_rate_limit_is_not_sent_where_the_platform_proves_it_and_names_the_reset(
        self, access: Access, there: Sandbox
    ) -> None:
        there.lie("refuse_429")
        outcome = await self.publish(access, self.rendition())
        assert outcome.result is (Result.NOT_SENT if self.proves_limits else Result.UNKNOWN), outcome
        assert outcome.retry_at is not None
        assert outcome.retry_at > utc_now()
        assert outcome.retry_at.tzinfo is UTC
        assert there.posts() == []

    async def test_a_429_about_a_post_that_was_accepted_is_unknown(self, access: Access, there: Sandbox) -> None:
        there.lie("false_429")
        outcome = await self.publish(access, self.rendition())
        assert outcome.result is Result.UNKNOWN, outcome
        assert len(there.posts()) == 1

    async def test_a_redirect_is_not_followed(self) -> None:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        with scripted(moved) as (url, script):
            outcome = await self.publish(self.access_to(url), self.rendition())
            assert script.connections == 1
        assert outcome.result is Result.UNKNOWN

    @pytest.mark.parametrize("head", [b"HTTP/1.1 201 Created", b"HTTP/1.1 200 OK", b"HTTP/1.1 400 Bad", b"HTTP/1.1 403 No"])
    async def test_an_answer_that_breaks_off_is_unknown(self, head: bytes) -> None:
        with scripted(head + b'\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"data":{"id":"1"') as (url, _):
            outcome = await self.publish(self.access_to(url), self.rendition())
        assert outcome.result is Result.UNKNOWN, outcome

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b"null", b'{"data":[]}', b'{"id":7,"data":{"id":null}}', b"\xff\xfe"]
    )
    async def test_a_success_that_cannot_be_read_is_unknown(self, body: bytes) -> None:
        size = str(len(body)).encode()
        with scripted(b"HTTP/1.1 201 Created\r\nContent-Length: " + size + b"\r\n\r\n" + body) as (url, _):
            outcome = await self.publish(self.access_to(url), self.rendition())
        assert outcome.result is Result.UNKNOWN, outcome

    async def test_a_wrong_token_is_refused_and_goes_to_a_person(self, access: Access, there: Sandbox) -> None:
        stale = dataclasses.replace(access, token="stale-canary-08")
        outcome = await self.publish(stale, self.rendition())
        assert outcome.result is Result.REFUSED
        assert "token" in outcome.detail
        images, files = self.images(1)
        with pytest.raises(PrepareFailed) as failed:
            await self.platform.prepare(stale, self.rendition(images=images), files)
        assert failed.value.outcome.result is Result.REFUSED
        assert there.posts() == []

    async def test_an_upload_that_breaks_may_be_tried_again(self) -> None:
        images, files = self.images(1)
        for answer in (b"", b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
            with scripted(answer) as (url, _), pytest.raises(PrepareFailed) as failed:
                await self.platform.prepare(self.access_to(url), self.rendition(images=images), files)
            assert failed.value.outcome.result is Result.NOT_SENT

    async def test_preparing_twice_publishes_nothing(self, access: Access, there: Sandbox) -> None:
        images, files = self.images(2)
        for _ in range(2):
            await self.platform.prepare(access, self.rendition(images=images), files)
        assert there.posts() == []

    async def test_an_image_in_work_is_waited_for_until_a_limit(self, access: Access, there: Sandbox) -> None:
        images, files = self.images(1)
        there.lie("processing", seconds=0.3)
        outcome = await self.publish(access, self.rendition(images=images), files, platform=self.impatient())
        assert outcome.result is Result.ACCEPTED
        there.lie("processing", seconds=60)
        with pytest.raises(PrepareFailed) as failed:
            await self.impatient(media_seconds=0.3).prepare(access, self.rendition(images=images), files)
        assert failed.value.outcome.result is Result.NOT_SENT

    async def test_a_silent_truncation_is_seen(self, access: Access, there: Sandbox) -> None:
        there.lie("truncate")
        rendition = self.rendition()
        outcome = await self.publish(access, rendition)
        standing = await self.platform.read_back(access, str(outcome.post_id))
        assert self.platform.matches(rendition, standing) == [f"The text on {self.platform.label} is not the authorised text."]

    async def test_every_difference_is_named(self, access: Access) -> None:
        images, files = self.images(2)
        rendition = self.rendition(images=images)
        outcome = await self.publish(access, rendition, files)
        standing = await self.platform.read_back(access, str(outcome.post_id))
        one_less = dataclasses.replace(standing, alts=standing.alts[:1])
        other_alt = dataclasses.replace(standing, alts=("other", standing.alts[1]))
        other_link = dataclasses.replace(standing, link="https://elsewhere.example/")
        for changed, word in ((one_less, "images"), (other_alt, "alt text"), (other_link, "link")):
            [difference] = self.platform.matches(rendition, changed)
            assert word in difference

    async def test_a_duplicate_is_looked_up_never_called_refused(self, tmp_path: Path) -> None:
        with sandbox(self.platform.name, self.account, tmp_path, refuse_duplicates=True) as there:
            first = await self.publish(self.access_to(there.url), self.rendition())
            again = await self.publish(self.access_to(there.url), self.rendition())
            assert (first.result, again.result) == (Result.ACCEPTED, Result.UNKNOWN)
            assert len(there.posts()) == 1

    async def test_a_post_that_is_not_there_is_not_found_and_a_failing_platform_says_nothing(self, access: Access) -> None:
        absent = await self.platform.read_back(access, self.absent_id())
        assert not absent.found
        assert self.platform.matches(self.rendition(), absent)
        with scripted(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n") as (url, _), pytest.raises(ReadFailed):
            await self.platform.read_back(self.access_to(url), self.absent_id())

    async def test_no_token_is_ever_logged_or_shown(
        self, access: Access, there: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        images, files = self.images(1)
        outcome = await self.publish(access, self.rendition(images=images), files)
        await self.platform.read_back(access, str(outcome.post_id))
        body = (
            b'{"message":"bad '
            + TOKEN.encode()
            + b'","detail":"bad '
            + TOKEN.encode()
            + b'","error":{"message":"'
            + TOKEN.encode()
        )
        echo = body + b'"}}'
        with scripted(b"HTTP/1.1 400 x\r\nContent-Length: %d\r\n\r\n" % len(echo) + echo) as (url, _):
            echoed = await self.publish(self.access_to(url), self.rendition())
        call = self.platform.post_call(access, self.rendition(), await self.platform.prepare(access, self.rendition(), {}), KEY)
        shown = [caplog.text, repr(access), repr(call), repr(outcome), repr(echoed)]
        assert echoed.result is Result.REFUSED
        assert not [text for text in shown if TOKEN in text]
