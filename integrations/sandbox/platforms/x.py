"""X as a server: posts and timelines as API v2 has them, in its own error words (docs.x.com, OpenAPI 2.x)."""

import math
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.platforms.x_text import weighted_length
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredPost
from integrations.sandbox.platforms.lies import tell
from integrations.sandbox.platforms.x_media import XMedia
from integrations.sandbox.platforms.x_words import (
    Digits,
    brief,
    foreign,
    full,
    invalid,
    not_found,
    problem,
    unauthorised,
    unknown_parameter,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PostMedia(_Strict):
    media_ids: Annotated[list[Digits], Field(min_length=1, max_length=4)]


class _Reply(_Strict):
    in_reply_to_tweet_id: Digits


class _NewPost(_Strict):
    text: str = ""
    media: _PostMedia | None = None
    reply: _Reply | None = None
    quote_tweet_id: Digits | None = None

    def target(self) -> tuple[str, str] | None:
        if self.reply:
            return "reply", self.reply.in_reply_to_tweet_id
        return ("quote", self.quote_tweet_id) if self.quote_tweet_id else None


class XServer:
    def __init__(self, house: House) -> None:
        self.house = house

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/2/tweets", self.create, methods=["POST"])
        api.add_api_route("/2/tweets/{post_id}", self.read, methods=["GET"])
        api.add_api_route("/2/tweets/{post_id}", self.delete, methods=["DELETE"])
        api.add_api_route("/2/users/{user_id}/tweets", self.timeline, methods=["GET"])
        api.include_router(XMedia(self.house).routes())
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
        images = [self.house.uploaded(account, media_id) for media_id in (new.media.media_ids if new.media else [])]
        shown = tuple(image for image in images if image)
        if len(shown) < len(images):
            return invalid("Your media IDs are invalid.")
        refusal = self._refusal(account, new, bool(shown))
        if refusal:
            return refusal

        def accept(truncated: bool) -> StoredPost:
            text = new.text.strip()
            text = text[: len(text) // 2] if truncated else text
            post_id = self.house.new_id()
            return self.house.take(request, account, body, post_id=post_id, text=text, images=shown, target=new.target())

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: self._with_limits(account, JSONResponse({"data": brief(post)}, status_code=201)),
            limited=lambda: self._limited(account),
            falsely_limited=lambda: self._with_limits(account, problem(429, "Too Many Requests", "Too Many Requests")),
            broken=lambda status: problem(status, "Service Unavailable", "Service Unavailable"),
            duplicate=_duplicate,
        )

    def _refusal(self, account: SandboxAccount, new: _NewPost, with_images: bool) -> Response | None:
        target = new.target()
        if not new.text.strip() and not with_images:
            return invalid("Your request must contain text or media.")
        if weighted_length(new.text) > 280:
            return problem(403, "Forbidden", "Your Tweet text is too long. For more information see counting characters.")
        if target and self.house.standing(target[1]) is None:
            return problem(403, "Forbidden", "You attempted to reply to or quote a Tweet that is deleted or not visible to you.")
        if self.house.refuse_duplicates and self.house.ledger.standing_twin(account.account_id, new.text.strip()):
            return _duplicate()
        return self._limited(account) if self.house.used_up(account) else None

    def _with_limits(self, account: SandboxAccount, response: Response, *, used_up: bool = False) -> Response:
        """The three headers, about posts; X names the second at which the window is over."""
        left = self.house.left(account)
        response.headers["x-rate-limit-limit"] = str(left.limit)
        response.headers["x-rate-limit-remaining"] = "0" if used_up else str(left.remaining)
        response.headers["x-rate-limit-reset"] = str(math.ceil(left.reset_at.timestamp()))
        return response

    def _limited(self, account: SandboxAccount) -> Response:
        return self._with_limits(account, problem(429, "Too Many Requests", "Too Many Requests"), used_up=True)

    async def read(self, request: Request, post_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        refusal = unknown_parameter(request, ())
        post = self.house.standing(post_id)
        if refusal or post is None:
            return refusal or JSONResponse({"errors": [not_found("tweet", post_id)]})
        answer = full([post], request, self.house)
        return self._reading(JSONResponse({**answer, "data": answer["data"][0]}))

    async def timeline(self, request: Request, user_id: str) -> Response:
        if self.house.caller(request) is None:
            return unauthorised()
        asked = request.query_params
        refusal = unknown_parameter(request, ("max_results", "pagination_token", "start_time", "end_time", "exclude"))
        most, start = int(asked.get("max_results", "10")), int(asked.get("pagination_token", "0") or 0)
        if refusal or not 5 <= most <= 100:
            return refusal or invalid("The `max_results` query parameter value is not between 5 and 100.")
        since = datetime.fromisoformat(asked.get("start_time", "2010-11-06T00:00:00Z"))
        posts = [post for post in self.house.listed(user_id) if post.received_at >= since]
        page = posts[start : start + most]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0].post_id, "oldest_id": page[-1].post_id}
        if len(posts) > start + most:
            meta["next_token"] = str(start + most)
        return self._reading(JSONResponse({**(full(page, request, self.house) if page else {}), "meta": meta}))

    def _reading(self, response: Response) -> Response:
        """Reading has a limit of its own, which this sandbox never reaches."""
        reset = str(math.ceil(self.house.clock().timestamp()) + 900)
        response.headers.update({"x-rate-limit-limit": "900", "x-rate-limit-remaining": "899", "x-rate-limit-reset": reset})
        return response

    async def delete(self, request: Request, post_id: str) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        post = self.house.standing(post_id)
        if post is None:
            return JSONResponse(not_found("tweet", post_id), status_code=404, media_type="application/problem+json")
        if post.account != account.account_id:
            return foreign(post_id)
        return await tell(
            request,
            self.house.lies.about_removal(),
            accept=lambda _: self.house.ledger.delete(post_id, self.house.clock()),
            answer=lambda _: JSONResponse({"data": {"deleted": True}}),
            limited=lambda: self._limited(account),
            broken=lambda status: problem(status, "Service Unavailable", "Service Unavailable"),
        )


def _duplicate() -> Response:
    return problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
