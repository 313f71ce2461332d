"""Every call that our X adapter makes, held by Prism against X's own OpenAPI document."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from core.domain.content import Target
from integrations.platforms.values import Access, ReadFailed
from integrations.platforms.wire import make_call, utc_now
from integrations.platforms.x import X
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.conformance_kit import KEY, TOKEN, PlatformKit
from tests.peers.recording import Recorder, recording

pytestmark = [pytest.mark.anyio, pytest.mark.peers]
POST_ID = "1999999999999999999"


class OurX(PlatformKit):
    platform = X(poll_seconds=0.05, media_seconds=5)
    account = SandboxAccount("2244994945", "DeptExample", "Department for Examples", TOKEN)


KIT = OurX()


def until_asked_again(call: str, body: bytes) -> bytes:
    """Prism makes up a state; here an image is done once we ask for it, so that every call of an upload is made."""
    return body.replace(b'"state":"string"', b'"state":"succeeded"') if call == "GET /2/media/upload" else body


@pytest.fixture
def recorder(prism: str) -> Iterator[Recorder]:
    with recording(prism, mend=until_asked_again) as between:
        yield between


@pytest.fixture
def access(recorder: Recorder) -> Access:
    return KIT.access_to(recorder.url)


@pytest.mark.parametrize("kind", [None, *sorted(X.targets)])
@pytest.mark.parametrize("count", [0, 1, 4])
async def test_our_posts_are_as_x_specifies(access: Access, recorder: Recorder, count: int, kind: str | None) -> None:
    shown, files = KIT.images(count)
    target = Target(kind, POST_ID, "https://x.com/a/status/1", "@a", "Words") if kind else None
    rendition = KIT.rendition(images=shown, target=target)
    prepared = await KIT.platform.prepare(access, rendition, files)
    await KIT.platform.send(access, rendition, prepared, key=KEY, may_start=lambda: True)
    assert recorder.said[-1].startswith("POST /2/tweets 2")
    assert recorder.violations == []


async def test_our_reading_listing_and_removing_are_as_x_specifies(access: Access, recorder: Recorder) -> None:
    for reading in (
        KIT.platform.read_back(access, POST_ID),
        KIT.platform.timeline(access, since=utc_now() - timedelta(days=1)),
        KIT.platform.read_target(access, f"https://x.com/a/status/{POST_ID}", "quote"),
    ):
        try:
            await reading
        except ReadFailed:
            continue  # What Prism makes up need not make sense; only what it says of our request counts.
    await KIT.platform.delete(access, POST_ID)
    assert len(recorder.said) >= 4
    assert recorder.violations == []


async def test_what_x_does_not_specify_is_named(access: Access, recorder: Recorder, prism: str) -> None:
    """This check can fail."""
    call = KIT.platform.post_call(access, KIT.rendition(), await KIT.platform.prepare(access, KIT.rendition(), {}), KEY)
    await make_call(dataclasses.replace(call, json={**(call.json or {}), "surprise": 1}), seconds=20)
    assert len(recorder.violations) == 1
    assert httpx2.post(f"{prism}/2/tweets", json={"text": 1}, trust_env=False).headers["sl-violations"]
