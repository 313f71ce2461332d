"""Facebook Pages, Graph API: https://developers.facebook.com/docs/pages-api (posts, photos, error codes)."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, ReadBack, Result, SendKey
from integrations.platforms.base import Platform
from integrations.platforms.judgement import duplicate, token_refused, unknown
from integrations.platforms.redoable import read, upload, upload_failed
from integrations.platforms.text import utf16_length, with_link
from integrations.platforms.values import Access, Count, Prepared
from integrations.platforms.wire import Answer, Call, bearer, rows

# Graph API, Handle errors; the Pages rate limits have codes of their own (80001).
_RATE_LIMITS = frozenset({4, 17, 32, 341, 613, 80001})
_TOKEN = frozenset({102, 190})
_TRANSIENT = frozenset({1, 2})
_DUPLICATE = 506
_POST_FIELDS = (
    "id,message,created_time,permalink_url,"
    "attachments{media_type,target{id},url,unshimmed_url,subattachments{media_type,target{id}}}"
)


class Facebook(Platform):
    """Posts through `POST /{page}/feed` with photos uploaded unpublished. A link makes a card, unless there are photos."""

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

    def special_case(self, answer: Answer) -> Outcome | None:
        """Graph answers most errors with 400 or 403 and says in `code` what it means."""
        code = answer.find("error", "code")
        if code in _RATE_LIMITS:
            return Outcome(
                Result.NOT_SENT,
                "Facebook takes no more posts just now.",
                status=answer.status,
                retry_at=self.retry_at(answer),
            )
        if code in _TOKEN:
            return token_refused(self.label, answer)
        if code == _DUPLICATE:
            return duplicate(self.label, answer)
        if code in _TRANSIENT or answer.find("error", "is_transient") is True:
            return unknown(self.label, answer)
        return None

    def platform_words(self, answer: Answer) -> str:
        return str(answer.find("error", "error_user_msg") or answer.find("error", "message") or "")

    def retry_at(self, answer: Answer) -> datetime | None:
        """From `X-Business-Use-Case-Usage`: minutes until access is regained, the longest of those named."""
        try:
            usage = json.loads(answer.headers.get("x-business-use-case-usage", "{}"))
            entries = [entry for group in usage.values() for entry in rows(group)]
            minutes = max((int(entry.get("estimated_time_to_regain_access", 0)) for entry in entries), default=0)
        except (ValueError, TypeError, AttributeError):
            return None
        return self.clock() + timedelta(minutes=minutes) if 0 < minutes < 10_000 else None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        call = Call("GET", self._url(access, post_id), headers=bearer(access.token), params={"fields": _POST_FIELDS})
        answer = await read(self, access, call, missing=_names_no_object)
        if answer is None:
            return ReadBack(found=False)
        photos: list[str] = []
        link = None
        for attachment in rows(answer.find("attachments", "data")):
            nested = attachment.get("subattachments")
            parts = rows(nested.get("data")) if isinstance(nested, dict) else []
            shown = parts or [attachment]
            photos += [str(part["target"]["id"]) for part in shown if part.get("media_type") == "photo" and part.get("target")]
            if attachment.get("media_type") == "link":
                link = attachment.get("unshimmed_url") or attachment.get("url")
        return ReadBack(
            found=True,
            text=str(answer.find("message") or ""),
            link=link,
            alts=tuple([await self._alt_text(access, photo) for photo in photos]),
            permalink=_web_address(answer.find("permalink_url")),
        )

    async def _alt_text(self, access: Access, photo_id: str) -> str:
        call = Call("GET", self._url(access, photo_id), headers=bearer(access.token), params={"fields": "alt_text_custom"})
        answer = await read(self, access, call, missing=_names_no_object)
        return str(answer.find("alt_text_custom") or "") if answer else ""


def _web_address(named: Any) -> str | None:
    """People are given this as a link: nothing but a web address may become one."""
    return named if isinstance(named, str) and named.startswith(("https://", "http://")) else None


def _names_no_object(answer: Answer) -> bool:
    """100 with subcode 33, or 803: there is no such object, or it is gone (Graph API, Handle errors)."""
    code, subcode = answer.find("error", "code"), answer.find("error", "error_subcode")
    return (code, subcode) == (100, 33) or bool(code == 803)
