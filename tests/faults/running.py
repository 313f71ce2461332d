"""The whole service as processes on ports of its own, and what is left on the record after its parts were killed."""

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psycopg
from psycopg.rows import dict_row

from core.domain.content import Source, Window
from core.domain.people import Person
from core.domain.prompts import PROMPTS
from core.domain.route import Answer
from core.records.audit import verify
from core.records.database import Database
from core.use_cases.deciding import decide
from core.use_cases.drafting import Saved, create_draft
from core.use_cases.submitting import submit
from countersign.demo.first_drafts import known_people
from countersign.demo.parts import Parts
from countersign.demo.run import seed
from countersign.demo.seeds import account_id
from countersign.embedded.ports import free_port
from integrations.sandbox.identity import PEOPLE
from integrations.sandbox.identity_tokens import Mint

CONFIRMED = frozenset(prompt.key for prompt in PROMPTS)
SETTLED = ("verified", "unknown")


class Running:
    """One service. Its parts are killed and started again through `parts`."""

    def __init__(self, state: Path) -> None:
        self.parts = Parts(state, port=free_port(), say=lambda _: None)
        self.people: Mapping[str, Person] = {}
        self.count = 0
        self._http = httpx2.Client(trust_env=False)

    async def start(self) -> None:
        self.parts.start()
        self.parts.wait_for_api()
        await seed(self.parts, drafts=False)
        database = self.database()
        self.people = await known_people(database, self.parts.issuer)
        await database.close()

    def database(self) -> Database:
        """The api's own login."""
        return Database(self.parts.login("countersign_api"), pool_size=4)

    async def authorised(self, count: int, *, due: datetime, platforms: tuple[str, ...] = ("x",)) -> list[UUID]:
        """So many drafts, each with words of its own, authorised by two people."""
        database = self.database()
        try:
            return [await self._authorised(database, due, platforms) for _ in range(count)]
        finally:
            await database.close()

    async def _authorised(self, database: Database, due: datetime, platforms: tuple[str, ...]) -> UUID:
        saved = await self.submitted(database, due, platforms)
        for step, who in enumerate(("ade", "priya"), start=1):
            await self.decided(database, saved, step, who)
        return saved.draft_id

    async def submitted(self, database: Database, due: datetime, platforms: tuple[str, ...] = ("x",)) -> Saved:
        self.count += 1
        now = datetime.now(UTC)
        source = Source(
            purpose="A fault test",
            text=f"Post number {self.count} of the fault tests.",
            overrides={},
            link=None,
            images=(),
            window=Window(now - timedelta(minutes=1), now + timedelta(hours=2)),
            account_ids=tuple(str(account_id(platform)) for platform in platforms),
        )
        async with database.transaction() as session:
            saved = await create_draft(session, by=self.people["olivia"], source=source, publish_at=due)
        async with database.transaction() as session:
            await submit(session, by=self.people["olivia"], draft_id=saved.draft_id, digest=saved.digest)
        return saved

    async def decided(self, database: Database, saved: Saved, step: int, who: str) -> None:
        async with database.transaction() as session:
            await decide(
                session,
                by=self.people[who],
                authenticated_at=datetime.now(UTC),
                draft_id=saved.draft_id,
                step=step,
                digest=saved.digest,
                answer=Answer.AUTHORISE,
                confirmed=CONFIRMED,
            )

    def token(self, who: str) -> str:
        """An access token of the demo's provider for one of its people, signed in just now."""
        mint = Mint(self.parts.issuer, self.parts.state / "secrets" / "identity.json", time.time)
        person = PEOPLE[who]
        claims = {"roles": list(person.roles), "auth_time": int(time.time()), "name": person.name, "email": person.email}
        return mint.access_token(who, "countersign", claims)

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.parts.login("countersign_api"), row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def publications(self) -> list[dict[str, Any]]:
        """Each with the number of posts that stand for it on its sandbox's ledger."""
        posts = {platform: self.texts(platform) for platform in ("x", "facebook", "linkedin")}
        found = self.rows(
            "SELECT p.id, p.draft_id, p.state, p.note, p.post_id, p.publish_at, a.platform, v.source ->> 'text' AS text, "
            "(SELECT count(*) FROM attempt t WHERE t.publication_id = p.id) AS attempts, "
            "(SELECT array_agg(after ORDER BY number) FROM transition t WHERE t.publication_id = p.id) AS moves "
            "FROM publication p JOIN account a ON a.id = p.account_id "
            "JOIN version v ON v.draft_id = p.draft_id ORDER BY p.created_at"
        )
        return [{**row, "posts": posts[row["platform"]].count(row["text"])} for row in found]

    def texts(self, platform: str) -> list[str]:
        """What the platform's ledger accepted, whatever we believe."""
        answer = self._http.get(f"{self.parts.addresses.url(platform)}/_ledger")
        return [post["text"] for post in answer.json()["posts"]]

    def settled(self, drafts: int, *, seconds: float) -> list[dict[str, Any]]:
        """Wait until so many drafts' publications all came to an end, the known or the unknown that was looked for."""
        deadline = time.monotonic() + seconds
        while True:
            rows = self.rows(
                "SELECT p.draft_id, p.state, p.state <> 'unknown' OR EXISTS "
                "(SELECT 1 FROM look_up l WHERE l.publication_id = p.id) AS looked_for FROM publication p"
            )
            over = all(row["state"] in SETTLED and row["looked_for"] for row in rows)
            if len({row["draft_id"] for row in rows}) == drafts and over:
                return self.publications()
            if time.monotonic() > deadline:
                waiting = [row for row in self.publications() if row["state"] not in SETTLED]
                raise AssertionError(f"{len(rows)} publications of {drafts} drafts; still waiting: {waiting}")
            time.sleep(0.3)

    def worker_dies(self, *, seconds: float = 40.0) -> str:
        """Wait for the worker's death at its named point; returns the publication it died with."""
        worker = self.parts.children["worker"]
        deadline = time.monotonic() + seconds
        while worker.alive:
            assert time.monotonic() < deadline, "the worker reached no point to die at"
            time.sleep(0.05)
        worker.kill()
        return self.stopped_with()

    def stopped_with(self) -> str:
        """The publication that the worker stopped with last, by its own log."""
        found: list[str] = re.findall(r"stopping at \w+ with (\S+)", self.parts.children["worker"].log.read_text())
        return found[-1]

    async def claimed(self, drafts: list[UUID], *, seconds: float = 20.0) -> None:
        """Wait until every publication of these drafts waits at the gate."""
        deadline = time.monotonic() + seconds
        query = "SELECT state FROM publication WHERE draft_id = ANY(%(drafts)s)"
        while [row["state"] for row in self.rows(query, drafts=drafts)] != ["claimed"] * len(drafts):
            assert time.monotonic() < deadline, self.rows(query, drafts=drafts)
            await asyncio.sleep(0.1)

    async def chains_hold(self) -> bool:
        database = self.database()
        try:
            async with database.transaction() as session:
                report = await verify(session)
            return report.events > 0 and report.faults == ()
        finally:
            await database.close()


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def never_twice(found: list[dict[str, Any]]) -> None:
    """What holds after every fault: one post at most, none lost, and whatever is not known is said to be so."""
    for row in found:
        allowed = {"verified": (1,), "unknown": (0, 1)}[row["state"]]
        assert row["posts"] in allowed, row
        assert row["attempts"] >= row["posts"], row
