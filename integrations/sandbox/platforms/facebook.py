"""Facebook Pages as a server: feed and unpublished photos as the Graph API has them, in its own error words."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from integrations.sandbox.platforms.facebook_words import asked_fields, bad_token, error, full, no_object, usage
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredImage, StoredPost
from integrations.sandbox.platforms.lies import tell

_FEED_FIELDS = {"message", "link", "published", "attached_media", "access_token"}
_PHOTO_FIELDS = {"source", "published", "alt_text_custom", "access_token"}
_MOST_CHARACTERS = 63_206


class FacebookServer:
    def __init__(self, house: House) -> None:
        self.house = house
        house.name_post = lambda page: f"{page}_{house.new_id()}"

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/{version}/{page}/feed", self.create, methods=["POST"])
        api.add_api_route("/{version}/{page}/photos", self.upload, methods=["POST"])
        api.add_api_route("/{version}/{page}/published_posts", self.timeline, methods=["GET"])
        api.add_api_route("/{version}/", self.several, methods=["GET"])
        api.add_api_route("/{version}/{object_id}", self.read, methods=["GET"])
        api.add_api_route("/{version}/{object_id}", self.delete, methods=["DELETE"])
        return api

    def _refusal(self, request: Request, version: str, fields: Mapping[str, object], page: str | None = None) -> Response | None:
        """What every call must have: a version, a token that Facebook issued, and the Page that the token is for."""
        if not re.fullmatch(r"v\d{2}\.0", version):
            return error(2500, "Unknown path components: /" + version)
        account = self._caller(request, fields)
        if account is None:
            return bad_token(self.house.token_problem(request))
        if page is not None and page != account.account_id:
            return error(200, "(#200) The user hasn't authorized the application to perform this action", status=403)
        return None

    def _caller(self, request: Request, fields: Mapping[str, object]) -> SandboxAccount | None:
        """The token comes in the header, the form or the address."""
        token = fields.get("access_token") or request.query_params.get("access_token")
        return self.house.bearer(request, token) if isinstance(token, str) else self.house.caller(request)

    async def create(self, request: Request, version: str, page: str) -> Response:
        body = await request.body()
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        refusal = self._refusal(request, version, fields, page)
        account = self._caller(request, fields)
        if refusal or account is None:
            return refusal or bad_token(None)
        bad = self._invalid_feed(fields)
        if bad:
            return bad
        shown = self._attached(account, fields.get("attached_media", "[]"))
        if shown is None:
            return error(100, "(#100) attached_media must be photos of this Page that are not published yet")
        message = fields.get("message", "")
        if self.house.refuse_duplicates and self.house.ledger.standing_twin(page, message):
            return _duplicate()
        if self.house.used_up(account):
            return self._limited(account)

        def accept(truncated: bool) -> StoredPost:
            text = message[: len(message) // 2] if truncated else message
            post_id = self.house.new_post_id(page)
            return self.house.take(request, account, body, post_id=post_id, text=text, link=fields.get("link"), images=shown)

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: self._with_usage(account, JSONResponse({"id": post.post_id})),
            limited=lambda: self._limited(account),
            falsely_limited=lambda: self._with_usage(account, _too_many()),
            broken=_broken,
            duplicate=_duplicate,
        )

    def _invalid_feed(self, fields: Mapping[str, str]) -> Response | None:
        unknown = set(fields) - _FEED_FIELDS
        if unknown:
            return error(100, f"(#100) Param {sorted(unknown)[0]} is not a valid parameter")
        if not fields.get("message") and not fields.get("link") and not fields.get("attached_media"):
            return error(100, "(#100) Missing message or attachment", subcode=1349125)
        if len(fields.get("message", "")) > _MOST_CHARACTERS:
            return error(100, "(#100) Param message is too long")
        if "link" in fields and ("attached_media" in fields or not urlsplit(fields["link"]).hostname):
            return error(1609005, "(#1609005) The link is not valid for this post")
        return None

    def _attached(self, account: SandboxAccount, attached: str) -> tuple[StoredImage, ...] | None:
        try:
            ids = [str(item["media_fbid"]) for item in json.loads(attached)]
        except (ValueError, TypeError, KeyError):
            return None
        images = [self.house.uploaded(account, media_id) for media_id in ids]
        return tuple(image for image in images if image) if all(images) else None

    def _with_usage(self, account: SandboxAccount, response: Response, *, used_up: bool = False) -> Response:
        left, now = self.house.left(account), self.house.clock().timestamp()
        response.headers.update(usage(account.account_id, left, now, used_up=used_up))
        return response

    def _limited(self, account: SandboxAccount) -> Response:
        return self._with_usage(account, _too_many(), used_up=True)

    async def upload(self, request: Request, version: str, page: str) -> Response:
        form = await request.form()
        refusal = self._refusal(request, version, form, page)
        account = self._caller(request, form)
        source = form.get("source")
        if refusal or account is None:
            return refusal or bad_token(None)
        if set(form) - _PHOTO_FIELDS or not isinstance(source, UploadFile) or form.get("published") != "false":
            return error(324, "(#324) Missing or invalid image file")
        photo_id = self.house.new_id()
        alt = str(form.get("alt_text_custom", ""))
        self.house.keep_upload(account, photo_id, mime=source.content_type or "", alt=alt, data=await source.read())
        return JSONResponse({"id": photo_id})

    async def read(self, request: Request, version: str, object_id: str) -> Response:
        refusal = self._refusal(request, version, {})
        account, fields = self._caller(request, {}), asked_fields(request, "id,message,created_time")
        if refusal or account is None or isinstance(fields, Response):
            return refusal or (fields if isinstance(fields, Response) else bad_token(None))
        found = self._object(account, object_id, request, fields)
        return self._with_usage(account, JSONResponse(found) if found else no_object(object_id))

    def _object(self, account: SandboxAccount, object_id: str, request: Request, fields: set[str]) -> dict[str, Any] | None:
        photo = self.house.uploaded(account, object_id)
        if photo:
            return {"id": photo.media_id, "alt_text_custom": photo.alt}
        post = self.house.standing(object_id)
        return full(post, str(request.base_url), fields) if post else None

    async def several(self, request: Request, version: str, ids: str = "") -> Response:
        """Many objects in one call: all of them, or an error about one that is not there."""
        refusal = self._refusal(request, version, {})
        account, fields = self._caller(request, {}), asked_fields(request, "id")
        if refusal or account is None or isinstance(fields, Response):
            return refusal or (fields if isinstance(fields, Response) else bad_token(None))
        named = ids.split(",")
        if not ids or len(named) > 50:
            return error(100, "(#100) Too many IDs. Maximum: 50." if ids else "(#100) The parameter ids is required")
        found = {name: self._object(account, name, request, fields) for name in named}
        missing = [name for name, value in found.items() if value is None]
        return self._with_usage(account, no_object(missing[0]) if missing else JSONResponse(found))

    async def timeline(self, request: Request, version: str, page: str) -> Response:
        refusal = self._refusal(request, version, {}, page)
        account, fields = self._caller(request, {}), asked_fields(request, "id,message,created_time")
        if refusal or account is None or isinstance(fields, Response):
            return refusal or (fields if isinstance(fields, Response) else bad_token(None))
        asked = request.query_params
        since, start, most = float(asked.get("since", "0")), int(asked.get("after", "0") or 0), int(asked.get("limit", "25"))
        if not 1 <= most <= 100:
            return error(100, "(#100) Please reduce the amount of data you're asking for, then retry your request")
        posts = [post for post in self.house.listed(page) if post.received_at.timestamp() >= since]
        shown = [full(post, str(request.base_url), fields) for post in posts[start : start + most]]
        after = start + len(shown)
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(after)}}
        if after < len(posts):
            # The real one holds the caller's token too, which is why nobody should follow it.
            paging["next"] = str(request.url.include_query_params(after=after))
        return self._with_usage(account, JSONResponse({"data": shown, "paging": paging} if shown else {"data": []}))

    async def delete(self, request: Request, version: str, object_id: str) -> Response:
        refusal = self._refusal(request, version, {}, object_id.partition("_")[0])
        account = self._caller(request, {})
        if refusal or account is None:
            return refusal or bad_token(None)
        if self.house.standing(object_id) is None:
            return self._with_usage(account, no_object(object_id, "delete"))
        return await tell(
            request,
            self.house.lies.about_removal(),
            accept=lambda _: self.house.ledger.delete(object_id, self.house.clock()),
            answer=lambda _: self._with_usage(account, JSONResponse({"success": True})),
            limited=lambda: self._limited(account),
            broken=_broken,
        )


def _too_many() -> Response:
    return error(32, "(#32) Page request limit reached", status=403)


def _broken(status: int) -> Response:
    return error(2, "Service temporarily unavailable", status=status)


def _duplicate() -> Response:
    return error(506, "(#506) Duplicate status message")
