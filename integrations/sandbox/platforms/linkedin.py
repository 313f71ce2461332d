"""LinkedIn organisation pages as a server: posts and images as the Community Management API has them, little text included."""

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredPost
from integrations.sandbox.platforms.lies import tell

OLDEST_VERSION = "202512"
_RESERVED = "\\|{}@[]()<>#*_~"
_HASHTAG = re.compile(r"#\w+")
_ESCAPES = str.maketrans({character: f"\\{character}" for character in _RESERVED})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Image(_Strict):
    id: Annotated[str, Field(pattern=r"^urn:li:image:")]
    altText: Annotated[str, Field(max_length=4086)] = ""


class _Images(_Strict):
    images: Annotated[list[_Image], Field(min_length=2, max_length=20)]


class _Content(_Strict):
    media: _Image | None = None
    multiImage: _Images | None = None


class _Distribution(_Strict):
    feedDistribution: Literal["MAIN_FEED", "NONE"]
    targetEntities: list[str]
    thirdPartyDistributionChannels: list[str]


class _NewPost(_Strict):
    author: str
    commentary: str
    visibility: Literal["PUBLIC"]
    distribution: _Distribution
    content: _Content | None = None
    lifecycleState: Literal["PUBLISHED"]
    isReshareDisabledByAuthor: bool

    def images(self) -> list[_Image]:
        if self.content and self.content.media:
            return [self.content.media]
        return self.content.multiImage.images if self.content and self.content.multiImage else []


class _Owner(_Strict):
    owner: str


class _Initialize(_Strict):
    initializeUploadRequest: _Owner


def error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"status": status, "code": code, "message": message}, status_code=status)


def public_text(commentary: str) -> str:
    """What the public reads of little text: cut off, without a word, at the first reserved character that is not escaped."""
    shown, position = "", 0
    while position < len(commentary):
        character = commentary[position]
        if character == "\\" and commentary[position + 1 : position + 2] in _RESERVED and position + 1 < len(commentary):
            shown += commentary[position + 1]
            position += 2
        elif hashtag := _HASHTAG.match(commentary, position):
            shown += hashtag.group()
            position = hashtag.end()
        elif character in _RESERVED:
            break
        else:
            shown += character
            position += 1
    return shown


class LinkedInServer:
    def __init__(self, house: House) -> None:
        self.house = house

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/rest/posts", self.create, methods=["POST"])
        api.add_api_route("/rest/posts", self.timeline, methods=["GET"])
        api.add_api_route("/rest/posts/{urn}", self.read, methods=["GET"])
        api.add_api_route("/rest/posts/{urn}", self.delete, methods=["DELETE"])
        api.add_api_route("/rest/images", self.begin_upload, methods=["POST"])
        api.add_api_route("/rest/images/{urn}", self.image, methods=["GET"])
        api.add_api_route("/dms-uploads/{urn}", self.upload, methods=["PUT"])
        return api

    def _refusal(self, request: Request) -> Response | None:
        if self.house.caller(request) is None:
            return error(401, "INVALID_ACCESS_TOKEN", "Invalid access token")
        version = request.headers.get("linkedin-version", "")
        if not re.fullmatch(r"\d{6}", version):
            return error(
                400,
                "VERSION_MISSING",
                "A version must be present. Please specify a version by adding the LinkedIn-Version header.",
            )
        if version < OLDEST_VERSION:
            return error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
        if request.headers.get("x-restli-protocol-version") != "2.0.0":
            return error(400, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version must be 2.0.0")
        return None

    def _caller(self, request: Request) -> SandboxAccount:
        account = self.house.caller(request)
        assert account is not None  # noqa: S101 - every route refuses before
        return account

    async def create(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        account, body = self._caller(request), await request.body()
        try:
            new = _NewPost.model_validate_json(body)
        except ValidationError as bad:
            where = "/".join(str(part) for part in bad.errors()[0]["loc"])
            return error(422, "UNPROCESSABLE_ENTITY", f"ERROR :: /{where} :: unrecognized or missing field")
        if new.author != _owner(account):
            return error(403, "ACCESS_DENIED", "Not enough permissions to access: partnerApiPostsExternal.CREATE")
        shown = [self.house.uploaded(account, image.id, image.altText) for image in new.images()]
        images = tuple(image for image in shown if image)
        if len(images) < len(shown):
            return error(400, "INVALID_CONTENT", "One or more images are not available")
        twin = self.house.ledger.standing_twin(account.account_id, public_text(new.commentary))
        if self.house.refuse_duplicates and twin:
            return error(422, "DUPLICATE_POST", f"Content is a duplicate of {twin.post_id}")

        def accept(truncated: bool) -> StoredPost:
            text = public_text(new.commentary)
            text = text[: len(text) // 2] if truncated else text
            post_id = f"urn:li:share:{self.house.new_id()}"
            return self.house.take(request, account, body, post_id=post_id, text=text, images=images)

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: Response(status_code=201, headers={"x-restli-id": post.post_id}),
            limited=lambda: error(
                429, "TOO_MANY_REQUESTS", "Resource level throttle limit for calls to this resource is reached."
            ),
            broken=lambda status: error(status, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
        )

    async def read(self, request: Request, urn: str) -> Response:
        refusal = self._refusal(request)
        post = self.house.standing(urn)
        missing = error(404, "NOT_FOUND", f"Could not find entity {urn}")
        return refusal or (JSONResponse(_full(post)) if post else missing)

    async def timeline(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        if request.headers.get("x-restli-method") != "FINDER" or request.query_params.get("q") != "author":
            return error(400, "ILLEGAL_ARGUMENT", "Expected the author finder")
        account_id = request.query_params.get("author", "").rpartition(":")[2]
        posts = self.house.ledger.posts(account_id, deleted=False)[: int(request.query_params.get("count", "10"))]
        return JSONResponse({"elements": [_full(post) for post in posts], "paging": {"start": 0, "count": len(posts)}})

    async def delete(self, request: Request, urn: str) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        post = self.house.standing(urn)
        if post is None or post.account != self._caller(request).account_id:
            return error(404, "NOT_FOUND", f"Could not find entity {urn}")
        self.house.ledger.delete(urn, self.house.clock())
        return Response(status_code=204)

    async def begin_upload(self, request: Request, action: str = "") -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        account = self._caller(request)
        try:
            asked = _Initialize.model_validate_json(await request.body())
        except ValidationError:
            return error(400, "ILLEGAL_ARGUMENT", "initializeUploadRequest is required")
        if action != "initializeUpload" or asked.initializeUploadRequest.owner != _owner(account):
            return error(403, "ACCESS_DENIED", "Not enough permissions to access: images.initializeUpload")
        urn = f"urn:li:image:{self.house.new_id()}"
        self.house.keep_upload(account, urn, mime="")
        return JSONResponse({"value": {"uploadUrl": f"{request.base_url}dms-uploads/{urn}", "image": urn}})

    async def upload(self, request: Request, urn: str) -> Response:
        account = self.house.caller(request)
        if account is None or self.house.ledger.media(urn, account.account_id) is None:
            return error(401, "INVALID_ACCESS_TOKEN", "Invalid access token")
        kind = request.headers.get("content-type", "")
        self.house.keep_upload(account, urn, mime=kind, data=await request.body())
        return Response(status_code=201)

    async def image(self, request: Request, urn: str) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        media = self.house.ledger.media(urn, self._caller(request).account_id)
        if media is None:
            return error(404, "NOT_FOUND", f"Could not find entity {urn}")
        waiting = "PROCESSING" if media.sha256 else "WAITING_UPLOAD"
        return JSONResponse({"id": urn, "status": "AVAILABLE" if self.house.is_ready(media) else waiting})


def _owner(account: SandboxAccount) -> str:
    return f"urn:li:organization:{account.account_id}"


def _full(post: StoredPost) -> dict[str, Any]:
    images = [{"id": image.media_id, "altText": image.alt} for image in post.images]
    full: dict[str, Any] = {
        "id": post.post_id,
        "author": f"urn:li:organization:{post.account}",
        "commentary": post.text.translate(_ESCAPES),
        "visibility": "PUBLIC",
        "lifecycleState": "PUBLISHED",
        "createdAt": int(post.received_at.timestamp() * 1000),
    }
    if images:
        full["content"] = {"media": images[0]} if len(images) == 1 else {"multiImage": {"images": images}}
    return full
