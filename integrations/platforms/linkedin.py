"""LinkedIn organisation pages, Posts and Images APIs: https://learn.microsoft.com/linkedin/marketing/community-management."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, ReadBack, Result, SendKey
from integrations.platforms.base import Platform
from integrations.platforms.judgement import duplicate, unknown
from integrations.platforms.little_text import escape, unescape
from integrations.platforms.redoable import read, until_ready, upload, upload_failed
from integrations.platforms.text import utf16_length, with_link
from integrations.platforms.values import Access, Count, Prepared
from integrations.platforms.wire import Answer, Call, bearer, rows


class LinkedIn(Platform):
    """Posts through `POST /rest/posts`: 201, and the id in a header alone. The link stands in the text."""

    name = "linkedin"
    label = "LinkedIn"
    limit = 3000
    api_url = "https://api.linkedin.com"

    def __init__(self, *, version: str = "202609", **settings: Any) -> None:
        super().__init__(**settings)
        self.version = version

    def count(self, text: str) -> Count:
        # LinkedIn may cut a text that is too long without a word, so we count UTF-16 units of what the public reads:
        # never fewer than its own count, whether that is of code points or of visible characters.
        return Count(utf16_length(text), self.limit)

    def permalink(self, access: Access, post_id: str) -> str:
        return f"{access.public_url or 'https://www.linkedin.com'}/feed/update/{post_id}/"

    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        return with_link(text, link), None

    def _headers(self, access: Access) -> dict[str, str]:
        return {**bearer(access.token), "LinkedIn-Version": self.version, "X-Restli-Protocol-Version": "2.0.0"}

    def _owner(self, access: Access) -> str:
        return f"urn:li:organization:{access.platform_account_id}"

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        return Prepared(tuple([await self._upload(access, image, files[image.sha256]) for image in rendition.images]))

    async def _upload(self, access: Access, image: RenditionImage, data: bytes) -> str:
        begin = Call(
            "POST",
            f"{access.base_url}/rest/images",
            headers=self._headers(access),
            params={"action": "initializeUpload"},
            json={"initializeUploadRequest": {"owner": self._owner(access)}},
        )
        answer = await upload(self, access, begin)
        address, urn = str(answer.find("value", "uploadUrl") or ""), str(answer.find("value", "image") or "")
        # The token goes with the bytes, so never to a less protected address than the API's own.
        if not urn or urlsplit(address).scheme not in ("https", urlsplit(access.base_url).scheme):
            raise upload_failed(self, answer)
        headers = {**bearer(access.token), "Content-Type": image.mime}
        await upload(self, access, Call("PUT", address, headers=headers, content=data))
        await until_ready(self, lambda: self._is_available(access, urn))
        return urn

    async def _is_available(self, access: Access, urn: str) -> bool:
        call = Call("GET", f"{access.base_url}/rest/images/{quote(urn, safe='')}", headers=self._headers(access))
        answer = await upload(self, access, call)
        if answer.find("status") == "PROCESSING_FAILED":
            raise upload_failed(self, answer)
        return bool(answer.find("status") == "AVAILABLE")

    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        body: dict[str, Any] = {
            "author": self._owner(access),
            "commentary": escape(rendition.text),
            "visibility": "PUBLIC",
            "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
        pairs = zip(prepared.media_ids, rendition.images, strict=True)
        images = [{"id": media_id, "altText": image.alt} for media_id, image in pairs]
        if len(images) == 1:
            body["content"] = {"media": images[0]}
        elif images:
            body["content"] = {"multiImage": {"images": images}}
        return Call("POST", f"{access.base_url}/rest/posts", headers=self._headers(access), json=body)

    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        post_id = answer.headers.get("x-restli-id", "")
        if answer.status != 201 or not post_id.startswith("urn:li:"):
            return None
        link = self.permalink(access, post_id)
        return Outcome(Result.ACCEPTED, "LinkedIn published the post.", post_id=post_id, permalink=link, status=201)

    def special_case(self, answer: Answer) -> Outcome | None:
        words = self.platform_words(answer)
        if "DUPLICATE_POST" in (answer.find("code"), answer.find("errorDetails", "code")) or "duplicate of urn:li:" in words:
            return duplicate(self.label, answer, said=f' LinkedIn said: "{words[:200]}"')
        if answer.status == 409:
            detail = "LinkedIn could not take the post at this moment."
            return Outcome(Result.NOT_SENT, detail, status=409, retry_at=self._retry_after(answer))
        if 200 <= answer.status < 300:
            return unknown(self.label, answer, said=" It did not name the post.")
        return None

    def platform_words(self, answer: Answer) -> str:
        return str(answer.find("message") or "")

    def retry_at(self, answer: Answer) -> datetime | None:
        """LinkedIn's limits are per day and reset at midnight UTC; it names no time itself unless in Retry-After."""
        named = self._retry_after(answer)
        if named or answer.status != 429:
            return named
        return datetime.combine(self.clock().astimezone(UTC).date() + timedelta(days=1), time(), UTC)

    def _retry_after(self, answer: Answer) -> datetime | None:
        seconds = answer.headers.get("retry-after", "")
        return self.clock() + timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 7 else None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        call = Call("GET", f"{access.base_url}/rest/posts/{quote(post_id, safe='')}", headers=self._headers(access))
        answer = await read(self, access, call, missing=lambda answer: answer.status == 404)
        if answer is None:
            return ReadBack(found=False)
        single = answer.find("content", "media")
        images = [single] if isinstance(single, dict) else rows(answer.find("content", "multiImage", "images"))
        return ReadBack(
            found=True,
            text=unescape(str(answer.find("commentary") or "")),
            alts=tuple(str(image.get("altText", "")) for image in images),
            permalink=self.permalink(access, post_id),
        )
