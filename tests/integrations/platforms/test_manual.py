"""By hand: nothing goes over any network; the post waits for a person."""

import pytest

from core.domain.outcome import Result
from core.domain.refusals import TextTooLong
from integrations.platforms.manual import Manual
from integrations.platforms.values import Access, Prepared, ReadFailed
from integrations.platforms.wire import utc_now
from tests.integrations.platforms.conformance import KEY, LINK
from tests.integrations.platforms.serving import scripted

pytestmark = pytest.mark.anyio


async def test_sending_releases_the_post_to_a_person_and_calls_nobody() -> None:
    with scripted(b"") as (url, script):
        access = Access("1", "@dept", "", url)
        rendition = Manual().render(account_id="a", text="Words", link=LINK, images=())
        outcome = await Manual().send(access, rendition, Prepared(), key=KEY, may_start=lambda: True)
        assert script.connections == 0
    assert rendition.text == f"Words\n\n{LINK}"
    assert (outcome.result, outcome.post_id) == (Result.PROCESSING, None)
    assert "@dept" in outcome.detail


async def test_what_comes_too_late_is_not_released() -> None:
    rendition = Manual().render(account_id="a", text="Words", link=None, images=())
    access = Access("1", "@dept", "", "")
    outcome = await Manual().send(access, rendition, Prepared(), key=KEY, may_start=lambda: False)
    assert outcome.result is Result.NOT_SENT


async def test_nothing_is_said_to_stand_or_to_be_gone_that_nobody_looked_at() -> None:
    access = Access("1", "@dept", "", "")
    rendition = Manual().render(account_id="a", text="Words", link=None, images=())
    with pytest.raises(ReadFailed):
        await Manual().read_back(access, "https://example.test/1")
    with pytest.raises(ReadFailed):
        await Manual().timeline(access, since=utc_now())
    with pytest.raises(ReadFailed):
        await Manual().look_up(access, rendition, KEY, since=utc_now())
    assert (await Manual().delete(access, "https://example.test/1")).result is Result.REFUSED
    assert await Manual().read_target(access, "https://example.test/1", "reply") is None


def test_a_text_is_bounded_all_the_same() -> None:
    assert Manual().render(account_id="a", text="x" * 25_000, link=None, images=()).text
    with pytest.raises(TextTooLong):
        Manual().render(account_id="a", text="x" * 25_001, link=None, images=())
