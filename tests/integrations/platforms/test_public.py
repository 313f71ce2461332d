"""A server that a person named is called on the public internet or not at all, whatever its name leads to today."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from core.domain.content import Rendition
from core.domain.outcome import Result, SendKey
from integrations.platforms.mastodon import Mastodon
from integrations.platforms.redoable import upload
from integrations.platforms.values import Access, Prepared, PrepareFailed, ReadFailed
from integrations.platforms.wire import Call
from tests.integrations.platforms.serving import scripted

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 14, 9, tzinfo=UTC)
WORDS = Rendition(account_id="a", platform="mastodon", text="Words", link=None, images=())
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n{"id":"1","created_at":"2026-03-14T09:00:00"}'


def inside(url: str, *, public_only: bool) -> Access:
    """A name, not an address, as a named server's is; it leads to this machine."""
    return Access("1", "dept", "token-canary-91", url.replace("127.0.0.1", "localhost"), public_only=public_only)


async def test_nothing_is_sent_to_a_named_server_that_leads_inside() -> None:
    with scripted(OK) as (url, script):
        outcome = await Mastodon().send(
            inside(url, public_only=True), WORDS, Prepared(), key=SendKey(uuid.uuid4(), NOW), may_start=lambda: True
        )
        assert script.connections == 0
    assert outcome.result is Result.NOT_SENT
    assert "not on the public internet" in outcome.detail


async def read(access: Access) -> object:
    return await Mastodon().read_back(access, "1")


async def put(access: Access) -> object:
    return await upload(Mastodon(), access, Call("POST", f"{access.base_url}/api/v2/media"))


@pytest.mark.parametrize(("call", "failure"), [(read, ReadFailed), (put, PrepareFailed)])
async def test_nothing_else_is_asked_there_either(call: Callable[[Access], Awaitable[object]], failure: type[Exception]) -> None:
    with scripted(OK) as (url, script):
        with pytest.raises(failure, match="not on the public internet"):
            await call(inside(url, public_only=True))
        assert script.connections == 0
        await call(inside(url, public_only=False))
        assert script.connections == 1


async def test_removing_is_not_tried_there_either() -> None:
    with scripted(OK) as (url, script):
        outcome = await Mastodon().delete(inside(url, public_only=True), "1")
        assert script.connections == 0
    assert outcome.result is Result.NOT_SENT
