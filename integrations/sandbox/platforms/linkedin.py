"""LinkedIn organisation pages as a server: posts and images as the Community Management API has them, little text included."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredPost
from integrations.sandbox.platforms.lies import tell
from integrations.sandbox.platforms.linkedin_media import LinkedInMedia
from integrations.sandbox.platforms.linkedin_words import error, full, organisation_of, owner, public_text, refusal


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


class _Reshare(_Strict):
    parent: Annotated[str, Field(pattern=r"^urn:li:(share|ugcPost):")]


class _NewPost(_Strict):
    author: str
    commentary: str
    visibility: Literal["PUBLIC"]
    distribution: _Distribution
    content: _Content | None = None
    lifecycleState: Literal["PUBLISHED"]
    isReshareDisabledByAuthor: bool
    reshareContext: _Reshare | None = None

    def target(self) -> tuple[str, str] | None:
        return ("quote" if self.commentary else "repost", self.reshareContext.parent) if self.reshareContext else None

    def images(self) -> list[_Image]:
        if self.content and self.content.media:
            return [self.content.media]
        return self.content.multiImage.images if self.content and self.content.multiImage else []


class LinkedInServer:
    def __init__(self, house: House) -> None:
        self.house = house
        house.name_post = lambda organisation: f"urn:li:share:{house.new_id()}"

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/rest/posts", self.create, methods=["POST"])
        api.add_api_route("/rest/posts", self.timeline, methods=["GET"])
        api.add_api_route("/rest/posts/{urn}", self.read, methods=["GET"])
        api.add_api_route("/rest/posts/{urn}", self.delete, methods=["DELETE"])
        api.include_router(LinkedInMedia(self.house).routes())
        return api

    async def create(self, request: Request) -> Response:
        body = await request.body()
        refused = refusal(request, self.house)
        if refused:
            return refused
        try:
            new = _NewPost.model_validate_json(body)
        except ValidationError as bad:
            where = "/".join(str(part) for part in bad.errors()[0]["loc"])
            return error(422, "UNPROCESSABLE_ENTITY", f"ERROR :: /{where} :: unrecognized or missing field")
        account = self.house.caller(request, organisation_of(new.author))
        if account is None or new.author != owner(account):
            return error(403, "ACCESS_DENIED", "Not enough permissions to access: partnerApiPostsExternal.CREATE")
        shown = [self.house.uploaded(account, image.id, image.altText) for image in new.images()]
        images = tuple(image for image in shown if image)
        refused = self._invalid(account, new, all_there=len(images) == len(shown))
        if refused:
            return refused

        def accept(truncated: bool) -> StoredPost:
            text = public_text(new.commentary)
            text = text[: len(text) // 2] if truncated else text
            post_id = self.house.new_post_id(account.account_id)
            return self.house.take(request, account, body, post_id=post_id, text=text, images=images, target=new.target())

        return await tell(
            request,
            self.house.lies.about_post(),
            accept=accept,
            answer=lambda post: Response(status_code=201, headers={"x-restli-id": post.post_id}),
            limited=_too_many,
            falsely_limited=_too_many,
            broken=_broken,
            duplicate=lambda: _duplicate(self.house.new_post_id(account.account_id)),
        )

    def _invalid(self, account: SandboxAccount, new: _NewPost, *, all_there: bool) -> Response | None:
        if not all_there:
            return error(400, "INVALID_CONTENT", "One or more images are not available")
        target = new.target()
        if target and self.house.standing(target[1]) is None:
            return error(400, "INVALID_CONTENT", f"Could not find parent {target[1]}")
        if not new.commentary and not new.images() and not target:
            return error(422, "UNPROCESSABLE_ENTITY", "ERROR :: /commentary :: a post needs commentary or content")
        twin = self.house.ledger.standing_twin(account.account_id, public_text(new.commentary))
        if self.house.refuse_duplicates and twin:
            return _duplicate(twin.post_id)
        return _too_many() if self.house.used_up(account) else None

    async def read(self, request: Request, urn: str) -> Response:
        refused = refusal(request, self.house)
        post = self.house.standing(urn)
        missing = error(404, "NOT_FOUND", f"Could not find entity {urn}")
        return refused or (JSONResponse(full(post)) if post else missing)

    async def timeline(self, request: Request) -> Response:
        asked = request.query_params
        account_id = organisation_of(asked.get("author", ""))
        refused = refusal(request, self.house, account_id)
        if refused:
            return refused
        if request.headers.get("x-restli-method") != "FINDER" or asked.get("q") != "author":
            return error(400, "ILLEGAL_ARGUMENT", "Expected the author finder")
        start, count = int(asked.get("start", "0")), int(asked.get("count", "10"))
        if not 1 <= count <= 100:
            return error(400, "ILLEGAL_ARGUMENT", "count must be between 1 and 100")
        posts = self.house.listed(account_id)
        paging = {"start": start, "count": count, "total": len(posts), "links": []}
        return JSONResponse({"elements": [full(post) for post in posts[start : start + count]], "paging": paging})

    async def delete(self, request: Request, urn: str) -> Response:
        post = self.house.standing(urn)
        refused = refusal(request, self.house, post.account if post else "")
        if refused:
            return refused
        account = self.house.caller(request, post.account if post else "")
        if post is None or account is None or post.account != account.account_id:
            return error(404, "NOT_FOUND", f"Could not find entity {urn}")
        return await tell(
            request,
            self.house.lies.about_removal(),
            accept=lambda _: self.house.ledger.delete(urn, self.house.clock()),
            answer=lambda _: Response(status_code=204),
            limited=_too_many,
            falsely_limited=_too_many,
            broken=_broken,
        )


def _too_many() -> Response:
    return error(429, "TOO_MANY_REQUESTS", "Resource level throttle limit for calls to this resource is reached.")


def _broken(status: int) -> Response:
    return error(status, "INTERNAL_SERVER_ERROR", "Internal Server Error")


def _duplicate(urn: str) -> Response:
    return error(422, "DUPLICATE_POST", f"Content is a duplicate of {urn}")
