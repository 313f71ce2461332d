"""The worker in this process between a real database, a real Temporal and real sandbox platforms over HTTP."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from temporalio.client import Client
from temporalio.worker import Worker

from core.records.database import Database
from core.records.facts import AccountFacts
from countersign.keeping import Ways
from integrations.platforms.base import Platform
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.values import Access
from integrations.sandbox.platforms.house import SandboxAccount
from integrations.store import MediaStore
from tests.integrations.platforms.serving import Sandbox, sandbox
from tests.kit import Urls
from workflows.activities.means import Means
from workflows.activities.patience import Patience
from workflows.courier import Courier
from workflows.departures import Departures
from workflows.gate import Gate
from workflows.housekeeping import Housekeeper
from workflows.points import Reached, nobody_listens
from workflows.worker import build_worker

TOKEN = "token-canary-7f3a"
SHORT = Patience(
    looks=(0.3, 1.0, 2.0),
    naming=3.0,
    processing=3.0,
    release=2.0,
    evidence=1.5,
    removal=3.0,
    removal_limited=6.0,
    unread=0.5,
    again=0.4,
)
"""As the service waits for minutes, tests wait for seconds."""
HANDLE = "department"


@contextmanager
def sandboxes(folder: Path, *platforms: str, refuse_duplicates: bool = False) -> Iterator[dict[str, Sandbox]]:
    """Each platform's sandbox with the account that the kit's register names."""
    with contextlib.ExitStack() as stack:
        yield {
            platform: stack.enter_context(
                sandbox(
                    platform,
                    SandboxAccount(f"{platform}-1", HANDLE, "Department", TOKEN),
                    folder / platform,
                    refuse_duplicates=refuse_duplicates,
                )
            )
            for platform in platforms
        }


@dataclass
class Service:
    """What tests look at: rows as the administrator of the database sees them, and Temporal as anybody who reaches it."""

    urls: Urls
    client: Client
    means: Means
    courier: Courier
    workers: list[Worker] = field(default_factory=list)

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.urls.admin, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def change(self, statement: str, **values: Any) -> None:
        """What an administrator, or time, would have changed."""
        with psycopg.connect(self.urls.admin, autocommit=True) as connection:
            connection.execute(statement, values)

    def publications(self, draft_id: UUID) -> dict[str, dict[str, Any]]:
        found = self.rows(
            "SELECT p.*, a.platform FROM publication p JOIN account a ON a.id = p.account_id WHERE p.draft_id = %(draft)s "
            "ORDER BY p.created_at",
            draft=draft_id,
        )
        return {row["platform"]: row for row in found}

    def states(self, draft_id: UUID) -> dict[str, str]:
        return {platform: row["state"] for platform, row in self.publications(draft_id).items()}

    def moves(self, publication_id: UUID) -> list[str]:
        """Every state it went through, in order."""
        found = self.rows("SELECT after FROM transition WHERE publication_id = %(id)s ORDER BY number", id=publication_id)
        return [row["after"] for row in found]

    def attempts(self, publication_id: UUID) -> int:
        return len(self.rows("SELECT id FROM attempt WHERE publication_id = %(id)s", id=publication_id))

    async def until(self, draft_id: UUID, *states: str, seconds: float = 25.0, attempts: int = 0) -> dict[str, dict[str, Any]]:
        """Wait until the draft has publications and all are in one of these states, after so many attempts each."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.publications(draft_id)
            if found and all(row["state"] in states and self.attempts(row["id"]) >= attempts for row in found.values()):
                return found
            if time.monotonic() > deadline:
                seen = {platform: (row["state"], row["note"], self.moves(row["id"])) for platform, row in found.items()}
                raise AssertionError(f"After {seconds} s the draft's publications are {seen}, not {states}")
            await asyncio.sleep(0.05)

    async def rows_appear(self, query: str, count: int, *, seconds: float = 20.0, **values: Any) -> list[dict[str, Any]]:
        """Wait until the query gives so many rows."""
        deadline = time.monotonic() + seconds
        while len(found := self.rows(query, **values)) < count:
            assert time.monotonic() < deadline, f"{len(found)} rows of {count} after {seconds} s: {query}"
            await asyncio.sleep(0.1)
        return found

    async def told(self, seconds: float = 10.0) -> None:
        """Wait until every message is delivered and the workflows had a moment to act on it."""
        deadline = time.monotonic() + seconds
        while self.rows("SELECT 1 FROM outbox WHERE delivered_at IS NULL LIMIT 1"):
            assert time.monotonic() < deadline, "the outbox was not emptied"
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)


def means_for(
    database: Database,
    there: Mapping[str, Sandbox],
    media: Path,
    *,
    reached: Reached = nobody_listens,
    worker: str = "worker-1",
    platforms: Mapping[str, Platform] = PLATFORMS,
    token: str = TOKEN,
    patience: Patience | None = None,
    ways: Ways | None = None,
) -> Means:
    """`ways`: the real way in, with tokens from the database; else every account opens with `token`."""

    async def access_for(account: AccountFacts) -> Access:
        url = there[account.platform].url if account.platform in there else ""
        return Access(account.platform_account_id, account.handle, token, url, public_url=url)

    return Means(
        database=database,
        store=MediaStore.at(str(media)),
        platforms=platforms,
        access_for=ways.access_for if ways else access_for,
        renew=ways.renew if ways else None,
        gate=Gate(database),
        departures=Departures(database),
        worker=worker,
        reached=reached,
        patience=patience or Patience(),
    )


@asynccontextmanager
async def running_service(
    urls: Urls, client: Client, there: Mapping[str, Sandbox], media: Path, *, workers: int = 1, **options: Any
) -> AsyncIterator[Service]:
    """`workers` of them, each with its gate's keeper and its courier, as the worker process runs them."""
    databases = [Database(urls.worker, pool_size=10) for _ in range(workers)]
    every = [means_for(database, there, media, worker=f"worker-{n}", **options) for n, database in enumerate(databases, 1)]
    couriers = [Courier(means.database, client) for means in every]
    keepers = [Housekeeper(means.database, worker=means.worker) for means in every]
    service = Service(urls, client, every[0], couriers[0])
    async with contextlib.AsyncExitStack() as stack:
        for database in databases:
            stack.push_async_callback(database.close)
        beside = [asyncio.create_task(means.gate.keep()) for means in every]
        beside += [asyncio.create_task(courier.run()) for courier in couriers]
        for keeper in keepers:
            keeper.client = client
            beside.append(asyncio.create_task(keeper.run()))
        stack.push_async_callback(_ended, beside)
        for number, means in enumerate(every):
            # One client serves one worker of a task queue.
            own = await Client.connect(client.service_client.config.target_host) if number else client
            service.workers.append(await stack.enter_async_context(build_worker(own, means)))
            stack.callback(means.gate.close)
        yield service


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
