"""What every sandbox server that gives out tokens has: their store, their lives, and what it answers to dead ones."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from integrations.sandbox.platforms.authorisation.store import Grant, TokenStore
from integrations.sandbox.platforms.house import House


class TokenServer(ABC):
    """`lives` overrides how many seconds new tokens of a kind live (a switch)."""

    def __init__(self, house: House, tokens: TokenStore) -> None:
        self.house = house
        self.tokens = tokens
        self.lives: dict[str, float] = {}

    @abstractmethod
    def routes(self) -> APIRouter:
        """Everything that goes before the API."""

    @abstractmethod
    def dead(self, grant: Grant) -> Response:
        """What the API answers to a token that expired or was revoked."""

    def issue(self, grant: Grant, kind: str, seconds: int | None) -> str:
        return self.tokens.issue(replace(grant, kind=kind, challenge="", redirect_uri="", ends_at=self.ends(kind, seconds)))

    def life(self, kind: str, seconds: int | None) -> float | None:
        return self.lives.get(kind, seconds)

    def ends(self, kind: str, seconds: int | None) -> datetime | None:
        life = self.life(kind, seconds)
        return None if life is None else self.house.clock() + timedelta(seconds=life)

    def bearer(self, request: Request, *kinds: str) -> Grant | None:
        """What the request's token is good for, if it is alive and of one of these kinds."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self.tokens.find(token, *kinds) if scheme.lower() == "bearer" else None
        return grant if grant and grant.live(self.house.clock()) else None
