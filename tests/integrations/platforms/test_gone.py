"""A post is called gone only where the platform surely says so: one that it does not let us see may stand (no false REMOVED)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from core.domain.outcome import Result
from integrations.platforms.base import Platform
from integrations.platforms.facebook import Facebook
from integrations.platforms.linkedin import LinkedIn
from integrations.platforms.mastodon import Mastodon
from integrations.platforms.values import Access, ReadFailed
from integrations.platforms.x import X
from integrations.sandbox.platforms.facebook_words import no_object
from integrations.sandbox.platforms.x_words import not_found
from tests.integrations.platforms.serving import serve

pytestmark = pytest.mark.anyio
POST = "1_2"
UNSEEN = {"type": "https://api.x.com/2/problems/not-authorized-for-resource", "title": "Authorization Error"}


@contextmanager
def facebook(listed: JSONResponse) -> Iterator[Access]:
    """A Page's posts as `listed`; of every other object Facebook says that it does not exist or may not be seen."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "DELETE"])
    async def answer(path: str) -> JSONResponse:
        return listed if path.endswith("/published_posts") else no_object(POST)

    with serve(app) as url:
        yield Access("1", "dept", "token-canary-91", url)


async def test_facebook_without_permission_proves_nothing_gone() -> None:
    with facebook(no_object("1")) as access:
        with pytest.raises(ReadFailed, match="Connect the account again"):
            await Facebook().read_back(access, POST)
        assert (await Facebook().delete(access, POST)).result is Result.UNKNOWN


async def test_facebook_that_lists_the_pages_posts_is_believed() -> None:
    with facebook(JSONResponse({"data": []})) as access:
        assert not (await Facebook().read_back(access, POST)).found
        assert (await Facebook().delete(access, POST)).result is Result.ACCEPTED


@contextmanager
def x(status: int, body: dict[str, object]) -> Iterator[Access]:
    app = FastAPI()

    @app.get("/{path:path}")
    async def answer(path: str) -> JSONResponse:
        return JSONResponse(body, status_code=status)

    with serve(app) as url:
        yield Access("1", "dept", "token-canary-91", url)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"errors": [UNSEEN]}),
        (200, {"errors": [not_found("tweet", "2"), UNSEEN]}),
        (200, {}),
        (404, {}),
        (404, {"title": "x"}),
    ],
)
async def test_a_post_that_x_does_not_show_may_stand(status: int, body: dict[str, object]) -> None:
    with x(status, body) as access, pytest.raises(ReadFailed):
        await X().read_back(access, "2")


@pytest.mark.parametrize(("status", "body"), [(200, {"errors": [not_found("tweet", "2")]}), (404, not_found("tweet", "2"))])
async def test_a_post_that_x_names_as_not_found_is_gone(status: int, body: dict[str, object]) -> None:
    with x(status, body) as access:
        assert not (await X().read_back(access, "2")).found


@contextmanager
def anything(status: int, body: object) -> Iterator[Access]:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "DELETE"])
    async def answer(path: str) -> JSONResponse:
        return JSONResponse(body, status_code=status)

    with serve(app) as url:
        yield Access("1", "dept", "token-canary-91", url)


SHARE = "urn:li:share:7"


@pytest.mark.parametrize(
    ("platform", "post", "body"),
    [
        (Mastodon(), "7", {}),
        (Mastodon(), "7", {"error": "no route to the service"}),
        (LinkedIn(), SHARE, {}),
        (LinkedIn(), SHARE, {"message": "no route"}),
        (LinkedIn(), SHARE, {"status": 404, "code": "RESOURCE_NOT_FOUND", "message": "No virtual resource found"}),
    ],
)
async def test_a_404_that_is_not_the_platforms_own_about_the_post_proves_nothing(
    platform: Platform, post: str, body: object
) -> None:
    with anything(404, body) as access:
        with pytest.raises(ReadFailed):
            await platform.read_back(access, post)
        assert (await platform.delete(access, post)).result is not Result.ACCEPTED


@pytest.mark.parametrize(
    ("platform", "post", "body"),
    [
        (Mastodon(), "7", {"error": "Record not found"}),
        (LinkedIn(), SHARE, {"status": 404, "code": "NOT_FOUND", "message": "Not here"}),
        (LinkedIn(), SHARE, {"status": 404, "message": f"Could not find entity {SHARE}"}),
    ],
)
async def test_the_platforms_own_word_that_it_is_gone_is_believed(platform: Platform, post: str, body: object) -> None:
    with anything(404, body) as access:
        assert not (await platform.read_back(access, post)).found
        assert (await platform.delete(access, post)).result is Result.ACCEPTED


async def test_a_200_without_the_post_proves_no_removal_on_mastodon() -> None:
    with anything(200, {"welcome": "to the hotel's network"}) as access:
        assert (await Mastodon().delete(access, "7")).result is Result.UNKNOWN
