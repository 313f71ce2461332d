"""Sessions: what the store holds, when they end, what two requests at once may not undo, how little is written."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI, Request

from core.domain.identity import ProviderUnreachable, SignedIn, SignInRefused, StoredSession
from web.sealing import Tokens, seal, unseal
from web.session import session_of, stash, unstash
from web.sessions import IDLE, TOO_LONG, MemoryStore, ServerSessions

pytestmark = pytest.mark.anyio

PERSON = UUID("00000000-0000-4000-8000-000000000001")
OTHER = UUID("00000000-0000-4000-8000-000000000002")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def who(*roles: str, renewal: str = "refresh-canary", subject: str = "olivia") -> SignedIn:
    return SignedIn(
        issuer="https://id.example",
        subject=subject,
        name="Olivia Okafor",
        email=None,
        roles=frozenset(roles or {"officer"}),
        auth_time=START,
        id_token="id-canary",
        refresh_token=renewal,
        expires_at=START,
    )


class CountingStore(MemoryStore):
    """Counts writes, and can let another request write in between."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []
        self.meanwhile: list[StoredSession] = []

    async def create(self, row: StoredSession) -> None:
        self.writes.append("create")
        await super().create(row)

    async def touch(self, id_hash: bytes, seen_at: datetime) -> None:
        self.writes.append("touch")
        await super().touch(id_hash, seen_at)

    async def replace(self, row: StoredSession, *, was: int) -> bool:
        self.writes.append("replace")
        if self.meanwhile:
            self.rows[row.id_hash] = self.meanwhile.pop()
        return await super().replace(row, was=was)


class House:
    """An application behind the middleware, its clock, its store, and what the provider will say."""

    def __init__(self) -> None:
        self.now = START
        self.store = CountingStore()
        self.asked: list[str] = []
        self.says: SignedIn | SignInRefused = who("auditor", renewal="next-refresh")
        self.app = FastAPI()
        self._pages()
        self.app.add_middleware(ServerSessions, store=self.store, reread=self.reread, secure=True, now=lambda: self.now)
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="https://countersign.example")

    async def reread(self, refresh_token: str, auth_time: datetime) -> SignedIn:
        self.asked.append(refresh_token)
        if isinstance(self.says, SignInRefused):
            raise self.says
        return self.says

    def _pages(self) -> None:
        @self.app.get("/")
        def read(request: Request) -> dict[str, object]:
            session = session_of(request)
            return {"in": session.signed_in, "roles": sorted(session.roles), "bag": dict(session)}

        @self.app.post("/in")
        def enter(request: Request, person: UUID = PERSON) -> None:
            session_of(request).sign_in(person, who(), self.now)

        @self.app.post("/out")
        def leave(request: Request) -> str | None:
            return session_of(request).sign_out()

        @self.app.post("/put")
        def put(request: Request, key: str, value: str) -> None:
            session_of(request)[key] = value

        @self.app.post("/stash")
        def keep(request: Request) -> None:
            stash(request, "form", {"text": "typed"})

        @self.app.post("/unstash")
        def take(request: Request) -> dict[str, str] | None:
            return unstash(request, "form")

        @self.app.get("/api/x")
        def api(request: Request) -> bool:
            return "session" in request.scope

    async def read(self) -> dict[str, object]:
        answer: dict[str, object] = (await self.client.get("/")).json()
        return answer

    @property
    def row(self) -> StoredSession:
        [row] = self.store.rows.values()
        return row


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.client:
        yield house


async def test_a_public_page_makes_no_session_and_no_cookie(house: House) -> None:
    answer = await house.client.get("/")
    assert "set-cookie" not in answer.headers
    assert house.store.writes == []


async def test_the_cookie_is_a_host_cookie_and_the_store_holds_only_its_hash(house: House) -> None:
    answer = await house.client.post("/in")
    name, _, rest = answer.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert name == "__Host-countersign"
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    assert len(base64.urlsafe_b64decode(value + "=")) == 32
    assert list(house.store.rows) == [hashlib.sha256(value.encode()).digest()]
    assert value not in str(house.row.data)


async def test_the_providers_tokens_are_of_no_use_to_whoever_reads_the_store(house: House) -> None:
    await house.client.post("/in")
    stored = str(house.row.data)
    assert "canary" not in stored
    assert base64.b64encode(b"refresh-canary").decode()[:12] not in stored
    assert (await house.client.post("/out")).json() == "id-canary"
    sealed = seal(Tokens("r", "i"), cookie="a", id_hash=b"1")
    assert unseal(sealed, cookie="a", id_hash=b"1") == Tokens("r", "i")
    assert unseal(sealed, cookie="b", id_hash=b"1") is None
    assert unseal(sealed, cookie="a", id_hash=b"2") is None
    assert unseal("rubbish!", cookie="a", id_hash=b"1") is None


async def test_reading_pages_writes_at_most_once_a_minute(house: House) -> None:
    await house.client.post("/in")
    for _ in range(13):
        house.now += timedelta(seconds=10)
        await house.read()
    assert house.store.writes == ["create", "touch", "touch"]


async def test_half_an_hour_of_silence_ends_a_session(house: House) -> None:
    await house.client.post("/in")
    house.now += timedelta(minutes=29, seconds=59)
    assert (await house.read())["in"]
    house.now += timedelta(minutes=30)
    assert await house.read() == {"in": False, "roles": [], "bag": {"ended": IDLE}}
    assert house.row.person_id is None


async def test_twelve_hours_end_a_session_however_busy(house: House) -> None:
    await house.client.post("/in")
    house.says = who()
    for _ in range(12 * 3 - 1):
        house.now += timedelta(minutes=20)
        assert (await house.read())["in"]
    house.now += timedelta(minutes=20)
    assert await house.read() == {"in": False, "roles": [], "bag": {"ended": TOO_LONG}}


async def test_signing_in_and_out_change_the_id_and_kill_the_old_one(house: House) -> None:
    await house.client.post("/put", params={"key": "k", "value": "v"})
    first = house.row.id_hash
    await house.client.post("/in")
    second = house.row.id_hash
    assert first != second
    assert (await house.read())["bag"] == {}
    answer = await house.client.post("/out")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert house.store.rows == {}


async def test_an_unknown_cookie_is_neither_adopted_nor_wiped(house: House) -> None:
    house.client.cookies.set("__Host-countersign", "B" * 43)
    answer = await house.client.get("/")
    assert "set-cookie" not in answer.headers
    await house.client.post("/put", params={"key": "k", "value": "v"})
    assert house.row.id_hash != hashlib.sha256(b"B" * 43).digest()


async def test_roles_are_read_again_after_fifteen_minutes_and_the_new_token_kept(house: House) -> None:
    await house.client.post("/in")
    house.now += timedelta(minutes=14, seconds=59)
    assert (await house.read())["roles"] == ["officer"]
    house.now += timedelta(seconds=1)
    assert (await house.read())["roles"] == ["auditor"]
    assert house.row.auth_time == START
    house.now += timedelta(minutes=15)
    await house.read()
    assert house.asked == ["refresh-canary", "next-refresh"]


@pytest.mark.parametrize("says", [SignInRefused(), who("officer", subject="somebody-else")])
async def test_a_refused_or_foreign_answer_ends_the_session(house: House, says: SignedIn | SignInRefused) -> None:
    await house.client.post("/in")
    house.now += timedelta(minutes=15)
    house.says = says
    assert not (await house.read())["in"]


async def test_an_unreachable_provider_is_asked_once_a_minute_and_forgiven_for_an_hour(house: House) -> None:
    await house.client.post("/in")
    house.says = ProviderUnreachable()
    house.now += timedelta(minutes=15)
    await house.read()
    house.now += timedelta(seconds=30)
    await house.read()
    assert len(house.asked) == 1
    for _ in range(2):
        house.now += timedelta(minutes=22)
        assert (await house.read())["in"]
    house.now += timedelta(seconds=30)
    assert not (await house.read())["in"]


async def test_of_two_requests_at_once_only_one_uses_the_refresh_token(house: House) -> None:
    await house.client.post("/in")
    house.now += timedelta(minutes=15)
    grant = house.row.data["grant"] | {"roles_asked_at": house.now.timestamp()}
    house.store.meanwhile = [replace(house.row, data=house.row.data | {"revision": 2, "grant": grant})]
    assert (await house.read())["roles"] == ["officer"]
    assert house.asked == []


async def test_a_page_that_saves_does_not_bring_back_roles_that_were_just_taken_away(house: House) -> None:
    await house.client.post("/in")
    grant = house.row.data["grant"] | {"roles": ["auditor"]}
    house.store.meanwhile = [replace(house.row, data={"revision": 2, "bag": {"theirs": "1"}, "grant": grant})]
    await house.client.post("/put", params={"key": "ours", "value": "2"})
    assert await house.read() == {"in": True, "roles": ["auditor"], "bag": {"ours": "2"}}


async def test_a_session_signed_out_meanwhile_does_not_come_back(house: House) -> None:
    await house.client.post("/in")
    cookie = house.client.cookies["__Host-countersign"]
    await house.client.post("/out")
    house.client.cookies.set("__Host-countersign", cookie)
    await house.client.post("/put", params={"key": "k", "value": "v"})
    assert all(row.person_id is None for row in house.store.rows.values())


async def test_what_was_typed_is_kept_for_the_same_person_once_and_for_nobody_else(house: House) -> None:
    await house.client.post("/in")
    await house.client.post("/stash")
    await house.client.post("/in")
    assert (await house.client.post("/unstash")).json() == {"text": "typed"}
    assert (await house.client.post("/unstash")).json() is None
    await house.client.post("/stash")
    await house.client.post("/in", params={"person": str(OTHER)})
    assert (await house.client.post("/unstash")).json() is None


async def test_the_api_has_no_session_whatever_cookie_comes(house: House) -> None:
    await house.client.post("/in")
    assert (await house.client.get("/api/x")).json() is False
