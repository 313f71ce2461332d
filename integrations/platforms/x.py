"""X, API v2: https://docs.x.com/x-api (posts, media). Links count as 23 and stand in the text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, ReadBack, Result, SendKey
from core.domain.refusals import BadInput
from integrations.platforms.base import Platform
from integrations.platforms.judgement import duplicate
from integrations.platforms.redoable import read, until_ready, upload, upload_failed
from integrations.platforms.text import with_link
from integrations.platforms.values import Access, Count, Prepared
from integrations.platforms.wire import Answer, Call, bearer, rows
from integrations.platforms.x_text import has_refused_characters, public_text, same_text, weighted_length

_READ_FIELDS = {
    "tweet.fields": "text,entities,attachments,created_at",
    "expansions": "attachments.media_keys",
    "media.fields": "alt_text,media_key,type",
}


class X(Platform):
    """Posts through `POST /2/tweets`. X has no idempotency key; its 403 "duplicate content" means: look it up."""

    name = "x"
    label = "X"
    limit = 280
    api_url = "https://api.x.com"

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
        reset = answer.headers.get("x-rate-limit-reset", "")
        return datetime.fromtimestamp(int(reset), UTC) if reset.isdecimal() and len(reset) < 12 else None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        call = Call("GET", f"{access.base_url}/2/tweets/{post_id}", headers=bearer(access.token), params=_READ_FIELDS)
        answer = await read(self, access, call, missing=lambda answer: answer.status == 404)
        if answer is None or not isinstance(answer.find("data"), dict):
            # X answers 200 with only `errors` when the post is gone.
            return ReadBack(found=False)
        media = {item.get("media_key"): str(item.get("alt_text", "")) for item in rows(answer.find("includes", "media"))}
        keys = answer.find("data", "attachments", "media_keys") or []
        return ReadBack(
            found=True,
            text=public_text(str(answer.find("data", "text")), rows(answer.find("data", "entities", "urls"))),
            alts=tuple(media.get(key, "") for key in keys),
            permalink=self.permalink(access, post_id),
        )

    def same_text(self, rendition: Rendition, read_back: ReadBack) -> bool:
        return same_text(rendition.text, read_back.text)


def _is_ready(answer: Answer) -> bool:
    return (answer.find("data", "processing_info", "state") or "succeeded") == "succeeded"
