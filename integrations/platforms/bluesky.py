"""Bluesky, AT Protocol: https://docs.bsky.app and the lexicons com.atproto.repo.*, app.bsky.feed.post, app.bsky.feed.repost."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from core.domain.content import Rendition, RenditionImage, Target
from core.domain.outcome import Outcome, Quota, ReadBack, Result, SeenPost, SendKey
from integrations.platforms.base import Platform
from integrations.platforms.bluesky_records import (
    POST,
    REPOST,
    Place,
    collection_of,
    content_of,
    created_at,
    fingerprint_of,
    instant_of,
    record_of,
    rkey_of,
)
from integrations.platforms.bluesky_text import MOST_BYTES, MOST_GRAPHEMES, blob_cid, graphemes
from integrations.platforms.judgement import duplicate
from integrations.platforms.redoable import read, remove, upload, upload_failed
from integrations.platforms.text import with_link
from integrations.platforms.values import Access, Count, Prepared
from integrations.platforms.wire import Answer, Call, bearer, rows

# A post takes three of the points that the limits count (docs.bsky.app, Rate Limits).
_POINTS_A_POST = 3
_MOST_PAGES = 20
_TOKEN_ERRORS = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired", "BadJwt", "BadJwtSignature"})
_POST_PATH = re.compile(r"/profile/(?P<who>[^/]+)/post/(?P<rkey>[^/]+)/?")


class Bluesky(Platform):
    """Publishes with one `putRecord` under a key of our own, which must not exist yet (`swapRecord: null`).

    The same call again finds the very same record and succeeds; another record under the key is never written over.
    But once a post was deleted, the same call would publish it again: only our own ledger prevents that.
    """

    name = "bluesky"
    label = "Bluesky"
    limit = MOST_GRAPHEMES
    api_url = "https://bsky.social"
    # The key is the record's name, for as long as the record stands; a year is longer than anything of ours waits.
    keeps_keys = timedelta(days=365)
    targets = frozenset({"reply", "quote", "repost"})

    def count(self, text: str) -> Count:
        """In graphemes, or in bytes where those run out first (long emoji)."""
        used, size = graphemes(text), len(text.encode("utf-8", "surrogatepass"))
        return Count(size, MOST_BYTES) if size > MOST_BYTES and used <= MOST_GRAPHEMES else Count(used, MOST_GRAPHEMES)

    def permalink(self, access: Access, post_id: str) -> str:
        place = Place.read(post_id)
        return f"{access.public_url or 'https://bsky.app'}/profile/{access.handle}/post/{place.rkey if place else ''}"

    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        return with_link(text, link), None

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        return Prepared(tuple([await self._upload(access, image, files[image.sha256]) for image in rendition.images]))

    async def _upload(self, access: Access, image: RenditionImage, data: bytes) -> str:
        """The blob's reference as JSON. Its CID is a hash of its bytes, so another one would be another image."""
        headers = {**bearer(access.token), "Content-Type": image.mime}
        call = Call("POST", f"{access.base_url}/xrpc/com.atproto.repo.uploadBlob", headers=headers, content=data)
        answer = await upload(self, access, call)
        if answer.find("blob", "ref", "$link") != blob_cid(image.sha256) or answer.find("blob", "size") != len(data):
            raise upload_failed(self, answer)
        return json.dumps(answer.find("blob"), sort_keys=True)

    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        body: dict[str, Any] = {
            "repo": access.platform_account_id,
            "collection": collection_of(rendition),
            "rkey": rkey_of(key),
            "record": record_of(rendition, prepared.media_ids, key),
            "swapRecord": None,
        }
        return Call("POST", f"{access.base_url}/xrpc/com.atproto.repo.putRecord", headers=bearer(access.token), json=body)

    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        place = Place.read(str(answer.find("uri")))
        if place is None or place.repo != access.platform_account_id or not isinstance(answer.find("cid"), str):
            return None
        link = self.permalink(access, place.uri)
        return Outcome(Result.ACCEPTED, "Bluesky published the post.", post_id=place.uri, permalink=link, status=answer.status)

    def special_case(self, answer: Answer) -> Outcome | None:
        # Something else stands under our key: what an earlier call of ours left there, changed since, for all we know.
        return duplicate(self.label, answer) if answer.find("error") == "InvalidSwap" else None

    def refuses_token(self, answer: Answer) -> bool:
        """An expired token is answered with 400."""
        return answer.status == 401 or (answer.status in (400, 403) and str(answer.find("error")) in _TOKEN_ERRORS)

    def platform_words(self, answer: Answer) -> str:
        return str(answer.find("message") or answer.find("error") or "")

    def quota(self, answer: Answer) -> Quota | None:
        """The headers name the limit with the least left, of an hour's and a day's."""
        remaining, reset = (answer.headers.get(f"ratelimit-{name}", "") for name in ("remaining", "reset"))
        if not (remaining.isdecimal() and reset.isdecimal() and len(reset) < 12):
            return None
        return Quota("posts", int(remaining) // _POINTS_A_POST, datetime.fromtimestamp(int(reset), UTC))

    def retry_at(self, answer: Answer) -> datetime | None:
        quota = self.quota(answer)
        return quota.reset_at if quota else None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        place = Place.read(post_id)
        seen = await self._stands(access, place) if place else None
        return seen.content if seen else ReadBack(found=False)

    async def look_up(
        self, access: Access, rendition: Rendition, key: SendKey, *, since: datetime, named: str | None = None
    ) -> tuple[SeenPost, ...]:
        """What stands under the key, whatever it says: nothing else can be what a send with this key made."""
        seen = await self._stands(access, Place(access.platform_account_id, collection_of(rendition), rkey_of(key)))
        return (seen,) if seen else ()

    async def _stands(self, access: Access, place: Place) -> SeenPost | None:
        answer = await self._get_record(access, place)
        return self._seen(access, place, answer.data()) if answer else None

    async def _get_record(self, access: Access, place: Place) -> Answer | None:
        params = {"repo": place.repo, "collection": place.collection, "rkey": place.rkey}
        call = Call("GET", f"{access.base_url}/xrpc/com.atproto.repo.getRecord", headers=bearer(access.token), params=params)
        return await read(self, access, call, missing=lambda answer: bool(answer.find("error") == "RecordNotFound"))

    def _seen(self, access: Access, place: Place, row: dict[str, Any]) -> SeenPost:
        value = row.get("value")
        record = value if isinstance(value, dict) else {}
        posted = created_at(record, place.rkey, self.clock())
        return SeenPost(place.uri, posted, content_of(record, self.permalink(access, place.uri)))

    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        """Posts and reposts. The server checks neither a record's time nor its key: one dated back on purpose is not found."""
        seen = [post for collection in (POST, REPOST) for post in await self._listed(access, collection, since)]
        return tuple(sorted((post for post in seen if post.at >= since), key=lambda post: post.at, reverse=True))

    async def _listed(self, access: Access, collection: str, since: datetime) -> list[SeenPost]:
        """Newest keys first, page by page, until a key is older than `since`."""
        seen: list[SeenPost] = []
        params = {"repo": access.platform_account_id, "collection": collection, "limit": "100"}
        for _ in range(_MOST_PAGES):
            url = f"{access.base_url}/xrpc/com.atproto.repo.listRecords"
            answer = await read(
                self, access, Call("GET", url, headers=bearer(access.token), params=params), missing=lambda _: False
            )
            found = rows(answer.find("records")) if answer else []
            places = [(place, row) for row in found if (place := Place.read(str(row.get("uri"))))]
            seen += [self._seen(access, place, row) for place, row in places]
            cursor = answer.find("cursor") if answer else None
            oldest = instant_of(places[-1][0].rkey) if places else None
            if not cursor or not places or (oldest is not None and oldest < since):
                break
            params["cursor"] = str(cursor)
        return seen

    async def delete(self, access: Access, post_id: str) -> Outcome:
        """Deleting what is not there succeeds as well."""
        place = Place.read(post_id) or Place(access.platform_account_id, POST, post_id)
        body = {"repo": access.platform_account_id, "collection": place.collection, "rkey": place.rkey}
        call = Call("POST", f"{access.base_url}/xrpc/com.atproto.repo.deleteRecord", headers=bearer(access.token), json=body)
        return await remove(self, access, call, gone=lambda answer: answer.status == 200)

    async def read_target(self, access: Access, address: str, kind: str) -> Target | None:
        """A post on any server of the network, by its address at the site or its at:// address."""
        named = await self._place_of(access, address)
        if named is None or kind not in self.targets:
            return None
        who, place = named
        answer = await self._get_record(access, place)
        record = answer.find("value") if answer else None
        if answer is None or not isinstance(record, dict) or not isinstance(answer.find("cid"), str):
            return None
        permalink = f"{access.public_url or 'https://bsky.app'}/profile/{who}/post/{place.rkey}"
        text, fingerprint = content_of(record, permalink).text, fingerprint_of(str(answer.find("cid")), record)
        return Target(kind, place.uri, permalink, f"@{who}", text, fingerprint)

    async def _place_of(self, access: Access, address: str) -> tuple[str, Place] | None:
        """Whose post it is, as the address names them, and where it stands."""
        place = Place.read(address)
        if place is None:
            parts = urlsplit(address)
            match = _POST_PATH.fullmatch(parts.path)
            if match is None or parts.netloc not in {"bsky.app", urlsplit(access.public_url).netloc}:
                return None
            place = Place.read(f"at://{unquote(match['who'])}/{POST}/{unquote(match['rkey'])}")
        if place is None or place.collection != POST:
            return None
        did = place.repo if place.repo.startswith("did:") else await self._resolve(access, place.repo)
        return (place.repo, Place(did, POST, place.rkey)) if did else None

    async def _resolve(self, access: Access, handle: str) -> str | None:
        url = f"{access.base_url}/xrpc/com.atproto.identity.resolveHandle"
        call = Call("GET", url, headers=bearer(access.token), params={"handle": handle})
        answer = await read(self, access, call, missing=lambda answer: answer.status == 400 and not self.refuses_token(answer))
        did = answer.find("did") if answer else None
        return did if isinstance(did, str) and did.startswith("did:") else None
