"""Facebook Pages as a server: feed and unpublished photos as the Graph API has them, in its own error words."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredImage, StoredPost
from integrations.sandbox.platforms.lies import tell

_FEED_FIELDS = {"message", "link", "published", "attached_media", "access_token"}
_PHOTO_FIELDS = {"source", "published", "alt_text_custom", "access_token"}
_MOST_CHARACTERS = 63_206


def error(
    code: int, message: str, *, subcode: int | None = None, status: int = 400, kind: str = "OAuthException"
) -> JSONResponse:
    body: dict[str, Any] = {"message": message, "type": kind, "code": code, "fbtrace_id": "sandbox"}
    if subcode is not None:
        body["error_subcode"] = subcode
    return JSONResponse({"error": body}, status_code=status)


def _no_object(object_id: str) -> JSONResponse:
    message = (
        f"Unsupported get request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return error(100, message, subcode=33, kind="GraphMethodException")


class FacebookServer:
    def __init__(self, house: House) -> None:
        self.house = house

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/{version}/{page}/feed", self.create, methods=["POST"])
        api.add_api_route("/{version}/{page}/photos", self.upload, methods=["POST"])
        api.add_api_route("/{version}/{page}/published_posts", self.timeline, methods=["GET"])
        api.add_api_route("/{version}/{object_id}", self.read, methods=["GET"])
        api.add_api_route("/{version}/{object_id}", self.delete, methods=["DELETE"])
        return api

    def _refusal(self, request: Request, version: str, fields: Mapping[str, object], page: str | None = None) -> Response | None:
        """What every call must have: a version, a token that Facebook issued, and the Page that the token is for."""
        if not re.fullmatch(r"v\d{2}\.0", version):
            return error(2500, "Unknown path components: /" + version)
        account = self._caller(request, fields)
        if account is None:
            return error(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if page is not None and page != account.account_id:
            return error(200, "(#200) The user hasn't authorized the application to perform this action", status=403)
        return None

    def _caller(self, request: Request, fields: Mapping[str, object]) -> SandboxAccount | None:
        token = fields.get("access_token") or request.query_params.get("access_token")
        by_parameter = next((account for account in self.house.accounts if account.token == token), None)
        return self.house.caller(request) or by_parameter

    async def create(self, request: Request, version: str, page: str) -> Response:
        body = await request.body()
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        refusal = self._refusal(request, version, fields, page)
        account = self._caller(request, fields)
        if refusal or account is None:
            return refusal or error(190, "Invalid OAuth access token")
        bad = self._invalid_feed(fields)
        if bad:
            return bad
        shown = self._attached(account, fields.get("attached_media", "[]"))
        if shown is None:
            return error(100, "(#100) attached_media must be photos of this Page that are not published yet")
        message = fields.get("message", "")
        if self.house.refuse_duplicates and self.house.ledger.standing_twin(page, message):
            return error(506, "(#506) Duplicate status message")

        def accept(truncated: bool) -> StoredPost:
            text = message[: len(message) // 2] if truncated else message
            post_id = f"{page}_{self.house.new_id()}"
            return self.house.take(request, account, body, post_id=post_id, text=text, link=fields.get("link"), images=shown)

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: JSONResponse({"id": post.post_id}),
            limited=lambda: self._limited(page),
            broken=lambda status: error(2, "Service temporarily unavailable", status=status),
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

    def _limited(self, page: str) -> Response:
        response = error(32, "(#32) Page request limit reached", status=403)
        usage = {page: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 12}]}
        response.headers["x-business-use-case-usage"] = json.dumps(usage)
        return response

    async def upload(self, request: Request, version: str, page: str) -> Response:
        form = await request.form()
        refusal = self._refusal(request, version, form, page)
        account = self._caller(request, form)
        source = form.get("source")
        if refusal or account is None:
            return refusal or error(190, "Invalid OAuth access token")
        if set(form) - _PHOTO_FIELDS or not isinstance(source, UploadFile) or form.get("published") != "false":
            return error(324, "(#324) Missing or invalid image file")
        photo_id = self.house.new_id()
        alt = str(form.get("alt_text_custom", ""))
        self.house.keep_upload(account, photo_id, mime=source.content_type or "", alt=alt, data=await source.read())
        return JSONResponse({"id": photo_id})

    async def read(self, request: Request, version: str, object_id: str) -> Response:
        refusal = self._refusal(request, version, {})
        account = self._caller(request, {})
        if refusal or account is None:
            return refusal or error(190, "Invalid OAuth access token")
        photo = self.house.uploaded(account, object_id)
        if photo:
            return JSONResponse({"id": photo.media_id, "alt_text_custom": photo.alt})
        post = self.house.standing(object_id)
        return JSONResponse(_full(post, str(request.base_url))) if post else _no_object(object_id)

    async def timeline(self, request: Request, version: str, page: str) -> Response:
        refusal = self._refusal(request, version, {}, page)
        posts = self.house.ledger.posts(page, deleted=False)[:100]
        return refusal or JSONResponse({"data": [_full(post, str(request.base_url)) for post in posts]})

    async def delete(self, request: Request, version: str, object_id: str) -> Response:
        refusal = self._refusal(request, version, {}, object_id.partition("_")[0])
        if refusal:
            return refusal
        if self.house.standing(object_id) is None:
            return _no_object(object_id)
        self.house.ledger.delete(object_id, self.house.clock())
        return JSONResponse({"success": True})


def _full(post: StoredPost, base_url: str) -> dict[str, Any]:
    full: dict[str, Any] = {
        "id": post.post_id,
        "message": post.text,
        "created_time": post.received_at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "permalink_url": f"{base_url}{post.post_id}",
    }
    photos = [{"media_type": "photo", "target": {"id": image.media_id}} for image in post.images]
    if len(photos) == 1:
        full["attachments"] = {"data": photos}
    elif photos:
        full["attachments"] = {"data": [{"media_type": "album", "subattachments": {"data": photos}}]}
    elif post.link:
        shim = f"https://l.facebook.com/l.php?u={quote(post.link, safe='')}"
        full["attachments"] = {"data": [{"media_type": "link", "url": shim, "unshimmed_url": post.link}]}
    return full
