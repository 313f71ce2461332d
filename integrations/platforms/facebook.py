"""Facebook Pages, Graph API: https://developers.facebook.com/docs/pages-api (posts, photos, error codes)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, Quota, ReadBack, Result, SeenPost, SendKey
from integrations.platforms.base import Platform
from integrations.platforms.facebook_reading import (
    PHOTOS_AT_ONCE,
    POST_FIELDS,
    app_used_up,
    photo_ids,
    quota_from,
    read_post,
    seen,
)
from integrations.platforms.judgement import duplicate, limited, unknown
from integrations.platforms.redoable import MOST_PAGES, newest_first, read, remove, upload, upload_failed
from integrations.platforms.text import utf16_length, with_link
from integrations.platforms.values import Access, Count, Prepared, ReadFailed
from integrations.platforms.wire import Answer, Call, bearer, rows

# Graph API, Handle errors; the Pages rate limits have codes of their own (80001).
_RATE_LIMITS = frozenset({4, 17, 32, 341, 613, 80001})
_TOKEN = frozenset({102, 190})
_TRANSIENT = frozenset({1, 2})
_DUPLICATE = 506


class Facebook(Platform):
    """Posts through `POST /{page}/feed` with photos uploaded unpublished. A link makes a card, unless there are photos.

    No targets: the Pages API has no replies, quotes or reposts of posts; a comment is no post, and a shared link is a link.
    """

    name = "facebook"
    label = "Facebook"
    limit = 63_206
    api_url = "https://graph.facebook.com"

    def __init__(self, *, version: str = "v26.0", **settings: Any) -> None:
        super().__init__(**settings)
        self.version = version

    def count(self, text: str) -> Count:
        # Facebook does not say what it counts; UTF-16 units are never fewer than what it could mean.
        return Count(utf16_length(text), self.limit)

    def permalink(self, access: Access, post_id: str) -> str:
        return f"{access.public_url or 'https://www.facebook.com'}/{post_id}"

    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        # A post has either photos or a link card; with photos the link must stand in the message to be seen at all.
        return (with_link(text, link), None) if images else (text, link)

    def _url(self, access: Access, path: str) -> str:
        return f"{access.base_url}/{self.version}/{path}"

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        return Prepared(tuple([await self._upload(access, image, files[image.sha256]) for image in rendition.images]))

    async def _upload(self, access: Access, image: RenditionImage, data: bytes) -> str:
        call = Call(
            "POST",
            self._url(access, f"{access.platform_account_id}/photos"),
            headers=bearer(access.token),
            form={"published": "false", "alt_text_custom": image.alt},
            files={"source": ("image", data, image.mime)},
        )
        answer = await upload(self, access, call)
        photo_id = str(answer.find("id") or "")
        if not photo_id:
            raise upload_failed(self, answer)
        return photo_id

    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        form = {"message": rendition.text, "published": "true"}
        if rendition.link:
            form["link"] = rendition.link
        if prepared.media_ids:
            form["attached_media"] = json.dumps([{"media_fbid": media_id} for media_id in prepared.media_ids])
        url = self._url(access, f"{access.platform_account_id}/feed")
        return Call("POST", url, headers=bearer(access.token), form=form)

    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        post_id = answer.find("id")
        if not isinstance(post_id, str) or not post_id:
            return None
        link = self.permalink(access, post_id)
        return Outcome(Result.ACCEPTED, "Facebook published the post.", post_id=post_id, permalink=link, status=answer.status)

    def refuses_token(self, answer: Answer) -> bool:
        return answer.status == 401 or answer.find("error", "code") in _TOKEN

    def special_case(self, answer: Answer) -> Outcome | None:
        """Graph answers most errors with 400 or 403 and says in `code` what it means."""
        code = answer.find("error", "code")
        if code in _RATE_LIMITS:
            return limited(self.label, answer, proven=self.limit_proven(answer), retry_at=self.retry_at(answer))
        if code == _DUPLICATE:
            return duplicate(self.label, answer)
        if code in _TRANSIENT or answer.find("error", "is_transient") is True:
            return unknown(self.label, answer)
        return None

    def platform_words(self, answer: Answer) -> str:
        return str(answer.find("error", "error_user_msg") or answer.find("error", "message") or "")

    def retry_at(self, answer: Answer) -> datetime | None:
        quota = self.quota(answer)
        return quota.reset_at if quota and quota.remaining == 0 else None

    def quota(self, answer: Answer) -> Quota | None:
        return quota_from(answer, self.clock())

    def limit_proven(self, answer: Answer) -> bool:
        return super().limit_proven(answer) or app_used_up(answer)

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        answer = await self._read(access, post_id, fields=POST_FIELDS)
        if answer is None:
            await self._require_posts_shown(access)
            return ReadBack(found=False)
        return read_post(answer.data(), await self._alt_texts(access, photo_ids(answer.data())))

    async def _require_posts_shown(self, access: Access) -> None:
        """Facebook says that there is no such object also of what it no longer lets us see: only while it lists the Page's
        posts to us, which takes the same permission, does that prove a post gone. Raises ReadFailed."""
        listed = await self._read(access, f"{access.platform_account_id}/published_posts", fields="id", limit="1")
        if listed is None or not isinstance(listed.find("data"), list):
            raise ReadFailed(
                "Facebook does not show the Page's posts with this access, so it cannot be told whether the post stands. "
                "Connect the account again."
            )

    async def _read(self, access: Access, path: str, **params: str) -> Answer | None:
        call = Call("GET", self._url(access, path), headers=bearer(access.token), params=params)
        return await read(self, access, call, missing=_names_no_object)

    async def _alt_texts(self, access: Access, photos: list[str]) -> dict[str, str]:
        """By photo. One that cannot be read spoils a whole call, so then each is asked for alone."""
        alts: dict[str, str] = {}
        for first in range(0, len(photos), PHOTOS_AT_ONCE):
            asked = photos[first : first + PHOTOS_AT_ONCE]
            answer = await self._read(access, "", ids=",".join(asked), fields="alt_text_custom") if len(asked) > 1 else None
            for photo in asked:
                alone = None if answer else await self._read(access, photo, fields="alt_text_custom")
                named = answer.find(photo, "alt_text_custom") if answer else alone and alone.find("alt_text_custom")
                alts[photo] = str(named or "")
        return alts

    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        """The newest thousand at most."""
        asked = {"fields": POST_FIELDS, "limit": "100", "since": str(int(since.timestamp()))}
        posts: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            answer = await self._read(access, f"{access.platform_account_id}/published_posts", **asked)
            if answer is None or not isinstance(answer.find("data"), list):
                raise ReadFailed("Facebook did not list the Page's posts.")
            posts += rows(answer.find("data"))
            # `paging.next` holds the token, so its address is never called; the cursor alone is enough.
            asked["after"] = str(answer.find("paging", "cursors", "after") or "")
            if not asked["after"] or not answer.find("paging", "next"):
                break
        alts = await self._alt_texts(access, [photo for post in posts for photo in photo_ids(post)])
        return newest_first([seen(post, alts) for post in posts], since)

    async def delete(self, access: Access, post_id: str) -> Outcome:
        call = Call("DELETE", self._url(access, post_id), headers=bearer(access.token))
        outcome = await remove(self, access, call, gone=lambda answer: answer.find("success") is True or _names_no_object(answer))
        if outcome.result is Result.ACCEPTED and outcome.status != 200:
            try:
                await self._require_posts_shown(access)
            except ReadFailed as failed:
                return Outcome(Result.UNKNOWN, str(failed), status=outcome.status)
        return outcome


def _names_no_object(answer: Answer) -> bool:
    """100 with subcode 33, or 803: there is no such object, or it is gone (Graph API, Handle errors)."""
    code, subcode = answer.find("error", "code"), answer.find("error", "error_subcode")
    return (code, subcode) == (100, 33) or bool(code == 803)
