"""`/_tokens`: what a test or a demonstration may do to tokens, and see of them (never a token itself)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from integrations.sandbox.platforms.authorisation.tokens import TokenServer

_ACCESS_KINDS = ("access", "long", "page")


class Switch(BaseModel):
    """`expires_in`, `refresh_expires_in`, `code_expires_in`: how many seconds new ones live. `now`: what befalls the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expires_in: Annotated[float, Field(gt=0)] | None = None
    refresh_expires_in: Annotated[float, Field(gt=0)] | None = None
    code_expires_in: Annotated[float, Field(gt=0)] | None = None
    now: Literal["expire", "revoke"] | None = None


def router(server: TokenServer) -> APIRouter:
    routes = APIRouter()

    @routes.post("/_tokens")
    async def switch(asked: Switch) -> dict[str, Any]:
        lives = {**dict.fromkeys(_ACCESS_KINDS, asked.expires_in), "refresh": asked.refresh_expires_in}
        lives["code"] = asked.code_expires_in
        server.lives |= {kind: seconds for kind, seconds in lives.items() if seconds is not None}
        if asked.now == "expire":
            server.tokens.expire(_ACCESS_KINDS, server.house.clock())
        elif asked.now == "revoke":
            server.tokens.revoke_everything(server.house.clock())
        return {"lives": server.lives}

    @routes.delete("/_tokens")
    async def as_before() -> dict[str, bool]:
        server.lives.clear()
        return {"cleared": True}

    @routes.get("/_tokens")
    async def tokens() -> list[dict[str, Any]]:
        now = server.house.clock()
        return [
            {
                "kind": grant.kind,
                "family": grant.family,
                "holder": grant.holder,
                "accounts": list(grant.accounts),
                "ends_at": grant.ends_at.isoformat() if grant.ends_at else None,
                "used": grant.used_at is not None,
                "live": grant.live(now),
            }
            for grant in server.tokens.all()
        ]

    return routes
