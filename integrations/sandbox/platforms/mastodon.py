"""A Mastodon server: statuses, media, reblogs and search as its API has them, in its own error words."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from integrations.platforms.mastodon_text import count
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredImage, StoredPost
from integrations.sandbox.platforms.lies import Mode, tell
from integrations.sandbox.platforms.mastodon_html import account_json, media_json, status_json

MOST_CHARACTERS = 500
_KEPT = timedelta(hours=1)


class _NewStatus(BaseModel):
    model_config = ConfigDict(extra="ignore")  # Rails takes what it knows and leaves the rest

    status: str = ""
    media_ids: Annotated[list[str], Field(max_length=4)] = []
    in_reply_to_id: str | None = None
    visibility: Literal["public", "unlisted", "private", "direct"] = "public"


def error(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status_code=status)


class MastodonServer:
    def __init__(self, house: House) -> None:
        self.house = house
        self._keys: dict[tuple[str, str], tuple[str, datetime]] = {}
        """As in the real one's Redis: they go with the process."""

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/api/v1/statuses", self.create, methods=["POST"])
        api.add_api_route("/api/v1/statuses/{post_id}", self.read, methods=["GET"])
        api.add_api_route("/api/v1/statuses/{post_id}", self.delete, methods=["DELETE"])
        api.add_api_route("/api/v1/statuses/{post_id}/reblog", self.reblog, methods=["POST"])
        api.add_api_route("/api/v1/accounts/{account_id}/statuses", self.timeline, methods=["GET"])
        api.add_api_route("/api/v2/media", self.upload, methods=["POST"])
        api.add_api_route("/api/v1/media/{media_id}", self.media, methods=["GET"])
        api.add_api_route("/api/v2/search", self.search, methods=["GET"])
        api.add_api_route("/api/v2/instance", self.instance, methods=["GET"])
        api.add_api_route("/api/v1/instance", self.instance, methods=["GET"])
        api.add_api_route("/@{handle}/{post_id}", self.page, methods=["GET"])
        return api

    def _refusal(self, request: Request) -> Response:
        ended = {Mode.TOKEN_EXPIRED: "was expired", Mode.TOKEN_REVOKED: "was revoked"}
        problem = self.house.token_problem(request)
        return error(401, f"The access token {ended.get(problem, 'is invalid') if problem else 'is invalid'}")

    def _status(self, request: Request, post: StoredPost) -> dict[str, Any]:
        account = self.house.account(post.account) or self.house.accounts[0]
        reblogged = self.house.standing(post.target_id) if post.target_kind == "repost" and post.target_id else None
        return status_json(post, account, str(request.base_url), self._status(request, reblogged) if reblogged else None)

    async def create(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        body = await request.body()
        new = await _asked(request, body)
        if new is None:
            return error(422, "Validation failed: a parameter is not valid")
        found = [self.house.uploaded(account, media_id) for media_id in new.media_ids]
        images = tuple(image for image in found if image)
        if len(images) < len(found):
            return error(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        if not new.status.strip() and not images:
            return error(422, "Validation failed: Text can't be blank")
        if count(new.status) > MOST_CHARACTERS:
            return error(422, f"Validation failed: Text character limit of {MOST_CHARACTERS} exceeded")
        if new.in_reply_to_id and self.house.standing(new.in_reply_to_id) is None:
            return error(404, "The post you are trying to reply to does not appear to exist.")
        target = ("reply", new.in_reply_to_id) if new.in_reply_to_id else None
        return await self._publish(request, account, body, text=new.status.strip(), images=images, target=target)

    async def reblog(self, request: Request, post_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        if self.house.standing(post_id) is None:
            return error(404, "Record not found")
        for post in self.house.ledger.posts(account.account_id, deleted=False):
            if (post.target_kind, post.target_id) == ("repost", post_id):
                return JSONResponse(self._status(request, post))
        return await self._publish(request, account, await request.body(), text="", images=(), target=("repost", post_id))

    async def _publish(
        self,
        request: Request,
        account: SandboxAccount,
        body: bytes,
        *,
        text: str,
        images: tuple[StoredImage, ...],
        target: tuple[str, str] | None,
    ) -> Response:
        if self.house.used_up(account) and self._kept(request, account) is None:
            return self._limited(account)

        def accept(truncated: bool) -> StoredPost:
            kept = self._kept(request, account)
            if kept:
                return kept
            shown = text[: len(text) // 2] if truncated else text
            post = self.house.take(request, account, body, post_id=self.house.new_id(), text=shown, images=images, target=target)
            self._keys[account.account_id, request.headers.get("idempotency-key", post.post_id)] = (
                post.post_id,
                post.received_at,
            )
            return post

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: self._with_limits(account, JSONResponse(self._status(request, post))),
            limited=lambda: self._limited(account),
            broken=lambda status: error(status, "This method requires a server that works"),
        )

    def _kept(self, request: Request, account: SandboxAccount) -> StoredPost | None:
        """What this Idempotency-Key made less than an hour ago."""
        post_id, at = self._keys.get((account.account_id, request.headers.get("idempotency-key", "")), ("", None))
        return self.house.ledger.post(post_id) if at and self.house.clock() - at < _KEPT else None

    def _with_limits(self, account: SandboxAccount, response: Response) -> Response:
        left = self.house.left(account)
        response.headers["x-ratelimit-limit"] = str(left.limit)
        response.headers["x-ratelimit-remaining"] = str(left.remaining)
        response.headers["x-ratelimit-reset"] = left.reset_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return response

    def _limited(self, account: SandboxAccount) -> Response:
        response = self._with_limits(account, error(429, "Too many requests"))
        response.headers["x-ratelimit-remaining"] = "0"
        return response

    async def read(self, request: Request, post_id: str) -> Response:
        if self.house.caller(request) is None:
            return self._refusal(request)
        post = self.house.standing(post_id)
        return JSONResponse(self._status(request, post)) if post else error(404, "Record not found")

    async def timeline(self, request: Request, account_id: str, limit: int = 20, max_id: str = "") -> Response:
        if self.house.caller(request) is None:
            return self._refusal(request)
        posts = [post for post in self.house.listed(account_id) if not max_id or int(post.post_id) < int(max_id)]
        return JSONResponse([self._status(request, post) for post in posts[: min(limit, 40)]])

    async def delete(self, request: Request, post_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        post = self.house.standing(post_id)
        if post is None or post.account != account.account_id:
            return error(404, "Record not found")
        return await tell(
            request,
            self.house.lies.about_removal(),
            accept=lambda _: self.house.ledger.delete(post_id, self.house.clock()),
            answer=lambda _: JSONResponse({**self._status(request, post), "text": post.shown}),
            limited=lambda: self._limited(account),
            broken=lambda status: error(status, "This method requires a server that works"),
        )

    async def upload(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        form = await request.form()
        file = form.get("file")
        if not isinstance(file, UploadFile):
            return error(422, "Validation failed: File can't be blank")
        media_id, alt = self.house.new_id(), str(form.get("description", ""))
        self.house.keep_upload(account, media_id, mime=file.content_type or "", alt=alt, data=await file.read())
        return self._media(request, account, media_id, waiting=202)

    async def media(self, request: Request, media_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        return self._media(request, account, media_id, waiting=206)

    def _media(self, request: Request, account: SandboxAccount, media_id: str, *, waiting: int) -> Response:
        media = self.house.ledger.media(media_id, account.account_id)
        if media is None:
            return error(404, "Record not found")
        ready = self.house.is_ready(media)
        address = f"{request.base_url}_ledger/media/{media.sha256}" if ready else None
        return JSONResponse(media_json(media_id, media.alt, address), status_code=200 if ready else waiting)

    async def search(self, request: Request, q: str, type: str = "", resolve: bool = False) -> Response:
        if self.house.caller(request) is None:
            return self._refusal(request)
        post = self.house.standing(urlsplit(q).path.rpartition("/")[2])
        here = post is not None and resolve and q.startswith(str(request.base_url))
        return JSONResponse({"accounts": [], "hashtags": [], "statuses": [self._status(request, post)] if post and here else []})

    async def instance(self, request: Request) -> Response:
        limits = {"max_characters": MOST_CHARACTERS, "max_media_attachments": 4, "characters_reserved_per_url": 23}
        body = {
            "domain": request.url.netloc,
            "uri": request.url.netloc,
            "title": "Mastodon sandbox",
            "version": "4.5.0",
            "api_versions": {"mastodon": 7},
        }
        contact = account_json(self.house.accounts[0], str(request.base_url)) if self.house.accounts else None
        return JSONResponse({**body, "configuration": {"statuses": limits}, "contact_account": contact})

    async def page(self, post_id: str) -> Response:
        return RedirectResponse(f"/{post_id}")


async def _asked(request: Request, body: bytes) -> _NewStatus | None:
    """From JSON or, as Rails takes it too, from a form with `media_ids[]`."""
    try:
        if "json" in request.headers.get("content-type", ""):
            return _NewStatus.model_validate_json(body)
        form = await request.form()
        named = {key: value for key, value in form.items() if not key.endswith("[]")}
        return _NewStatus.model_validate({**named, "media_ids": form.getlist("media_ids[]")})
    except ValidationError:
        return None
