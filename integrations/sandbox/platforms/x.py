"""X as a server: posts, media and alt text as API v2 has them, in its own error words (docs.x.com, OpenAPI 2.x)."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from integrations.platforms.x_text import weighted_length
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredPost
from integrations.sandbox.platforms.lies import tell
from integrations.sandbox.platforms.x_words import brief, invalid, not_found, problem, shorten, unauthorised

_WINDOW = timedelta(minutes=15)
_PER_WINDOW = 100
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PostMedia(_Strict):
    media_ids: Annotated[list[Digits], Field(min_length=1, max_length=4)]


class _NewPost(_Strict):
    text: str = ""
    media: _PostMedia | None = None


class _AltText(_Strict):
    text: Annotated[str, Field(max_length=1000)]


class _Metadata(_Strict):
    alt_text: _AltText


class _MediaMetadata(_Strict):
    id: Digits
    metadata: _Metadata


class XServer:
    def __init__(self, house: House) -> None:
        self.house = house

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/2/tweets", self.create, methods=["POST"])
        api.add_api_route("/2/tweets/{post_id}", self.read, methods=["GET"])
        api.add_api_route("/2/tweets/{post_id}", self.delete, methods=["DELETE"])
        api.add_api_route("/2/users/{user_id}/tweets", self.timeline, methods=["GET"])
        api.add_api_route("/2/media/upload", self.upload, methods=["POST"])
        api.add_api_route("/2/media/upload", self.upload_status, methods=["GET"])
        api.add_api_route("/2/media/metadata", self.describe, methods=["POST"])
        return api

    async def create(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        body = await request.body()
        try:
            new = _NewPost.model_validate_json(body)
        except ValidationError:
            return invalid("One or more parameters to your request was invalid.")
        media_ids = new.media.media_ids if new.media else []
        images = [self.house.uploaded(account, media_id) for media_id in media_ids]
        shown = tuple(image for image in images if image)
        if len(shown) < len(media_ids):
            return invalid("Your media IDs are invalid.")
        if not new.text.strip() and not shown:
            return invalid("Your request must contain text or media.")
        if weighted_length(new.text) > 280:
            return problem(403, "Forbidden", "Your Tweet text is too long. For more information see counting characters.")
        if self.house.refuse_duplicates and self.house.ledger.standing_twin(account.account_id, new.text.strip()):
            return problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")

        def accept(truncated: bool) -> StoredPost:
            text = new.text.strip()
            text = text[: len(text) // 2] if truncated else text
            return self.house.take(request, account, body, post_id=self.house.new_id(), text=text, images=shown)

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: self._with_limits(account, JSONResponse({"data": brief(post)}, status_code=201)),
            limited=lambda: self._limited(account),
            broken=lambda status: problem(status, "Service Unavailable", "Service Unavailable"),
        )

    def _with_limits(self, account: SandboxAccount, response: Response, *, used_up: bool = False) -> Response:
        now = self.house.clock()
        used = self.house.ledger.count_since(account.account_id, now - _WINDOW)
        response.headers["x-rate-limit-limit"] = str(_PER_WINDOW)
        response.headers["x-rate-limit-remaining"] = "0" if used_up else str(max(0, _PER_WINDOW - used))
        response.headers["x-rate-limit-reset"] = str(int((now + _WINDOW).timestamp()))
        return response

    def _limited(self, account: SandboxAccount) -> Response:
        return self._with_limits(account, problem(429, "Too Many Requests", "Too Many Requests"), used_up=True)

    async def read(self, request: Request, post_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        post = self.house.standing(post_id)
        if post is None:
            return JSONResponse({"errors": [not_found("tweet", post_id)]})
        return self._with_limits(account, JSONResponse(self._full([post], request, single=True)))

    async def timeline(self, request: Request, user_id: str) -> Response:
        if self.house.caller(request) is None:
            return unauthorised()
        posts = self.house.ledger.posts(user_id, deleted=False)[:100]
        return JSONResponse({**self._full(posts, request, single=False), "meta": {"result_count": len(posts)}})

    async def delete(self, request: Request, post_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        post = self.house.standing(post_id)
        if post is None or post.account != account.account_id:
            return JSONResponse(not_found("tweet", post_id), status_code=404)
        self.house.ledger.delete(post_id, self.house.clock())
        return JSONResponse({"data": {"deleted": True}})

    def _full(self, posts: list[StoredPost], request: Request, *, single: bool) -> dict[str, Any]:
        asked = set(request.query_params.get("tweet.fields", "").split(","))
        data = []
        for post in posts:
            account = self.house.account(post.account)
            text, urls = shorten(post, account.handle if account else "")
            item: dict[str, Any] = {"id": post.post_id, "text": text, "edit_history_tweet_ids": [post.post_id]}
            if "created_at" in asked:
                item["created_at"] = post.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if "entities" in asked and urls:
                item["entities"] = {"urls": urls}
            if "attachments" in asked and post.images:
                item["attachments"] = {"media_keys": [f"3_{image.media_id}" for image in post.images]}
            data.append(item)
        answer: dict[str, Any] = {"data": data[0] if single else data}
        if "attachments.media_keys" in request.query_params.get("expansions", ""):
            images = [image for post in posts for image in post.images]
            media = [{"media_key": f"3_{image.media_id}", "type": "photo", "alt_text": image.alt} for image in images]
            answer |= {"includes": {"media": media}} if media else {}
        return answer

    async def upload(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        form = await request.form()
        media = form.get("media")
        if set(form) != {"media", "media_category"} or not isinstance(media, UploadFile):
            return invalid("One or more parameters to your request was invalid.")
        if form["media_category"] != "tweet_image":
            return invalid("Unsupported media category.")
        media_id = self.house.new_id()
        self.house.keep_upload(account, media_id, mime=media.content_type or "", data=await media.read())
        return JSONResponse({"data": self._upload_state(account, media_id)})

    async def upload_status(self, request: Request, media_id: str, command: str = "STATUS") -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        if command != "STATUS" or self.house.ledger.media(media_id, account.account_id) is None:
            return invalid("The media id is invalid.")
        return JSONResponse({"data": self._upload_state(account, media_id)})

    def _upload_state(self, account: SandboxAccount, media_id: str) -> dict[str, Any]:
        media = self.house.ledger.media(media_id, account.account_id)
        state: dict[str, Any] = {"id": media_id, "media_key": f"3_{media_id}", "expires_after_secs": 86_400}
        if media and not self.house.is_ready(media):
            state["processing_info"] = {"state": "in_progress", "check_after_secs": 1, "progress_percent": 50}
        return state

    async def describe(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        try:
            new = _MediaMetadata.model_validate_json(await request.body())
        except ValidationError:
            return invalid("One or more parameters to your request was invalid.")
        media = self.house.ledger.media(new.id, account.account_id)
        if media is None:
            return invalid("The media id is invalid.")
        self.house.describe(media, new.metadata.alt_text.text)
        return JSONResponse({"data": {"id": new.id, "associated_metadata": {"alt_text": new.metadata.alt_text.model_dump()}}})
