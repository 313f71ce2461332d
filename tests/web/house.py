"""The pages over a real database, with people signed in by a session row rather than through a provider."""

import hashlib
import io
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
from fastapi import FastAPI
from PIL import Image
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.identity import SignedIn
from core.domain.people import Person
from core.records.database import Database
from core.use_cases.connecting import Consent
from core.use_cases.media import read_image, upload_image
from integrations.platforms.registry import PLATFORMS
from integrations.store import MediaStore
from tests.web.html_lint import lint
from web.app import SignIn, build
from web.desk import Desk
from web.session import Session
from web.sessions import MemoryStore
from web.sign_in import CONSENT_CALLBACK
from web.templates import Pages

BASE = "http://127.0.0.1"


class NobodyProvider:
    """Stands where the identity provider stands; these tests sign nobody in through it."""

    async def authorize_redirect(self, request: Request, *, step_up: bool = False) -> Response:
        return RedirectResponse("https://identity.test/authorize", 302)

    async def exchange(self, request: Request) -> SignedIn:
        raise NotImplementedError

    async def logout_url(self, id_token: str | None) -> str | None:
        return None


async def _never(refresh_token: str, auth_time: datetime) -> SignedIn:
    raise NotImplementedError


class House:
    """`app` and doors into it; each `client` is one person's browser without scripts."""

    def __init__(self, database: Database, store: MediaStore) -> None:
        self.sessions = MemoryStore()
        self.desk = Desk(
            database=database,
            upload_image=partial(upload_image, database, store),
            read_image=partial(read_image, database, store),
            pages=Pages(version="test", sandbox=True),
            now=lambda: datetime.now(UTC),
            public_url=BASE,
            limits={name: platform.limit for name, platform in PLATFORMS.items()},
            consent=Consent(f"{BASE}{CONSENT_CALLBACK}", client_ids={"x": "client-x", "facebook": "client-f"}),
            sandbox=True,
        )
        self.app: FastAPI = build(
            desk=self.desk,
            sign_in=SignIn(NobodyProvider(), self.sessions, _never),
            https=False,
            form_origins=(),
            unavailable=(OperationalError,),
        )

    async def cookie(self, person: Person, *, signed_in_ago: timedelta = timedelta()) -> str:
        """The cookie of a session in which this person signed in that long ago."""
        now = datetime.now(UTC)
        who = SignedIn(person.issuer, person.subject, person.name, None, person.roles, now - signed_in_ago, "id", "refresh", now)
        session = Session()
        session.sign_in(person.id, who, now)
        cookie = secrets.token_urlsafe(32)
        await self.sessions.create(session.to_row(hashlib.sha256(cookie.encode()).digest(), cookie, now))
        return cookie

    def browser(self, cookie: str | None = None) -> httpx2.AsyncClient:
        """A client that follows no redirect by itself."""
        cookies = {"countersign": cookie} if cookie else {}
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url=BASE, cookies=cookies)

    async def browser_of(self, person: Person, **options: Any) -> httpx2.AsyncClient:
        return self.browser(await self.cookie(person, **options))


async def page(browser: httpx2.AsyncClient, path: str, status: int = 200) -> str:
    """The page at `path`, which must be free of faults."""
    response = await browser.get(path)
    assert response.status_code == status, (response.status_code, response.text[:2000])
    assert lint(response.text) == []
    return response.text


def picture(colour: str = "navy", size: tuple[int, int] = (1200, 675)) -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def typed(*accounts: str, **changes: str) -> dict[str, Any]:
    """A write form filled in well: it is to go out tomorrow."""
    day = datetime.now(UTC) + timedelta(days=1)
    date = {"day": str(day.day), "month": str(day.month), "year": str(day.year)}
    form: dict[str, Any] = {"purpose": "Pension Credit week", "text": "Check if you can get Pension Credit.", "link": ""}
    for prefix, time in (("window_start", "9am"), ("window_end", "5pm"), ("publish", "9:30am")):
        form |= {f"{prefix}-{part}": value for part, value in {**date, "time": time}.items()}
    return {**form, "accounts": list(accounts), **changes}
