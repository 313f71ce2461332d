"""LinkedIn organisation pages, Posts and Images APIs: https://learn.microsoft.com/linkedin/marketing/community-management."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from core.domain.content import Rendition, RenditionImage, Target
from core.domain.outcome import Outcome, ReadBack, Result, SeenPost, SendKey
from integrations.platforms.base import CLOCK_SKEW, Platform
from integrations.platforms.judgement import duplicate, unknown
from integrations.platforms.little_text import escape, unescape
from integrations.platforms.redoable import MOST_PAGES, newest_first, read, remove, until_ready, upload, upload_failed
from integrations.platforms.text import utf16_length, with_link
from integrations.platforms.values import Access, Count, Prepared, ReadFailed
from integrations.platforms.wire import Answer, Call, bearer, rows

_URN = re.compile(r"urn:li:(?:share|ugcPost):[0-9]{1,25}")
_ADDRESS = re.compile(r"https?://([^/?#]+)/feed/update/([^/?#]+)/?(?:[?#].*)?")


class LinkedIn(Platform):
    """Posts through `POST /rest/posts`: 201, and the id in a header alone. The link stands in the text.

    A post may repost another, or quote it ("repost with your thoughts"): the same field, without or with words. No replies:
    a comment is no post. Nothing counts what is left of its limits, so a 429 from LinkedIn proves nothing. No metrics: they
    need an API and a consent of their own.
    """

    name = "linkedin"
    label = "LinkedIn"
    limit = 3000
    api_url = "https://api.linkedin.com"
    targets = frozenset({"repost", "quote"})

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
        if rendition.target:
            body["reshareContext"] = {"parent": rendition.target.post_id}
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
            named = _URN.search(words)
            return duplicate(self.label, answer, said=f' LinkedIn said: "{words[:200]}"', named=named.group() if named else None)
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

    async def _read(self, access: Access, post_id: str) -> dict[str, Any] | None:
        call = Call("GET", f"{access.base_url}/rest/posts/{quote(post_id, safe='')}", headers=self._headers(access))
        answer = await read(self, access, call, missing=lambda answer: _no_entity(answer, post_id))
        return answer.data() if answer else None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        post = await self._read(access, post_id)
        return self._content(access, post_id, post) if post else ReadBack(found=False)

    def _content(self, access: Access, post_id: str, post: Mapping[str, Any]) -> ReadBack:
        content, context = (found if isinstance(found := post.get(key), dict) else {} for key in ("content", "reshareContext"))
        single, several = content.get("media"), content.get("multiImage")
        images = [single] if isinstance(single, dict) else rows(several.get("images") if isinstance(several, dict) else None)
        return ReadBack(
            found=True,
            text=unescape(str(post.get("commentary") or "")),
            alts=tuple(str(image.get("altText", "")) for image in images),
            permalink=self.permalink(access, post_id),
            target_id=str(context["parent"]) if context.get("parent") else None,
        )

    def _seen(self, access: Access, post: Mapping[str, Any]) -> SeenPost:
        post_id, at = str(post.get("id", "")), post.get("publishedAt") or post.get("createdAt")
        if not isinstance(at, int):
            raise ReadFailed(f"LinkedIn gave no time for the post {post_id}.")
        return SeenPost(post_id, datetime.fromtimestamp(at / 1000, UTC), self._content(access, post_id, post))

    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        """The newest thousand at most."""
        seen: list[SeenPost] = []
        headers = {**self._headers(access), "X-RestLi-Method": "FINDER"}
        for page in range(MOST_PAGES):
            asked = {"author": self._owner(access), "q": "author", "sortBy": "CREATED", "start": str(page * 100), "count": "100"}
            call = Call("GET", f"{access.base_url}/rest/posts", headers=headers, params=asked)
            answer = await read(self, access, call, missing=lambda answer: False)
            if answer is None or not isinstance(answer.find("elements"), list):
                raise ReadFailed("LinkedIn did not list the organisation's posts.")
            listed = [self._seen(access, post) for post in rows(answer.find("elements")) if post.get("lifecycleState") != "DRAFT"]
            seen += listed
            if len(rows(answer.find("elements"))) < 100 or (listed and listed[-1].at < since):
                break
        return newest_first(seen, since)

    async def look_up(
        self, access: Access, rendition: Rendition, key: SendKey, *, since: datetime, named: str | None = None
    ) -> tuple[SeenPost, ...]:
        found = await super().look_up(access, rendition, key, since=since)
        if named is None or any(post.post_id == named for post in found):
            return found
        # LinkedIn also names posts that are gone, or older ones of the same words: only what can be read counts.
        post = await self._read(access, named)
        if post is None or post.get("author") != self._owner(access):
            return found
        seen = self._seen(access, {**post, "id": named})
        return found if seen.at < since - CLOCK_SKEW or self.matches(rendition, seen.content) else (*found, seen)

    async def delete(self, access: Access, post_id: str) -> Outcome:
        headers = {**self._headers(access), "X-RestLi-Method": "DELETE"}
        call = Call("DELETE", f"{access.base_url}/rest/posts/{quote(post_id, safe='')}", headers=headers)
        return await remove(self, access, call, gone=lambda answer: answer.status == 204 or _no_entity(answer, post_id))

    async def read_target(self, access: Access, address: str, kind: str) -> Target | None:
        """At an address that names a share or a post by its URN; LinkedIn cannot find one by its activity."""
        found = _ADDRESS.fullmatch(address.strip()) if kind in self.targets else None
        own_host = access.public_url.partition("://")[2]
        if found is None or found.group(1).lower() not in ("www.linkedin.com", "linkedin.com", own_host):
            return None
        post_id = unquote(found.group(2))
        post = await self._read(access, post_id) if _URN.fullmatch(post_id) else None
        if post is None:
            return None
        content = self._content(access, post_id, post)
        return Target(kind, post_id, self.permalink(access, post_id), str(post.get("author", "")), content.text)


def _no_entity(answer: Answer, post_id: str) -> bool:
    """LinkedIn's own words about this very post. Its gateway also says 404, of addresses, and so may any proxy."""
    own = answer.status == 404 and answer.find("status") == 404
    return own and (answer.find("code") == "NOT_FOUND" or post_id in str(answer.find("message")))
