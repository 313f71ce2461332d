"""The stage of a measurement: the demo's own parts in a folder of their own, and drafts made through the use-cases."""

import asyncio
import base64
import hashlib
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os import environ
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import psycopg
from temporalio.client import Client

from core.domain.content import Source, Window
from core.domain.people import Person
from core.domain.prompts import PROMPTS
from core.domain.route import Answer
from core.records.database import Database
from core.use_cases.deciding import decide
from core.use_cases.drafting import create_draft
from core.use_cases.submitting import submit
from countersign.demo.first_drafts import known_people
from countersign.demo.parts import Parts
from countersign.demo.seeds import account_id
from countersign.embedded.children import wait_until
from countersign.embedded.ports import free_port, port_taken
from countersign.embedded.trouble import EmbeddedTrouble

AT_ONCE = 8
EVERY_PROMPT = frozenset(prompt.key for prompt in PROMPTS)
T = TypeVar("T")


@dataclass(frozen=True)
class Waiting:
    """A submitted draft that waits for its first step."""

    draft_id: UUID
    submission_id: UUID
    digest: str


class Stage:
    """Running parts with the demo's people; the worker can be stopped and started."""

    def __init__(self, parts: Parts, database: Database, people: Mapping[str, Person]) -> None:
        self.parts, self.database, self.people = parts, database, people

    @classmethod
    async def on(cls, parts: Parts) -> "Stage":
        database = Database(parts.login("countersign_api"), pool_size=AT_ONCE)
        return cls(parts, database, await known_people(database, parts.issuer))

    async def submitted(self, count: int, *, publish_at: datetime | None = None, text: str = "Bench") -> list[Waiting]:
        """That many drafts for X, each submitted by the officer."""
        now = datetime.now(UTC)
        when = publish_at or now + timedelta(days=1)

        async def one(number: int) -> Waiting:
            source = Source(
                purpose="Bench",
                text=f"{text} {number}",
                overrides={},
                link=None,
                images=(),
                window=Window(now - timedelta(minutes=1), when + timedelta(hours=1)),
                account_ids=(str(account_id("x")),),
            )
            async with self.database.transaction() as session:
                saved = await create_draft(session, by=self.people["olivia"], source=source, publish_at=when)
            async with self.database.transaction() as session:
                made = await submit(session, by=self.people["olivia"], draft_id=saved.draft_id, digest=saved.digest)
            return Waiting(saved.draft_id, made, saved.digest)

        return await spread(one, range(count))

    async def authorised(self, drafts: Sequence[Waiting]) -> None:
        """Both steps, by the two people who hold them."""

        async def one(draft: Waiting) -> None:
            for step, who in ((1, "ade"), (2, "priya")):
                async with self.database.transaction() as session:
                    await decide(
                        session,
                        by=self.people[who],
                        authenticated_at=datetime.now(UTC),
                        draft_id=draft.draft_id,
                        step=step,
                        digest=draft.digest,
                        answer=Answer.AUTHORISE,
                        confirmed=EVERY_PROMPT,
                    )

        await spread(one, drafts)

    def grant_of(self, subject: str) -> UUID:
        """The register's grant of this person."""
        with psycopg.connect(self.parts.login("countersign_api")) as connection:
            row = connection.execute("SELECT id FROM authority WHERE person_id = %s", (self.people[subject].id,)).fetchone()
        if row is None:
            raise EmbeddedTrouble(f"The demo's register holds no authority for {subject}.")
        found: UUID = row[0]
        return found

    def serve_beside(self, name: str, module: str, environment: Mapping[str, str]) -> str:
        """A bare server of the measurement as one more child; its address once it listens."""
        port = free_port()
        command = [sys.executable, "-m", module, "--port", str(port)]
        child = self.parts.children.start(name, command, environment={**environ, **environment})
        if not wait_until(lambda: port_taken("127.0.0.1", port), child, 30):
            raise EmbeddedTrouble(f"The {name} did not start; see {child.log}.")
        return f"http://127.0.0.1:{port}"

    def work_beside(self) -> None:
        """The bare engine's worker as one more child."""
        where = {"SANDBOX_URL": self.parts.addresses.url("x"), "SANDBOX_TOKEN": self.parts.secrets.tokens["x"]}
        command = [sys.executable, "-m", "countersign.bench.engine", "--address", self.parts.temporal.address]
        self.parts.children.start("bare engine", command, environment={**environ, **where})

    async def engine(self) -> Client:
        return await Client.connect(self.parts.temporal.address)

    def token(self, subject: str) -> str:
        """An access token as this person's own client would get it: the code flow with PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        back = f"{self.parts.base_url}/auth/callback"
        asked = {"client_id": "countersign", "redirect_uri": back, "response_type": "code", "scope": "openid", "nonce": verifier}
        pkce = {"code_challenge": challenge, "code_challenge_method": "S256", "state": "bench"}
        with httpx2.Client(base_url=self.parts.issuer, trust_env=False) as client:
            chosen = client.post("/authorize", data={**asked, **pkce, "sub": subject})
            code = parse_qs(urlsplit(chosen.headers["location"]).query)["code"][0]
            given = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
            answer = client.post("/token", data=given, auth=("countersign", self.parts.secrets.web_client))
        return str(answer.raise_for_status().json()["access_token"])

    def stop_worker(self) -> None:
        self.parts.children["worker"].stop(grace=30)


async def spread(act: Callable[..., Awaitable[T]], items: Sequence[object]) -> list[T]:
    """`act` on each, a few at a time; results in order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: object) -> T:
        async with slots:
            return await act(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
