"""An adapter that stumbles over an answer: a reading that failed, said to people; nothing is tried without end for it."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from core.domain.content import Rendition, Target
from core.domain.outcome import Outcome, ReadBack, SeenPost
from core.domain.publication import State
from core.records.database import Database
from core.use_cases.resolving import Act
from core.use_cases.taking_down import take_down
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.values import Access, Prepared
from integrations.platforms.x import X
from tests.core.publishing import AtTheGate, as_admin, at_the_gate, dispatched, said, state_of, unknown
from tests.integrations.platforms.serving import Sandbox
from tests.kit import ACCOUNTS, Urls, new_cast
from tests.workflows.service import SHORT, means_for, sandboxes
from workflows.activities.calling import NotReady, Ready
from workflows.activities.looking import Looking
from workflows.activities.means import Means
from workflows.activities.publication import PublicationActivities
from workflows.activities.reading_back import ReadingBack
from workflows.activities.readings import answered
from workflows.activities.removing import Removing
from workflows.activities.sending_again import SendingAgain
from workflows.activities.targets import with_target_read
from workflows.points import Point

pytestmark = [pytest.mark.anyio, pytest.mark.database]

CANARY = "canary-words-of-an-answer"


class Stumbling(X):
    """X, that falls over whatever it reads, with the answer's words on its lips."""

    async def look_up(self, *_: Any, **__: Any) -> tuple[SeenPost, ...]:
        raise TypeError(CANARY)

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        raise KeyError(CANARY)

    async def delete(self, access: Access, post_id: str) -> Outcome:
        raise OverflowError(CANARY)

    async def read_target(self, access: Access, address: str, kind: str) -> Target | None:
        raise UnicodeEncodeError("utf-8", CANARY, 0, 1, "surrogates not allowed")


@pytest.fixture
def means(worker_database: Database, tmp_path: Path) -> Iterator[Means]:
    with sandboxes(tmp_path, "x") as there:
        platforms = {**PLATFORMS, "x": Stumbling()}
        yield means_for(worker_database, there, tmp_path / "media", patience=SHORT, platforms=platforms)


async def in_state(worker: Database, urls: Urls, gate: AtTheGate, state: State) -> None:
    await dispatched(worker, gate)
    as_admin(urls, "UPDATE publication SET state = 'published', post_id = '1' WHERE id = %s", gate.id)
    if state is not State.PUBLISHED:
        as_admin(urls, "UPDATE publication SET state = %s WHERE id = %s", str(state), gate.id)


def note_of(urls: Urls, one: AtTheGate) -> str:
    return str(as_admin(urls, "SELECT note FROM publication WHERE id = %s", one.id)[0]["note"])


@pytest.fixture
async def one(database: Database, worker_database: Database, urls: Urls) -> AtTheGate:
    return await at_the_gate(database, worker_database, urls, await new_cast(database, urls))


async def test_a_look_that_stumbles_is_one_look_and_people_read_that_it_failed(
    worker_database: Database, urls: Urls, one: AtTheGate, means: Means
) -> None:
    await unknown(worker_database, urls, one)
    looking = await Looking.at(means, one.id)
    assert looking is not None
    with capture_logs() as logs:
        await looking.run()
    assert await state_of(worker_database, one.id) == "unknown"
    assert "could not be looked up" in note_of(urls, one)
    assert CANARY not in note_of(urls, one) + str(logs)
    assert [entry["fault"] for entry in logs if entry["event"] == "platform.unreadable"] == ["TypeError"]


async def test_a_post_that_cannot_be_read_back_is_read_later_and_people_are_told(
    worker_database: Database, urls: Urls, one: AtTheGate, means: Means
) -> None:
    await in_state(worker_database, urls, one, State.PUBLISHED)
    as_admin(urls, "UPDATE publication SET moved_at = now() - interval '20 minutes' WHERE id = %s", one.id)
    stand = await ReadingBack(means, one.id).run()
    assert (stand.need, stand.at is not None) == ("read_back", True)
    assert "could not be read back yet" in note_of(urls, one)
    assert CANARY not in note_of(urls, one)


async def test_a_takedown_goes_on_and_ends_with_people(
    database: Database, worker_database: Database, urls: Urls, one: AtTheGate, means: Means
) -> None:
    """What stood cannot be read, the removal's answer cannot, nor whether it is gone: two people say so."""
    await in_state(worker_database, urls, one, State.VERIFIED)
    async with database.transaction() as session:
        await take_down(
            session, by=one.cast.press, authenticated_at=datetime.now(UTC), publication_id=one.id, reason="A wrong date."
        )
    async with asyncio.timeout(20):
        while (removing := await Removing.of(means, one.id)) is not None:
            await removing.run()
            await asyncio.sleep(0.3)
    assert await state_of(worker_database, one.id) == "removal_unknown"
    assert "could not be confirmed" in note_of(urls, one)
    (kept,) = as_admin(urls, "SELECT stood FROM removal_evidence WHERE publication_id = %s", one.id)
    assert "could not be read" in kept["stood"]["unread"]


async def test_a_target_that_cannot_be_read_is_for_later(means: Means, one: AtTheGate) -> None:
    target = Target("reply", "1", "https://x.com/a/status/1", "A", "Words.", "f")
    rendition = Rendition(account_id=str(uuid4()), platform="x", text="An answer.", link=None, images=(), target=target)
    ready = Ready(account=None, access=None, rendition=rendition, prepared=Prepared())  # type: ignore[arg-type]
    with pytest.raises(NotReady, match="could not be read again"):
        await with_target_read(means, ready, now=datetime.now(UTC))


async def test_what_does_not_answer_in_time_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.activities.readings.ANSWERS_WITHIN_SECONDS", 0.05)
    with pytest.raises(Exception, match="did not answer in time"):
        await answered(asyncio.sleep(10))


async def test_a_removal_that_somebody_else_ended_is_not_written_down_as_ours(
    database: Database, worker_database: Database, urls: Urls, one: AtTheGate, tmp_path: Path, x: dict[str, Sandbox]
) -> None:
    post = x["x"].rogue("x-1", "Check if you can get Pension Credit.")
    await in_state(worker_database, urls, one, State.VERIFIED)
    as_admin(urls, "UPDATE publication SET post_id = %s WHERE id = %s", post, one.id)

    def reached(point: Point, _: str) -> None:
        if point is Point.REMOVAL_ANSWERED:
            as_admin(urls, "UPDATE publication SET state = 'removal_unknown' WHERE id = %s", one.id)

    means = means_for(worker_database, x, tmp_path / "media", patience=SHORT, reached=reached)
    async with database.transaction() as session:
        act = await take_down(
            session, by=one.cast.press, authenticated_at=datetime.now(UTC), publication_id=one.id, reason="A wrong date."
        )
    removing = await Removing.of(means, one.id)
    assert removing is not None
    await removing.run()
    assert await state_of(worker_database, one.id) == "removal_unknown"
    assert as_admin(urls, "SELECT 1 FROM carried_out WHERE act_id = %s", act) == []


class NoDisk(X):
    """X, whose images are read from a disk that fails."""

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        raise OSError(CANARY)


async def test_what_cannot_be_got_ready_again_stays_unknown_uses_the_word_up_and_is_not_tried_over_and_over(
    database: Database, worker_database: Database, urls: Urls, one: AtTheGate, tmp_path: Path, x: dict[str, Sandbox]
) -> None:
    await unknown(worker_database, urls, one)
    resend = await said(database, one.id, Act.RESEND, one.cast.press, one.cast.policy)
    means = means_for(worker_database, x, tmp_path / "media", patience=SHORT, platforms={**PLATFORMS, "x": NoDisk()})
    with capture_logs() as logs:
        assert await SendingAgain(means, one.id).run() == "stays unknown"
        assert await SendingAgain(means, one.id).run() == "stays unknown", "and so without anybody's word, under a kept key"
    assert "something went wrong in the service itself" in note_of(urls, one)
    assert CANARY not in note_of(urls, one) + str(logs)
    assert [row["result"] for row in as_admin(urls, "SELECT result FROM carried_out WHERE act_id = %s", resend)] == ["void"]
    assert len(as_admin(urls, "SELECT 1 FROM look_up WHERE publication_id = %s", one.id)) == 1
    stand = await PublicationActivities(means).look(str(one.id))
    assert stand.need == "look_up"
    assert stand.at is not None


async def test_a_limit_beyond_the_window_is_told_while_something_can_be_done(
    worker_database: Database, urls: Urls, one: AtTheGate, means: Means
) -> None:
    as_admin(urls, "UPDATE publication SET state = 'scheduled' WHERE id = %s", one.id)
    as_admin(urls, "INSERT INTO quota VALUES (%s, 'posts', 0, now() + interval '3 days')", ACCOUNTS["x"])
    stand = await PublicationActivities(means).look(str(one.id))
    assert (stand.state, stand.need) == ("scheduled", "wait")
    assert "before the authorised window ends" in note_of(urls, one)
