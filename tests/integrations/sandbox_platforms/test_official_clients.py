"""The platforms' own clients do their basic calls against our sandboxes: made by others, from the platforms' own descriptions."""

from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession
from PIL import Image
from requests import HTTPError
from xdk import Client
from xdk.media.models import CreateMetadataRequest, UploadRequest
from xdk.posts.models import CreateRequest

from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import Sandbox, sandbox

TOKEN = "token-canary-90"
ACCOUNT = SandboxAccount("104523900000001", "deptexample", "Department for Examples", TOKEN)


@pytest.fixture
def x(tmp_path: Path) -> Iterator[tuple[Client, Sandbox]]:
    with sandbox("x", ACCOUNT, tmp_path) as there:
        client = Client(base_url=there.url, access_token=TOKEN)
        client.session.trust_env = False
        yield client, there


def picture() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "JPEG")
    return out.getvalue()


def listed(client: Client) -> list[Any]:
    fields = ["created_at", "text", "public_metrics", "entities"]
    pages = client.users.get_posts(ACCOUNT.account_id, max_results=5, post_fields=fields, expansions=["author_id"])
    return [post for page in pages for post in page.data or []]


def test_x_s_own_client_creates_reads_lists_and_deletes(x: tuple[Client, Sandbox]) -> None:
    client, there = x
    ids = [client.posts.create(CreateRequest(text=f"Number {n} & more")).data.id for n in range(7)]
    read = client.posts.get_by_id(ids[0], post_fields=["text", "created_at", "public_metrics"])
    assert (read.data.id, read.data.text) == (ids[0], "Number 0 &amp; more")
    assert read.data.public_metrics.like_count == 0
    assert [post.id for post in listed(client)] == ids[::-1]
    assert client.posts.delete(ids[0]).data.deleted is True
    assert ids[0] not in [post.id for post in listed(client)]
    assert [post["post_id"] for post in there.posts() if post["deleted_at"]] == [ids[0]]


def test_x_s_own_client_replies_and_is_refused_what_x_refuses(x: tuple[Client, Sandbox]) -> None:
    client, there = x
    other = there.rogue("1", "Somebody else's")
    reply = client.posts.create(CreateRequest(text="In reply", reply={"in_reply_to_tweet_id": other})).data.id
    read = client.posts.get_by_id(reply, expansions=["referenced_posts"])
    [named] = read.data.referenced_posts
    assert (named.type, named.id) == ("replied_to", other)
    for text in ("x" * 281, ""):
        with pytest.raises(HTTPError):
            client.posts.create(CreateRequest(text=text))
    there.lie("refuse_429")
    with pytest.raises(HTTPError) as limited:
        client.posts.create(CreateRequest(text="One more"))
    answer = limited.value.response
    assert answer is not None
    assert (answer.status_code, answer.headers["x-rate-limit-remaining"]) == (429, "0")


def test_x_s_own_client_describes_an_image(x: tuple[Client, Sandbox]) -> None:
    client, there = x
    image = b64encode(picture()).decode()
    media_id = client.media.upload(UploadRequest(media=image, media_category="tweet_image")).data.id
    described = CreateMetadataRequest(id=media_id, metadata={"alt_text": {"text": "A plain field"}})
    client.media.create_metadata(described)
    post_id = client.posts.create(CreateRequest(text="With an image", media={"media_ids": [media_id]})).data.id
    [post] = there.posts()
    assert (post["post_id"], post["images"][0]["alt"]) == (post_id, "A plain field")
    assert there.media(post["images"][0]["sha256"]) == picture()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Page, Sandbox]]:
    with sandbox("facebook", ACCOUNT, tmp_path) as there:
        monkeypatch.setattr(FacebookSession, "GRAPH", there.url)
        session = FacebookSession(access_token=TOKEN)
        session.requests.trust_env = False
        yield Page(ACCOUNT.account_id, api=FacebookAdsApi(session)), there


def test_facebook_s_own_client_creates_reads_lists_and_deletes(page: tuple[Page, Sandbox]) -> None:
    own, there = page
    ids = [own.create_feed(params={"message": f"Number {n}"}).get_id() for n in range(7)]
    fields = ["id", "message", "created_time", "permalink_url"]
    assert [post["id"] for post in own.get_published_posts(fields=fields, params={"limit": 3})] == ids[::-1]
    post = PagePost(ids[0], api=own.get_api_assured())
    assert post.api_get(fields=fields)["message"] == "Number 0"
    post.api_delete()
    with pytest.raises(FacebookRequestError) as gone:
        post.api_get(fields=fields)
    assert (gone.value.api_error_code(), gone.value.api_error_subcode()) == (100, 33)
    assert [row["post_id"] for row in there.posts() if row["deleted_at"]] == [ids[0]]


def test_facebook_s_own_client_posts_a_photo_with_its_description(page: tuple[Page, Sandbox]) -> None:
    own, there = page
    params = {"published": False, "alt_text_custom": "A plain field"}
    files = {"source": ("field.jpg", picture(), "image/jpeg")}
    photo = own.get_api_assured().call("POST", (ACCOUNT.account_id, "photos"), params=params, files=files).json()
    post = own.create_feed(params={"message": "With a photo", "attached_media": [{"media_fbid": photo["id"]}]})
    [row] = there.posts()
    assert (row["post_id"], row["images"][0]["alt"]) == (post.get_id(), "A plain field")


def test_facebook_s_own_client_reads_our_errors_and_our_limits(page: tuple[Page, Sandbox]) -> None:
    own, there = page
    there.lie("refuse_429")
    with pytest.raises(FacebookRequestError) as limited:
        own.create_feed(params={"message": "One more"})
    assert limited.value.api_error_code() == 32
    assert "estimated_time_to_regain_access" in limited.value.http_headers()["x-business-use-case-usage"]
    there.lie("token_expired")
    with pytest.raises(FacebookRequestError) as ended:
        own.create_feed(params={"message": "One more"})
    assert (ended.value.api_error_code(), ended.value.api_error_subcode()) == (190, 463)
    assert there.posts() == []
