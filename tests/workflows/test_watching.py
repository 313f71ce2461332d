"""The watch over a real sandbox: what the ledger does not explain is an alarm, once, and nothing else is."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.records.database import Database
from core.records.facts import AccountFacts
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.values import Access, NoAccess
from integrations.sandbox.platforms.house import SandboxAccount
from tests.core.publishing import AtTheGate, as_admin, at_the_gate, dispatched
from tests.integrations.platforms.serving import Sandbox, sandbox
from tests.kit import ACCOUNTS, Urls, new_cast
from tests.workflows.acts import chains_hold
from tests.workflows.service import TOKEN, means_for
from workflows.watching import Watcher

pytestmark = [pytest.mark.anyio, pytest.mark.database]
X = ACCOUNTS["x"]
WORDS = "Check if you can get Pension Credit."


def alarms(urls: Urls) -> list[tuple[str, str | None]]:
    return [(row["kind"], row["post_id"]) for row in as_admin(urls, "SELECT kind, post_id FROM alarm ORDER BY raised_at")]


async def until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not so():
        assert time.monotonic() < deadline, "it did not happen within ten seconds"
        await asyncio.sleep(0.05)


@pytest.fixture
def urls(urls: Urls) -> Urls:
    """Only the X account is there to be watched."""
    as_admin(urls, "UPDATE account SET status = 'disconnected' WHERE platform <> 'x'")
    return urls


@pytest.fixture
async def watcher(urls: Urls, x: dict[str, Sandbox], tmp_path: Path) -> AsyncIterator[Watcher]:
    database = Database(urls.worker, pool_size=5)
    means = means_for(database, x, tmp_path / "media")
    yield Watcher(database, PLATFORMS, means.access_for)
    await database.close()


async def look(urls: Urls, watcher: Watcher) -> None:
    """One reading, whenever the last one was."""
    as_admin(urls, "UPDATE account_watch SET next_at = now()")
    assert await watcher.watch_once() == 1


def change_record(urls: Urls, statement: str, *values: Any) -> None:
    """What time, or people at another page, would have done to rows that the database guards."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement, values)


async def sent(database: Database, worker_database: Database, urls: Urls) -> AtTheGate:
    """Dispatched five minutes ago; its answer is not on the record."""
    one = await at_the_gate(database, worker_database, urls, await new_cast(database, urls), text=WORDS)
    assert (await dispatched(worker_database, one)).result == "sending"
    change_record(urls, "UPDATE attempt SET dispatched_at = dispatched_at - interval '5 minutes'")
    return one


async def published(database: Database, worker_database: Database, urls: Urls, sandbox: Sandbox) -> tuple[AtTheGate, str]:
    """A verified post of ours that stands at the platform."""
    one, post_id = await sent(database, worker_database, urls), sandbox.rogue("x-1", WORDS)
    as_admin(urls, "UPDATE publication SET state = 'published', post_id = %s WHERE id = %s", post_id, one.id)
    as_admin(urls, "UPDATE publication SET state = 'verified' WHERE id = %s", one.id)
    return one, post_id


async def test_a_post_in_no_ledger_raises_one_alarm_with_its_words_and_what_stood_before_none(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, database: Database
) -> None:
    x["x"].rogue("x-1", "It stood before the account was connected.")
    assert await watcher.watch_once() == 1
    assert alarms(urls) == []
    post_id = x["x"].rogue("x-1", "Send us your savings at https://scam.example")
    for _ in range(2):
        await look(urls, watcher)
    assert alarms(urls) == [("rogue", post_id)]
    (row,) = as_admin(urls, "SELECT evidence, sentence FROM alarm")
    assert row["evidence"]["text"] == "Send us your savings at https://scam.example"
    assert post_id in row["evidence"]["permalink"]
    assert datetime.now(UTC) - datetime.fromisoformat(row["evidence"]["at"]) < timedelta(minutes=1)
    (event,) = as_admin(urls, "SELECT actor, body FROM audit_event WHERE action = 'alarm.rogue'")
    assert event["actor"] == "service"
    assert b"savings" not in bytes(event["body"]), "what it says is evidence, not the record's"
    assert await chains_hold(database)


# The ids that each platform gives its accounts, as the sandbox's are.
IDS = {"facebook": "facebook-1", "linkedin": "linkedin-1", "bluesky": "did:plc:w" + "2" * 23, "mastodon": "109347812345678901"}


@pytest.mark.parametrize("platform", IDS)
async def test_a_rogue_post_is_seen_on_every_platform(
    urls: Urls, worker_database: Database, tmp_path: Path, platform: str
) -> None:
    account = SandboxAccount(IDS[platform], "department", "Department", TOKEN)
    as_admin(
        urls,
        "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status) "
        "VALUES (gen_random_uuid(), %s, %s, 'department', 'Department', 'Press office', 'connected') "
        "ON CONFLICT DO NOTHING",
        platform,
        account.account_id,
    )
    as_admin(urls, "UPDATE account SET status = CASE WHEN platform = %s THEN 'connected' ELSE 'disconnected' END", platform)
    with sandbox(platform, account, tmp_path / platform) as there:
        watcher = Watcher(worker_database, PLATFORMS, means_for(worker_database, {platform: there}, tmp_path).access_for)
        there.rogue(account.account_id, "It stood before.")
        assert await watcher.watch_once() == 1
        post_id = there.rogue(account.account_id, "Not ours.")
        await look(urls, watcher)
    assert alarms(urls) == [("rogue", post_id)]
    assert as_admin(urls, "SELECT evidence ->> 'text' AS text FROM alarm") == [{"text": "Not ours."}]


async def test_what_is_posted_by_hand_has_nothing_to_watch(urls: Urls, x: dict[str, Sandbox], watcher: Watcher) -> None:
    as_admin(urls, "UPDATE account SET platform = 'manual' WHERE id = %s", X)
    assert await watcher.watch_once() == 0


async def test_the_running_watch_sees_a_rogue_post_at_its_interval(urls: Urls, x: dict[str, Sandbox], watcher: Watcher) -> None:
    as_admin(urls, "INSERT INTO account_watch (account_id, every_seconds) VALUES (%s, 1)", X)
    running = asyncio.create_task(watcher.run())
    try:
        await until(lambda: bool(as_admin(urls, "SELECT 1 FROM account_watch WHERE seen_at IS NOT NULL")))
        x["x"].rogue("x-1", "Not ours.")
        await until(lambda: bool(alarms(urls)))
    finally:
        running.cancel()


async def test_ours_raise_nothing_until_one_is_edited_or_vanishes(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, database: Database, worker_database: Database
) -> None:
    await watcher.watch_once()
    one, post_id = await published(database, worker_database, urls, x["x"])
    await look(urls, watcher)
    assert alarms(urls) == []
    x["x"].edit(post_id, "Other words, by somebody who got in.")
    for _ in range(2):
        await look(urls, watcher)
    assert alarms(urls) == [("edited", post_id)]
    (row,) = as_admin(urls, "SELECT evidence, publication_id FROM alarm")
    assert (row["evidence"]["authorised"], row["publication_id"]) == (WORDS, one.id)
    x["x"].vanish(post_id)
    for _ in range(2):
        await look(urls, watcher)
    assert alarms(urls) == [("edited", post_id), ("vanished", post_id)]


async def test_a_timeline_that_lags_is_no_alarm(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, database: Database, worker_database: Database
) -> None:
    """It does not show our post, which stands all the same: it is asked for by its id before anybody is alarmed."""
    await watcher.watch_once()
    await published(database, worker_database, urls, x["x"])
    x["x"].lie("lagging_timeline", seconds=60)
    await look(urls, watcher)
    assert alarms(urls) == []


async def test_what_we_took_down_did_not_vanish(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, database: Database, worker_database: Database
) -> None:
    await watcher.watch_once()
    one, post_id = await published(database, worker_database, urls, x["x"])
    change_record(urls, "UPDATE publication SET state = 'removing' WHERE id = %s", one.id)
    x["x"].vanish(post_id)
    await look(urls, watcher)
    change_record(urls, "UPDATE publication SET state = 'removed' WHERE id = %s", one.id)
    await look(urls, watcher)
    assert alarms(urls) == []


async def test_what_people_accepted_is_no_alarm_until_it_changes_again(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, database: Database, worker_database: Database
) -> None:
    await watcher.watch_once()
    one, post_id = await sent(database, worker_database, urls), x["x"].rogue("x-1", "As the platform cut it")
    for state in ("published", "mismatch"):
        as_admin(urls, "UPDATE publication SET state = %s, post_id = %s WHERE id = %s", state, post_id, one.id)
    change_record(urls, "UPDATE publication SET state = 'verified' WHERE id = %s", one.id)
    for _ in range(2):
        await look(urls, watcher)
    assert alarms(urls) == []
    x["x"].edit(post_id, "Changed since.")
    await look(urls, watcher)
    assert alarms(urls) == [("edited", post_id)]


async def test_a_post_that_an_open_outcome_explains_is_left_alone_until_it_should_have_settled(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, database: Database, worker_database: Database
) -> None:
    await watcher.watch_once()
    one = await sent(database, worker_database, urls)
    change_record(urls, "UPDATE attempt SET dispatched_at = now()")
    post_id = x["x"].rogue("x-1", WORDS)
    await look(urls, watcher)
    assert alarms(urls) == []
    change_record(urls, "UPDATE attempt SET dispatched_at = now() - interval '4 minutes'")
    await look(urls, watcher)
    assert alarms(urls) == [("rogue", post_id)]
    assert as_admin(urls, "SELECT publication_id FROM alarm")[0]["publication_id"] == one.id


async def test_an_account_that_cannot_be_read_for_three_intervals_is_an_alarm(urls: Urls, worker_database: Database) -> None:
    async def no_way_in(account: AccountFacts) -> Access:
        raise NoAccess("Its token has expired. Connect it again.")

    watcher = Watcher(worker_database, PLATFORMS, no_way_in)
    as_admin(urls, "INSERT INTO account_watch (account_id, every_seconds) VALUES (%s, 60)", X)
    await look(urls, watcher)
    assert alarms(urls) == []
    as_admin(urls, "UPDATE account_watch SET began_at = now() - interval '4 minutes'")
    for _ in range(2):
        await look(urls, watcher)
    assert alarms(urls) == [("blind", None)]
    (row,) = as_admin(urls, "SELECT evidence FROM alarm")
    assert row["evidence"]["said"] == "Its token has expired. Connect it again."
    assert as_admin(urls, "SELECT trouble FROM account_watch")[0]["trouble"] == "Its token has expired. Connect it again."


async def test_an_account_is_read_by_one_worker_at_a_time_and_only_when_it_is_due(
    urls: Urls, x: dict[str, Sandbox], watcher: Watcher, worker_database: Database, tmp_path: Path
) -> None:
    other = Watcher(worker_database, PLATFORMS, means_for(worker_database, x, tmp_path).access_for)
    assert sorted(await asyncio.gather(watcher.watch_once(), other.watch_once())) == [0, 1]
    assert await watcher.watch_once() == 0
    as_admin(urls, "UPDATE account SET status = 'disconnected'")
    as_admin(urls, "UPDATE account_watch SET next_at = now()")
    assert await watcher.watch_once() == 0


async def test_a_post_that_was_taken_down_and_still_stands_is_an_alarm_of_its_own(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], watcher: Watcher
) -> None:
    one = await sent(database, worker_database, urls)
    post = x["x"].rogue("x-1", WORDS)
    change_record(urls, "UPDATE publication SET state = 'removed', post_id = %s, moved_at = now() WHERE id = %s", post, one.id)
    await look(urls, watcher)
    assert alarms(urls) == [], "a timeline may lag behind a takedown"
    change_record(urls, "UPDATE publication SET moved_at = moved_at - interval '5 minutes'")
    await look(urls, watcher)
    assert alarms(urls) == [("rogue", post)]
    (alarm,) = as_admin(urls, "SELECT sentence, publication_id FROM alarm")
    assert alarm["publication_id"] == one.id
    assert "was taken down stands" in alarm["sentence"]
