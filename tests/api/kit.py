"""The API over a real database, with tokens that are names of people."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from fastapi import FastAPI
from PIL import Image
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import Mount

from api.app import build
from core.domain.identity import Caller, TokenRefused
from core.domain.people import Person
from core.domain.prompts import PROMPTS
from core.use_cases.connecting import Consent
from core.use_cases.media import Uploaded, read_image, upload_image
from integrations.store import MediaStore
from tests.api.conformity import BASE, Description
from tests.kit import ACCOUNTS, in_minutes

CONTENT_TYPE = "application/problem+json"
CALLBACK = "https://service.test/accounts/connect/callback"


@dataclass
class KnownTokens:
    """A verifier that knows a few tokens by heart."""

    callers: dict[str, Caller] = field(default_factory=dict)

    async def verify(self, token: str) -> Caller:
        if token not in self.callers:
            raise TokenRefused()
        return self.callers[token]

    def of(self, person: Person, *, auth_time: datetime | None = None, client: bool = False) -> dict[str, str]:
        """Headers of a request by this person, who has just signed in unless said otherwise."""
        token = hashlib.sha256(f"{person.id}{auth_time}{client}".encode()).hexdigest()
        self.callers[token] = Caller(
            issuer=person.issuer,
            subject=person.subject,
            name=person.name,
            roles=person.roles,
            client=client,
            scope=frozenset(),
            auth_time=None if client else auth_time or datetime.now(UTC),
        )
        return {"Authorization": f"Bearer {token}"}


def application(database: Any, tokens: KnownTokens, folder: Path) -> FastAPI:
    store = MediaStore.at(str(folder))

    async def upload(*, by: Person, raw: bytes) -> Uploaded:
        return await upload_image(database, store, by=by, raw=raw)

    async def read(*, by: Person, sha256: str) -> tuple[bytes, str]:
        return await read_image(database, store, by=by, sha256=sha256)

    return build(
        database=database,
        upload_image=upload,
        read_image=read,
        tokens=tokens,
        platforms=tuple(ACCOUNTS),
        consent=Consent(CALLBACK),
        unavailable=(OperationalError,),
    )


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application as it is mounted; every answer is held against the description."""
    transport = httpx2.ASGITransport(app=Starlette(routes=[Mount(BASE, app)]), raise_app_exceptions=False)
    hooks: dict[str, list[Any]] = {"response": [Description(app).check]}
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://service.test{BASE}", event_hooks=hooks) as client:
        yield client


class Unreachable:
    """A database that is down."""

    def transaction(self) -> Any:
        raise OperationalError("SELECT 1", {}, ConnectionRefusedError("password of countersign_api"))


class NeverAsked:
    """A database that no refused request may reach."""

    def transaction(self) -> Any:
        raise AssertionError("the database was asked")


def content(**changes: Any) -> dict[str, Any]:
    """What an officer's program might send."""
    now = datetime.now(UTC)
    sent = {
        "purpose": "Pension Credit week",
        "text": "Check if you can get Pension Credit.",
        "accounts": [str(ACCOUNTS["x"])],
        "window_start": (now - timedelta(minutes=5)).isoformat(),
        "window_end": (now + timedelta(days=2)).isoformat(),
        "publish_at": in_minutes(60).isoformat(),
    }
    return {**sent, **changes}


def authorisation(digest: str, *, step: int, **changes: Any) -> dict[str, Any]:
    sent = {"step": step, "digest": digest, "answer": "authorise", "confirmed": [prompt.key for prompt in PROMPTS]}
    return {**sent, **changes}


def picture(colour: str = "navy") -> bytes:
    """A small PNG. Another colour is another image."""
    made = BytesIO()
    Image.new("RGB", (40, 30), colour).save(made, "PNG")
    return made.getvalue()


def stranger() -> Person:
    return Person(UUID(int=1), "https://identity.test", "stranger", "Norah Vale", frozenset({"officer"}))
