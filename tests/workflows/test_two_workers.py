"""Two publishers at once send once: a peer sends twice."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.client import Client

from core.records.database import Database
from core.records.upkeep import end_leases
from tests.integrations.platforms.serving import Sandbox
from tests.kit import ACCOUNTS, Urls, authorised, in_minutes, new_cast
from tests.workflows.acts import authorised_soon, chains_hold, in_seconds, re_timed_soon
from tests.workflows.service import means_for, running_service
from workflows.activities.draft import DraftActivities
from workflows.activities.sending import Sending

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_two_publishers_at_once_send_once(database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path) -> None:
    """Ten publications, each published by two workers at the same instant, with no Temporal to keep them apart."""
    cast = await new_cast(database, urls)
    workers = [Database(urls.worker, pool_size=12) for _ in range(2)]
    means = [means_for(worker, x, tmp_path / "media", worker=f"worker-{n}") for n, worker in enumerate(workers)]
    keepers = [asyncio.create_task(one.gate.keep()) for one in means]
    drafts = [await authorised(database, cast, publish_at=in_minutes(1), text=f"Post number {n}.") for n in range(10)]
    for saved in drafts:
        await re_timed_soon(database, cast.officer, saved.draft_id, 1)
        await DraftActivities(workers[0]).carry_on(str(saved.draft_id))
    async with workers[0].transaction() as session:
        ids = (await session.execute(text("SELECT id FROM publication"))).scalars().all()
    assert len(ids) == 10
    answers = await asyncio.gather(*(Sending(one, id_).run() for id_ in ids for one in means))
    for task in keepers:
        task.cancel()
    for worker in workers:
        await worker.close()
    assert sorted(answers) == ["accepted"] * 10 + ["not claimed"] * 10
    assert sorted(post["text"] for post in x["x"].posts()) == sorted(f"Post number {n}." for n in range(10))


async def test_a_worker_whose_claim_was_taken_over_is_fenced_off(
    database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """Its lease ran out while it slept: the newer claim sends, the older one never."""
    cast = await new_cast(database, urls)
    worker = Database(urls.worker, pool_size=12)
    sleeping, awake = (means_for(worker, x, tmp_path / "media", worker=name) for name in ("sleeping", "awake"))
    saved = await authorised_soon(database, cast, 3)
    await DraftActivities(worker).carry_on(str(saved.draft_id))
    async with worker.transaction() as session:
        id_ = (await session.execute(text("SELECT id FROM publication"))).scalar_one()
    old = asyncio.create_task(Sending(sleeping, id_).run())
    await asyncio.sleep(0.5)
    async with worker.transaction() as session:
        await session.execute(text("UPDATE publication SET lease_until = clock_timestamp() - interval '1 second'"))
        await end_leases(session)
    new = asyncio.create_task(Sending(awake, id_).run())
    assert await new == "accepted"
    assert await old in ("fenced", "let go")
    await worker.close()
    assert len(x["x"].posts()) == 1


@pytest.mark.temporal
async def test_two_workers_share_the_work_and_send_everything_once(
    database: Database, urls: Urls, client: Client, all_three: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, all_three, tmp_path / "media", workers=2) as service:
        due = in_seconds(8)
        drafts = [
            await authorised(
                database, cast, publish_at=due, text=f"Post {n}.", account_ids=tuple(str(a) for a in ACCOUNTS.values())
            )
            for n in range(4)
        ]
        for saved in drafts:
            for row in (await service.until(saved.draft_id, "verified")).values():
                assert service.attempts(row["id"]) == 1
    assert [len(there.posts()) for there in all_three.values()] == [4, 4, 4]
    assert await chains_hold(database)
