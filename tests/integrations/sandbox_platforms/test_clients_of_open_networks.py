"""Clients that others made for Bluesky and Mastodon do their basic calls against our sandboxes, which must satisfy them."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from atproto import Client, client_utils
from atproto.exceptions import BadRequestError, UnauthorizedError
from mastodon import Mastodon, MastodonAPIError, MastodonNotFoundError, MastodonUnauthorizedError
from PIL import Image

from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import Sandbox, sandbox

TOKEN = "token-canary-91"
DID = "did:plc:deptexamples2222222222222"
ON_BLUESKY = SandboxAccount(DID, "dept.example.test", "Department for Examples", TOKEN)
ON_MASTODON = SandboxAccount("109347812345678901", "dept", "Department for Examples", TOKEN)


def picture() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def bluesky(tmp_path: Path) -> Iterator[tuple[Client, Sandbox]]:
    with sandbox("bluesky", ON_BLUESKY, tmp_path) as there:
        client = Client(base_url=f"{there.url}/xrpc")
        client.login(ON_BLUESKY.handle, TOKEN)
        yield client, there


def test_a_bluesky_client_posts_reads_lists_and_deletes(bluesky: tuple[Client, Sandbox]) -> None:
    client, there = bluesky
    assert client.me
    assert (client.me.did, client.me.display_name) == (DID, ON_BLUESKY.name)
    text = (
        client_utils.TextBuilder()
        .text("See 👩‍👩‍👧‍👦 ")
        .link("the page", "https://www.gov.uk/")
        .text(" ")
        .tag("#Budget", "Budget")
    )
    sent = client.send_post(text)
    assert sent.uri == there.posts()[0]["post_id"]
    rkey = sent.uri.rpartition("/")[2]
    read = client.get_post(rkey, DID)
    assert (read.uri, read.cid, read.value.text) == (sent.uri, sent.cid, "See 👩‍👩‍👧‍👦 the page #Budget")
    listed = client.app.bsky.feed.post.list(DID)
    assert [(uri, post.text) for uri, post in listed.records.items()] == [(sent.uri, read.value.text)]
    assert client.delete_post(sent.uri)
    with pytest.raises(BadRequestError, match="RecordNotFound"):
        client.get_post(rkey, DID)


def test_a_bluesky_client_posts_an_image_quotes_and_reposts(bluesky: tuple[Client, Sandbox]) -> None:
    client, there = bluesky
    first = client.send_image("With an image", picture(), "A teal field")
    client.repost(first.uri, first.cid)
    [repost, post] = there.posts()
    assert (repost["target_kind"], repost["target_id"]) == ("repost", first.uri)
    assert [image["alt"] for image in post["images"]] == ["A teal field"]
    assert there.media(post["images"][0]["sha256"]) == picture()


def test_a_bluesky_client_sees_a_long_text_and_a_wrong_password_refused(bluesky: tuple[Client, Sandbox]) -> None:
    client, there = bluesky
    with pytest.raises(BadRequestError, match="InvalidRequest"):
        client.send_post("x" * 301)
    with pytest.raises(UnauthorizedError):
        Client(base_url=f"{there.url}/xrpc").login(ON_BLUESKY.handle, "wrong")
    assert there.posts() == []


@pytest.fixture
def mastodon(tmp_path: Path) -> Iterator[tuple[Mastodon, Sandbox]]:
    with sandbox("mastodon", ON_MASTODON, tmp_path) as there:
        yield Mastodon(access_token=TOKEN, api_base_url=there.url, ratelimit_method="throw"), there


def test_a_mastodon_client_posts_once_by_its_key_reads_lists_and_deletes(mastodon: tuple[Mastodon, Sandbox]) -> None:
    client, there = mastodon
    assert client.account_verify_credentials().id == ON_MASTODON.account_id
    sent = [client.status_post("R&D at https://www.gov.uk/", idempotency_key="one") for _ in range(2)]
    assert sent[0].id == sent[1].id == there.posts()[0]["post_id"]
    assert len(there.posts()) == 1
    assert "R&amp;D" in client.status(sent[0].id).content
    assert [status.id for status in client.account_statuses(ON_MASTODON.account_id)] == [sent[0].id]
    client.status_delete(sent[0].id)
    with pytest.raises(MastodonNotFoundError):
        client.status(sent[0].id)


def test_a_mastodon_client_posts_an_image_replies_and_reblogs(mastodon: tuple[Mastodon, Sandbox]) -> None:
    client, there = mastodon
    media = client.media_post(BytesIO(picture()), mime_type="image/jpeg", description="A teal field")
    first = client.status_post("With an image", media_ids=[media])
    assert [image.description for image in first.media_attachments] == ["A teal field"]
    reply = client.status_post("About it", in_reply_to_id=first.id)
    reblog = client.status_reblog(first.id)
    assert reblog.reblog
    assert (reply.in_reply_to_id, reblog.reblog.id) == (first.id, first.id)
    kinds = [(post["target_kind"], post["target_id"]) for post in there.posts()]
    assert kinds == [("repost", first.id), ("reply", first.id), (None, None)]


def test_a_mastodon_client_sees_a_long_text_and_a_wrong_token_refused(mastodon: tuple[Mastodon, Sandbox]) -> None:
    client, there = mastodon
    assert client.instance_v2().configuration.statuses.max_characters == 500
    with pytest.raises(MastodonAPIError, match="limit of 500"):
        client.status_post("x" * 501)
    with pytest.raises(MastodonUnauthorizedError):
        Mastodon(access_token="wrong", api_base_url=there.url).status_post("Words")
    assert there.posts() == []
