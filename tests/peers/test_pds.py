"""Our Bluesky adapter and our sandbox's rules against a real PDS."""

import asyncio
import dataclasses
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from PIL import Image

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, Result, SendKey
from integrations.connections.base import Client, ConnectFailed, RefreshRefused
from integrations.connections.bluesky import Bluesky as BlueskyConnection
from integrations.media import derive
from integrations.platforms.bluesky import Bluesky
from integrations.platforms.bluesky_records import Place, rkey_of
from integrations.platforms.values import Access, Prepared
from integrations.platforms.wire import make_call, utc_now
from integrations.sandbox.platforms.dag_cbor import record_cid
from tests.integrations.platforms.conformance_kit import HARD, LINK
from tests.peers.conftest import BlueskyAccount

pytestmark = [pytest.mark.anyio, pytest.mark.peers]
PLATFORM = Bluesky()
CONNECTION = BlueskyConnection(private_servers=True)
Accounts = tuple[BlueskyAccount, BlueskyAccount]


async def opened(pds: str, account: BlueskyAccount) -> Access:
    """As the service connects an account: an app password opens a session."""
    secret = {"identifier": account.handle, "app_password": account.app_password}
    [found] = await CONNECTION.exchange(Client("", "", pds), secret=secret, redirect_uri="")
    assert (found.platform_account_id, found.handle) == (account.did, account.handle)
    return Access(found.platform_account_id, found.handle, found.token.access_token, pds)


@pytest.fixture
async def access(pds: str, accounts: Accounts) -> Access:
    return await opened(pds, accounts[0])


@pytest.fixture
async def other(pds: str, accounts: Accounts) -> Access:
    return await opened(pds, accounts[1])


def new_key() -> SendKey:
    return SendKey(uuid4(), utc_now())


def written(text: str = HARD, link: str | None = LINK, images: tuple[RenditionImage, ...] = ()) -> Rendition:
    return PLATFORM.render(account_id="a", text=text, link=link, images=images)


async def publish(access: Access, rendition: Rendition, key: SendKey, files: dict[str, bytes] | None = None) -> Outcome:
    prepared = await PLATFORM.prepare(access, rendition, files or {})
    return await PLATFORM.send(access, rendition, prepared, key=key, may_start=lambda: True)


def images(count: int) -> tuple[tuple[RenditionImage, ...], dict[str, bytes]]:
    made = []
    for shade in ("navy", "teal", "olive", "maroon")[:count]:
        out = BytesIO()
        Image.new("RGB", (40, 30), shade).save(out, "JPEG")
        made.append(derive(out.getvalue(), PLATFORM.image_rule))
    shown = tuple(
        RenditionImage(i.sha256, i.mime, len(i.data), i.width, i.height, f"Field {i.sha256[:4]} & sky 👩‍👩‍👧‍👦") for i in made
    )
    return shown, {image.sha256: image.data for image in made}


async def record_at(access: Access, post_id: str) -> dict[str, Any]:
    place = Place.read(post_id)
    assert place
    params = {"repo": place.repo, "collection": place.collection, "rkey": place.rkey}
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{access.base_url}/xrpc/com.atproto.repo.getRecord", params=params)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@pytest.mark.parametrize("count", [0, 1, 4])
async def test_exactly_what_was_authorised_stands_and_is_found_by_its_key(access: Access, count: int) -> None:
    shown, files = images(count)
    rendition, key = written(images=shown), new_key()
    outcome = await publish(access, rendition, key, files)
    assert outcome.result is Result.ACCEPTED, outcome
    assert outcome.quota
    assert 0 < outcome.quota.remaining < 5000
    assert outcome.quota.reset_at > utc_now()
    standing = await PLATFORM.read_back(access, str(outcome.post_id))
    assert PLATFORM.matches(rendition, standing) == []
    [found] = await PLATFORM.look_up(access, rendition, key, since=key.at)
    assert (found.post_id, found.content) == (outcome.post_id, standing)
    assert abs(found.at - key.at) < timedelta(milliseconds=1)
    [listed] = [post for post in await PLATFORM.timeline(access, since=key.at) if post.post_id == outcome.post_id]
    assert listed == found


async def test_the_images_are_those_authorised_byte_for_byte(access: Access) -> None:
    shown, files = images(2)
    outcome = await publish(access, written(images=shown), new_key(), files)
    record = (await record_at(access, str(outcome.post_id)))["value"]
    async with httpx2.AsyncClient(trust_env=False) as client:
        for image, embedded in zip(shown, record["embed"]["images"], strict=True):
            params = {"did": access.platform_account_id, "cid": embedded["image"]["ref"]["$link"]}
            blob = await client.get(f"{access.base_url}/xrpc/com.atproto.sync.getBlob", params=params)
            assert blob.content == files[image.sha256]


async def test_our_sandbox_names_records_as_the_pds_does(access: Access) -> None:
    shown, files = images(1)
    row = await record_at(access, str((await publish(access, written(images=shown), new_key(), files)).post_id))
    assert record_cid(row["value"]) == row["cid"]
    assert len(row["value"]["facets"]) >= 2


async def test_the_same_key_eight_times_at_once_and_once_more_is_one_record(access: Access) -> None:
    rendition, key = written(), new_key()
    outcomes = await asyncio.gather(*(publish(access, rendition, key) for _ in range(8)))
    outcomes.append(await publish(access, rendition, key))
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    assert len({outcome.post_id for outcome in outcomes}) == 1
    standing = [post for post in await PLATFORM.timeline(access, since=key.at) if rkey_of(key) in post.post_id]
    assert len(standing) == 1


async def test_what_stands_under_the_key_is_never_written_over(access: Access) -> None:
    key = new_key()
    first = await publish(access, written("One", None), key)
    second = await publish(access, written("Two", None), key)
    assert (first.result, second.result) == (Result.ACCEPTED, Result.UNKNOWN)
    [found] = await PLATFORM.look_up(access, written("Two", None), key, since=key.at)
    assert found.content.text == "One"


async def test_a_removed_post_is_gone_and_only_we_keep_it_so(access: Access) -> None:
    """Sending the same again publishes it again: the platform does not prevent it, our ledger must."""
    rendition, key = written(), new_key()
    post_id = str((await publish(access, rendition, key)).post_id)
    for _ in range(2):
        assert (await PLATFORM.delete(access, post_id)).result is Result.ACCEPTED
        assert not (await PLATFORM.read_back(access, post_id)).found
        assert await PLATFORM.look_up(access, rendition, key, since=key.at) == ()
    again = await publish(access, rendition, key)
    assert (again.result, again.post_id) == (Result.ACCEPTED, post_id)


@pytest.mark.parametrize("kind", ["reply", "quote", "repost"])
async def test_a_post_about_another_s_names_its_exact_state(access: Access, other: Access, kind: str) -> None:
    theirs = await publish(other, written("Theirs #there", None), new_key())
    assert theirs.permalink
    target = await PLATFORM.read_target(access, theirs.permalink, kind)
    assert target
    assert (target.post_id, target.text, target.author) == (theirs.post_id, "Theirs #there", "@ministry.test")
    text = "" if kind == "repost" else "Ours"
    rendition = PLATFORM.render(account_id="a", text=text, link=None, images=(), target=target)
    outcome = await publish(access, rendition, new_key())
    assert outcome.result is Result.ACCEPTED, outcome
    standing = await PLATFORM.read_back(access, str(outcome.post_id))
    assert PLATFORM.matches(rendition, standing) == []
    answered = await PLATFORM.read_target(other, str(outcome.permalink), "reply") if kind == "reply" else None
    if answered:
        assert answered.fingerprint.split(" ")[1:] == [target.post_id, target.fingerprint]
        deeper = PLATFORM.render(account_id="a", text="Again", link=None, images=(), target=answered)
        assert (await publish(other, deeper, new_key())).result is Result.ACCEPTED


async def test_no_post_and_nobody_are_no_target(access: Access) -> None:
    for who in ("department.test", "nobody.test"):
        assert await PLATFORM.read_target(access, f"https://bsky.app/profile/{who}/post/3m6c5gn2lfc22", "reply") is None
    absent = f"at://{access.platform_account_id}/app.bsky.feed.post/3m6c5gn2lfc22"
    assert not (await PLATFORM.read_back(access, absent)).found


@pytest.mark.parametrize("text", ["é" * 300, "👩‍👩‍👧‍👦" * 120, "日" * 300])
async def test_a_longest_text_is_taken_and_counted_as_the_pds_counts(access: Access, text: str) -> None:
    outcome = await publish(access, written(text, None), new_key())
    assert outcome.result is Result.ACCEPTED, outcome
    longer = dataclasses.replace(written("x", None), text=text + "x")
    beyond = await PLATFORM.send(access, longer, Prepared(), key=new_key(), may_start=lambda: True)
    assert beyond.result is (
        Result.REFUSED if PLATFORM.count(longer.text).used > PLATFORM.count(longer.text).limit else Result.ACCEPTED
    )


async def test_a_token_that_is_no_good_is_named(access: Access) -> None:
    stale = dataclasses.replace(access, token="stale-canary-08")
    outcome = await PLATFORM.send(stale, written(), Prepared(), key=new_key(), may_start=lambda: True)
    assert outcome.result is Result.REFUSED
    assert "token" in outcome.detail


async def test_creating_over_an_existing_record_breaks_down_as_in_our_sandbox(access: Access) -> None:
    """Why we put and never create."""
    rendition, key = written(), new_key()
    await publish(access, rendition, key)
    call = PLATFORM.post_call(access, rendition, Prepared(), key)
    body = {name: value for name, value in (call.json or {}).items() if name != "swapRecord"}
    creating = dataclasses.replace(call, url=call.url.replace("putRecord", "createRecord"), json=body)
    assert (await make_call(creating, seconds=20)).status == 500


async def test_a_session_is_refreshed_and_ends_when_it_is_revoked(pds: str, accounts: Accounts) -> None:
    client = Client("", "", pds)
    secret = {"identifier": accounts[0].handle, "app_password": accounts[0].app_password}
    [found] = await CONNECTION.exchange(client, secret=secret, redirect_uri="")
    fresh = await CONNECTION.refresh(client, found.token)
    assert fresh.refresh_token != found.token.refresh_token  # the access token is the same within one second
    await CONNECTION.revoke(client, fresh)
    with pytest.raises(RefreshRefused):
        await CONNECTION.refresh(client, fresh)
    with pytest.raises(ConnectFailed):
        await CONNECTION.exchange(client, secret={**secret, "app_password": "aaaa-bbbb-cccc-dddd"}, redirect_uri="")
