"""What others do at the platform: post on an account behind our back, edit and remove posts, and set its limits."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from integrations.sandbox.platforms.house import House, Limit
from integrations.sandbox.platforms.ledger import StoredPost


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Rogue(_Strict):
    """`account`: its id; without one it is the first account of the sandbox."""

    account: str = ""
    text: str
    link: str | None = None


class _Edit(_Strict):
    text: str


class _Limit(_Strict):
    posts: Annotated[int, Field(ge=0, le=1_000_000)]
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0


def router(house: House) -> APIRouter:
    """`POST /_rogue`, `PATCH` and `DELETE /_posts/{id}`, `POST /_limit`. None of it asks for a token: a sandbox is a toy."""
    routes = APIRouter()

    @routes.post("/_rogue", status_code=201)
    async def post_behind_our_back(rogue: _Rogue) -> dict[str, str]:
        account = rogue.account or house.accounts[0].account_id
        post_id = house.new_post_id(account)
        post = StoredPost(post_id, account, rogue.text, rogue.link, "", b"", house.clock(), rogue=True)
        house.ledger.accept(post)
        return {"post_id": post_id}

    @routes.patch("/_posts/{post_id:path}")
    async def edit(post_id: str, change: _Edit) -> dict[str, str]:
        house.ledger.edit(_standing(house, post_id).post_id, change.text)
        return {"post_id": post_id}

    @routes.delete("/_posts/{post_id:path}")
    async def remove(post_id: str) -> dict[str, str]:
        house.ledger.delete(_standing(house, post_id).post_id, house.clock())
        return {"post_id": post_id}

    @routes.post("/_limit")
    async def set_limit(limit: _Limit) -> dict[str, Any]:
        house.limit = Limit(limit.posts, limit.seconds)
        return limit.model_dump()

    return routes


def _standing(house: House, post_id: str) -> StoredPost:
    post = house.standing(post_id)
    if post is None:
        raise HTTPException(404)
    return post
