"""The pages served over HTTP from a thread of their own, with a few drafts, for tests that drive a real browser."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import uvicorn

from core.domain.people import Person
from core.domain.route import Answer
from core.records.database import Database
from core.use_cases.account_changes import ask_to_disconnect
from core.use_cases.holding import stop_posts
from core.use_cases.lifting import ask_to_lift
from core.use_cases.resolving import Act, ask
from integrations.store import MediaStore
from tests.core.publishing import as_admin, at_the_gate, dispatched
from tests.kit import ACCOUNTS, Cast, Urls, authorised, decided, new_cast, new_person, submitted, written
from tests.web.house import House

REASON = "Name the scheme, and link the page that explains it."
LONG = "Our teams are in Leeds, Swansea and Cardiff this week to help people apply. " * 9


@dataclass(frozen=True)
class Live:
    """Where the pages are, a cookie per person (`old` signed in an hour ago), and the addresses of the drafts."""

    base: str
    cookies: dict[str, str]
    drafts: dict[str, str]


async def _seeded(house: House, database: Database, urls: Urls, base: str) -> Live:
    cast = await new_cast(database, urls)
    everywhere = tuple(str(account) for account in ACCOUNTS.values())
    texts: dict[str, Any] = {"overrides": {"linkedin": LONG, "facebook": LONG}, "account_ids": everywhere}
    drafts = {
        "waiting": await submitted(database, cast.officer, purpose="Pension Credit week: ask people to check", **texts),
        "written": await written(database, cast.officer, purpose="Jobs fair", link="https://www.gov.uk/find-a-job"),
        "authorised": await authorised(database, cast, purpose="Helpline hours"),
        "answered": await submitted(database, cast.officer, purpose="Call waiting times"),
        "second": await submitted(database, cast.officer, purpose="Access to Work"),
    }
    await decided(database, cast.press, drafts["answered"], step=1, answer=Answer.ASK_FOR_CHANGES, reason=REASON)
    manager = await new_person(database, "account_manager", name="Marta Quist")
    cookies = await _cookies(house, cast, await new_person(database, "auditor", name="Audrey Lin"))
    cookies["manager"] = await house.cookie(manager)
    addresses = {name: f"/drafts/{saved.draft_id}" for name, saved in drafts.items()}
    return Live(base, cookies, {**addresses, **await _troubled(database, urls, cast, manager)})


async def _troubled(database: Database, urls: Urls, cast: Cast, manager: Person) -> dict[str, str]:
    """A post whose outcome nobody knows, with what was asked about it; a standing hold that found it; an alarm; an account."""
    worker = Database(urls.worker, pool_size=1)
    gate = await at_the_gate(database, worker, urls, cast, purpose="Winter fuel payment dates")
    assert (await dispatched(worker, gate)).result == "sending"
    await worker.close()
    as_admin(urls, "UPDATE publication SET state = 'unknown', note = 'The platform gave no answer.' WHERE id = %s", gate.id)
    alarm, account = uuid4(), str(ACCOUNTS["facebook"])
    as_admin(
        urls,
        "INSERT INTO alarm (id, kind, account_id, post_id, sentence, evidence, about) VALUES (%s, 'rogue', %s, '77', "
        "'A post stands on Facebook that nobody here authorised.', '{\"text\": \"Buy now\"}', '77')",
        alarm,
        account,
    )
    consent = uuid4()
    as_admin(
        urls,
        "INSERT INTO connection (id, account_id, asked_by, state_hash, browser, redirect_uri, status) "
        "VALUES (%s, %s, %s, '', '', 'http://127.0.0.1/accounts/callback', 'exchanging')",
        consent,
        account,
        manager.id,
    )
    now = datetime.now(UTC)
    async with database.transaction() as session:
        hold = await stop_posts(session, by=cast.officer, scope="platform", target="x", reason="An incident at Sheffield.")
        await ask_to_lift(session, by=cast.officer, authenticated_at=now, hold_id=hold, reason="The incident is over.")
        asked = await ask(
            session,
            by=cast.press,
            authenticated_at=now,
            publication_id=gate.id,
            act=Act.ABANDON,
            reason="It is not on the account.",
        )
        await ask_to_disconnect(
            session, by=manager, authenticated_at=now, account_id=ACCOUNTS["facebook"], reason="It was hijacked."
        )
    return {
        "post": f"/publications/{gate.id}",
        "asked": f"/publications/{gate.id}/proposals/{asked}",
        "hold": f"/holds/{hold}",
        "alarm": f"/alarms/{alarm}",
        "account": f"/accounts/{account}",
        "exchanging": f"/accounts/connect/{consent}",
    }


async def _cookies(house: House, cast: Cast, auditor: Person) -> dict[str, str]:
    people = {"officer": cast.officer, "press": cast.press, "policy": cast.policy, "auditor": auditor}
    cookies = {name: await house.cookie(person) for name, person in people.items()}
    return {**cookies, "old": await house.cookie(cast.press, signed_in_ago=timedelta(hours=1))}


def _hear_from_the_worker(urls: Urls) -> None:
    """A heartbeat from the future, so that no page says that delivery waits."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO heartbeat (worker, at, engine_at) VALUES ('browser tests', now() + interval '1 day', "
            "now() + interval '1 day') ON CONFLICT DO NOTHING"
        )
        connection.execute("UPDATE outbox SET delivered_at = now() WHERE delivered_at IS NULL")


class Serving:
    """Runs the pages until `stop`; `live` is there once `ready` is set."""

    def __init__(self, urls: Urls, media: Path) -> None:
        self._urls = urls
        self._media = media
        self._server: uvicorn.Server | None = None
        self.ready = threading.Event()
        self.live: Live | None = None

    async def run(self) -> None:
        database = Database(self._urls.api)
        house = House(database, MediaStore.at(str(self._media)))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            self._server = uvicorn.Server(uvicorn.Config(house.app, log_level="warning"))
            self.live = await _seeded(house, database, self._urls, f"http://127.0.0.1:{port}")
            self.ready.set()
            await self._server.serve([listening])
        await database.close()

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True


@pytest.fixture(scope="module")
def live(urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    serving = Serving(urls, tmp_path_factory.mktemp("live-media"))
    thread = threading.Thread(target=_until_done(serving.run), daemon=True)
    thread.start()
    assert serving.ready.wait(60), "the pages did not start"
    _hear_from_the_worker(urls)
    assert serving.live is not None
    yield serving.live
    serving.stop()
    thread.join(10)


def _until_done(run: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def target() -> None:
        async def main() -> None:
            await run()

        with suppress(KeyboardInterrupt):
            asyncio.run(main())

    return target
