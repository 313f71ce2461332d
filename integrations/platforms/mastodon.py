"""Mastodon: https://docs.joinmastodon.org/methods (statuses, media, accounts, search). The account names its server."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from core.domain.content import Rendition, RenditionImage, Target
from core.domain.outcome import Outcome, Quota, ReadBack, Result, SeenPost, SendKey
from integrations.platforms.base import Platform
from integrations.platforms.mastodon_text import count, plain, without_gaps
from integrations.platforms.redoable import read, remove, until_ready, upload, upload_failed
from integrations.platforms.text import with_link
from integrations.platforms.values import Access, Count, Prepared, ReadFailed
from integrations.platforms.wire import Answer, Call, bearer, rows

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_METRICS = (("likes", "favourites_count"), ("replies", "replies_count"), ("reposts", "reblogs_count"))
_A_PAGE = 40
_MOST_PAGES = 20


class Mastodon(Platform):
    """Posts through `POST /api/v1/statuses` with an Idempotency-Key.

    The key is a help, no promise: Mastodon notes it only once the post stands, some versions answer a repeat with 500, and
    other software that speaks this API ignores it. So `keeps_keys` is None: an unknown outcome is looked up, never repeated.
    """

    name = "mastodon"
    label = "Mastodon"
    limit = 500
    # There is no one Mastodon: an account that names no server reaches none, and its token goes nowhere.
    api_url = "https://mastodon.invalid"
    targets = frozenset({"reply", "repost"})

    def __init__(self, *, limit: int = 500, **settings: Any) -> None:
        """`limit`: as `max_characters` of `/api/v2/instance` says, where a server takes more than the usual 500."""
        super().__init__(**settings)
        self.limit = limit

    def count(self, text: str) -> Count:
        return Count(count(text), self.limit)

    def permalink(self, access: Access, post_id: str) -> str:
        return f"{access.public_url or access.base_url}/@{access.handle.lstrip('@').partition('@')[0]}/{post_id}"

    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        return without_gaps(with_link(text, link)), None

    def _url(self, access: Access, path: str) -> str:
        return f"{access.base_url}/api/{path}"

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        return Prepared(tuple([await self._upload(access, image, files[image.sha256]) for image in rendition.images]))

    async def _upload(self, access: Access, image: RenditionImage, data: bytes) -> str:
        call = Call(
            "POST",
            self._url(access, "v2/media"),
            headers=bearer(access.token),
            form={"description": image.alt},
            files={"file": ("image", data, image.mime)},
        )
        answer = await upload(self, access, call)
        media_id = str(answer.find("id") or "")
        if not _ID.fullmatch(media_id):
            raise upload_failed(self, answer)
        if answer.status == 202:
            await until_ready(self, lambda: self._is_ready(access, media_id))
        return media_id

    async def _is_ready(self, access: Access, media_id: str) -> bool:
        answer = await upload(self, access, Call("GET", self._url(access, f"v1/media/{media_id}"), headers=bearer(access.token)))
        return answer.status == 200

    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        headers = {**bearer(access.token), "Idempotency-Key": str(key.id)}
        target = rendition.target
        if target and target.kind == "repost":
            path = f"v1/statuses/{quote(target.post_id, safe='')}/reblog"
            return Call("POST", self._url(access, path), headers=headers, json={"visibility": "public"})
        body: dict[str, Any] = {"status": rendition.text, "visibility": "public"}
        if prepared.media_ids:
            body["media_ids"] = list(prepared.media_ids)
        if target:
            body["in_reply_to_id"] = target.post_id
        return Call("POST", self._url(access, "v1/statuses"), headers=headers, json=body)

    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        post_id = answer.find("id")
        # A scheduled post has an id as well; only one that stands has a time of its own.
        if not isinstance(post_id, str) or not _ID.fullmatch(post_id) or not answer.find("created_at"):
            return None
        link = _web_address(answer.find("url")) or self.permalink(access, post_id)
        return Outcome(Result.ACCEPTED, "Mastodon published the post.", post_id=post_id, permalink=link, status=answer.status)

    def platform_words(self, answer: Answer) -> str:
        return str(answer.find("error_description") or answer.find("error") or "")

    def quota(self, answer: Answer) -> Quota | None:
        remaining, reset = (answer.headers.get(f"x-ratelimit-{name}", "") for name in ("remaining", "reset"))
        at = _instant(reset)
        return Quota("posts", int(remaining), at) if remaining.isdecimal() and len(remaining) < 10 and at else None

    def retry_at(self, answer: Answer) -> datetime | None:
        return _instant(answer.headers.get("x-ratelimit-reset", ""))

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        status = await self._status(access, post_id)
        return self._content(access, status) if status else ReadBack(found=False)

    async def _status(self, access: Access, post_id: str) -> dict[str, Any] | None:
        url = self._url(access, f"v1/statuses/{quote(post_id, safe='')}")
        call = Call("GET", url, headers=bearer(access.token))
        answer = await read(self, access, call, missing=_no_record)
        return answer.data() if answer else None

    def _content(self, access: Access, status: dict[str, Any]) -> ReadBack:
        permalink = _web_address(status.get("url")) or self.permalink(access, str(status.get("id")))
        metrics = tuple((ours, status[theirs]) for ours, theirs in _METRICS if isinstance(status.get(theirs), int))
        reposted, quoted = status.get("reblog"), status.get("quote")
        if isinstance(reposted, dict):
            return ReadBack(found=True, permalink=permalink, target_id=str(reposted.get("id")), metrics=metrics)
        quoted_post = quoted.get("quoted_status") if isinstance(quoted, dict) else None
        target = status.get("in_reply_to_id") or (quoted_post.get("id") if isinstance(quoted_post, dict) else None)
        return ReadBack(
            found=True,
            text=_text_of(status),
            alts=tuple(str(image.get("description") or "") for image in rows(status.get("media_attachments"))),
            permalink=permalink,
            target_id=str(target) if target else None,
            metrics=metrics,
        )

    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        seen: list[SeenPost] = []
        params = {"limit": str(_A_PAGE)}
        for _ in range(_MOST_PAGES):
            page = await self._page(access, params)
            posts = [self._seen(access, status) for status in page]
            seen += [post for post in posts if post.at >= since]
            if not posts or posts[-1].at < since:
                break
            params["max_id"] = posts[-1].post_id
        return tuple(seen)

    async def _page(self, access: Access, params: dict[str, str]) -> list[dict[str, Any]]:
        """One page of the account's statuses, newest first. It is a JSON list, where every other answer is an object."""
        found: list[dict[str, Any]] = []

        def is_a_list(answer: Answer) -> bool:
            listed = _listed(answer)
            found.extend(listed or [])
            return listed is not None

        url = self._url(access, f"v1/accounts/{quote(access.platform_account_id, safe='')}/statuses")
        call = Call("GET", url, headers=bearer(access.token), params=params)
        if await read(self, access, call, missing=is_a_list) is not None:
            raise ReadFailed(f"{self.label} answered with something else when the account's posts were read.")
        return found

    def _seen(self, access: Access, status: dict[str, Any]) -> SeenPost:
        at = _instant(str(status.get("created_at") or ""))
        if at is None:
            raise ReadFailed(f"{self.label} named a post without its time.")
        return SeenPost(str(status.get("id")), at, self._content(access, status))

    async def delete(self, access: Access, post_id: str) -> Outcome:
        url = self._url(access, f"v1/statuses/{quote(post_id, safe='')}")
        call = Call("DELETE", url, headers=bearer(access.token))
        # The post that it removed comes back with the answer; 200 with anything else may be anybody's.
        return await remove(self, access, call, gone=lambda answer: _no_record(answer) or _removed(answer, post_id))

    async def read_target(self, access: Access, address: str, kind: str) -> Target | None:
        """A post of any server, by its public address: the account's own server fetches it and gives it an id."""
        if kind not in self.targets:
            return None
        params = {"q": address, "type": "statuses", "resolve": "true", "limit": "1"}
        call = Call("GET", self._url(access, "v2/search"), headers=bearer(access.token), params=params)
        answer = await read(self, access, call, missing=lambda _: False)
        found = rows(answer.find("statuses")) if answer else []
        if not found or not _ID.fullmatch(str(found[0].get("id") or "")):
            return None
        status = found[0]
        account = status.get("account")
        author = str(account.get("acct") or "") if isinstance(account, dict) else ""
        permalink = _web_address(status.get("url")) or address
        return Target(kind, str(status["id"]), permalink, f"@{author}", _text_of(status), str(status.get("edited_at") or ""))


def _no_record(answer: Answer) -> bool:
    """Mastodon's own words that there is no such post. A bare 404 may be that of anything before it, and the post may stand."""
    return answer.status in (404, 410) and answer.find("error") == "Record not found"


def _removed(answer: Answer, post_id: str) -> bool:
    return answer.status == 200 and answer.find("id") == post_id


def _text_of(status: dict[str, Any]) -> str:
    people = {str(person.get("url")): str(person.get("acct")) for person in rows(status.get("mentions"))}
    warning, text = str(status.get("spoiler_text") or ""), plain(str(status.get("content") or ""), people)
    # We never send a warning; one that stands before the text is a change that must be seen.
    return f"{warning}\n\n{text}" if warning else text


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    if answer.status != 200 or not answer.complete:
        return None
    try:
        value = json.loads(answer.body)
    except ValueError:
        return None
    return rows(value) if isinstance(value, list) else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _web_address(named: Any) -> str | None:
    return named if isinstance(named, str) and named.startswith(("https://", "http://")) else None
