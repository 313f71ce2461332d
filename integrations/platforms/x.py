"""X, API v2: https://docs.x.com/x-api (posts, media). Links count as 23 and stand in the text; `x_reading` reads them back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from core.domain.content import Rendition, RenditionImage, Target
from core.domain.outcome import Outcome, Quota, ReadBack, Result, SeenPost, SendKey
from core.domain.refusals import BadInput
from integrations.platforms.base import Platform
from integrations.platforms.judgement import duplicate
from integrations.platforms.redoable import MOST_PAGES, newest_first, read, remove, until_ready, upload, upload_failed
from integrations.platforms.text import with_link
from integrations.platforms.values import Access, Count, Prepared, ReadFailed
from integrations.platforms.wire import Answer, Call, bearer, rows
from integrations.platforms.x_reading import (
    LIMITS,
    READ_FIELDS,
    author_of,
    limit_from,
    post_id_at,
    seen_posts,
    without_quoted_link,
)
from integrations.platforms.x_text import has_refused_characters, same_text, weighted_length


class X(Platform):
    """Posts through `POST /2/tweets`. X has no idempotency key; its 403 "duplicate content" means: look it up.

    A post may reply or quote. No reposts: X's answer to one names the post that was reposted, not the repost, so nothing
    could be proved, read back or taken down by it.
    """

    name = "x"
    label = "X"
    limit = 280
    api_url = "https://api.x.com"
    targets = frozenset({"reply", "quote"})

    def count(self, text: str) -> Count:
        return Count(weighted_length(text), self.limit)

    def permalink(self, access: Access, post_id: str) -> str:
        return f"{access.public_url or 'https://x.com'}/{access.handle}/status/{post_id}"

    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        if has_refused_characters(text):
            raise BadInput("The X text contains an invisible character that X refuses. Type the text again.", field="text-x")
        return with_link(text, link), None

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        return Prepared(tuple([await self._upload(access, image, files[image.sha256]) for image in rendition.images]))

    async def _upload(self, access: Access, image: RenditionImage, data: bytes) -> str:
        answer = await upload(
            self,
            access,
            Call(
                "POST",
                f"{access.base_url}/2/media/upload",
                headers=bearer(access.token),
                form={"media_category": "tweet_image"},
                files={"media": ("image", data, image.mime)},
            ),
        )
        media_id = str(answer.find("data", "id") or "")
        if not media_id.isdecimal():
            raise upload_failed(self, answer)
        if not _is_ready(answer):
            await until_ready(self, lambda: self._ask_whether_ready(access, media_id))
        # Before the post, so that it never stands without its description (WCAG 1.1.1).
        await upload(
            self,
            access,
            Call(
                "POST",
                f"{access.base_url}/2/media/metadata",
                headers=bearer(access.token),
                json={"id": media_id, "metadata": {"alt_text": {"text": image.alt}}},
            ),
        )
        return media_id

    async def _ask_whether_ready(self, access: Access, media_id: str) -> bool:
        call = Call(
            "GET",
            f"{access.base_url}/2/media/upload",
            headers=bearer(access.token),
            params={"media_id": media_id, "command": "STATUS"},
        )
        answer = await upload(self, access, call)
        if answer.find("data", "processing_info", "state") == "failed":
            raise upload_failed(self, answer)
        return _is_ready(answer)

    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        body: dict[str, Any] = {"text": rendition.text}
        if prepared.media_ids:
            body["media"] = {"media_ids": list(prepared.media_ids)}
        if rendition.target and rendition.target.kind == "reply":
            body["reply"] = {"in_reply_to_tweet_id": rendition.target.post_id}
        elif rendition.target:
            body["quote_tweet_id"] = rendition.target.post_id
        return Call("POST", f"{access.base_url}/2/tweets", headers=bearer(access.token), json=body)

    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        post_id = str(answer.find("data", "id") or "")
        if not post_id.isdecimal():
            return None
        link = self.permalink(access, post_id)
        return Outcome(Result.ACCEPTED, "X published the post.", post_id=post_id, permalink=link, status=answer.status)

    def special_case(self, answer: Answer) -> Outcome | None:
        words = self.platform_words(answer)
        if answer.status == 403 and "duplicate content" in words.lower():
            return duplicate(self.label, answer)
        return None

    def platform_words(self, answer: Answer) -> str:
        data = answer.data()
        first = next(iter(rows(data.get("errors"))), {})
        return str(data.get("detail") or first.get("message") or first.get("detail") or data.get("title") or "")

    def retry_at(self, answer: Answer) -> datetime | None:
        quota = self.quota(answer)
        return quota.reset_at if quota else None

    def quota(self, answer: Answer) -> Quota | None:
        """The limit with the least left, of those X names: 15 minutes, and a day where the plan has one."""
        named = [quota for quota in (limit_from(answer, *names) for names in LIMITS) if quota]
        return min(named, key=lambda quota: (quota.remaining, -quota.reset_at.timestamp()), default=None)

    def _reading(self, access: Access, path: str, **params: str) -> Call:
        return Call("GET", f"{access.base_url}/2/{path}", headers=bearer(access.token), params={**READ_FIELDS, **params})

    async def _read(self, access: Access, post_id: str) -> Answer | None:
        call = self._reading(access, f"tweets/{post_id}")
        answer = await read(self, access, call, missing=lambda answer: answer.status == 404)
        # X answers 200 with only `errors` when the post is gone.
        return answer if answer and answer.find("data", "id") else None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        answer = await read(self, access, self._reading(access, f"tweets/{post_id}"), missing=_names_no_post)
        if answer is None:
            return ReadBack(found=False)
        if not answer.find("data", "id"):
            raise ReadFailed("X did not show the post, and did not say that it is gone either.")
        return seen_posts(answer, partial(self.permalink, access))[0].content

    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        """The newest thousand at most. Replies, quotes and reposts are among them."""
        start = since.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
        asked = {"start_time": start, "max_results": "100"}
        seen: list[SeenPost] = []
        for _ in range(MOST_PAGES):
            call = self._reading(access, f"users/{access.platform_account_id}/tweets", **asked)
            answer = await read(self, access, call, missing=lambda answer: False)
            if answer is None or (answer.find("data") is None and answer.find("errors")):
                raise ReadFailed("X did not list the account's posts.")
            seen += seen_posts(answer, partial(self.permalink, access))
            asked["pagination_token"] = str(answer.find("meta", "next_token") or "")
            if not asked["pagination_token"]:
                break
        return newest_first(seen, since)

    async def delete(self, access: Access, post_id: str) -> Outcome:
        call = Call("DELETE", f"{access.base_url}/2/tweets/{post_id}", headers=bearer(access.token))
        return await remove(self, access, call, gone=_says_gone)

    async def read_target(self, access: Access, address: str, kind: str) -> Target | None:
        post_id = post_id_at(address, access.public_url) if kind in self.targets else None
        answer = await self._read(access, post_id) if post_id else None
        if answer is None or post_id is None:
            return None
        author = author_of(answer)
        [seen] = seen_posts(answer, partial(self.permalink, replace(access, handle=author or "i/web")))
        return Target(kind, post_id, str(seen.content.permalink), f"@{author}" if author else "", seen.content.text)

    def same_text(self, rendition: Rendition, read_back: ReadBack) -> bool:
        standing = read_back.text
        if rendition.target and rendition.target.kind == "quote":
            standing = without_quoted_link(standing, rendition.target.post_id)
        return same_text(rendition.text, standing)

    def same_target(self, rendition: Rendition, read_back: ReadBack) -> bool:
        # A post whose text links to another one is shown as quoting it.
        linked = rendition.target is None and f"/status/{read_back.target_id}" in rendition.text
        return linked or super().same_target(rendition, read_back)


def _names_no_post(answer: Answer) -> bool:
    """X says that there is no such post. One that it does not let us see may stand, and a bare 404 may be anybody's."""
    problems = rows(answer.find("errors")) or [answer.data()]
    none = all(str(problem.get("type")).endswith("/resource-not-found") for problem in problems)
    return none and answer.status in (200, 404) and answer.find("data", "id") is None


def _says_gone(answer: Answer) -> bool:
    missing = answer.status == 404 and str(answer.find("type")).endswith("/resource-not-found")
    return answer.find("data", "deleted") is True or missing


def _is_ready(answer: Answer) -> bool:
    return (answer.find("data", "processing_info", "state") or "succeeded") == "succeeded"
