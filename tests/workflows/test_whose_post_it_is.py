"""A post that was found is taken as a publication's own only where it can be no other's and nobody can have made it by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from core.domain.outcome import Outcome, SendKey
from core.records.database import Database
from core.records.publications import publication
from integrations.platforms.text import same_address
from integrations.platforms.values import Prepared
from tests.core.publishing import AtTheGate, aged, as_admin, at_the_gate, dispatched, state_of, unknown
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, new_cast
from tests.workflows.service import SHORT, means_for, sandboxes
from workflows.activities.judging import judge_publication
from workflows.activities.looking import Looking
from workflows.activities.means import Means
from workflows.activities.settling import settle
from workflows.points import Point

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
def x(tmp_path: Path) -> Iterator[dict[str, Sandbox]]:
    with sandboxes(tmp_path, "x") as there:
        yield there


async def posted(means: Means, one: AtTheGate) -> Outcome:
    """Its call as the worker makes it, without writing down what it was answered."""
    async with means.database.transaction() as session:
        row = await publication(session, one.id)
        assert row is not None
        case = await judge_publication(session, row)
    assert case.account is not None
    assert case.rendition is not None
    access, key = await means.access_for(case.account), SendKey(one.id, datetime.now(UTC))
    return await means.platforms["x"].send(access, case.rendition, Prepared(), key=key, may_start=lambda: True)


async def looked(means: Means, publication_id: UUID) -> None:
    looking = await Looking.at(means, publication_id)
    assert looking is not None
    await looking.run()


def stands(urls: Urls, publication_id: UUID) -> dict[str, Any]:
    return as_admin(urls, "SELECT state, post_id, note FROM publication WHERE id = %s", publication_id)[0]


async def lost(database: Database, worker: Database, urls: Urls) -> AtTheGate:
    """Its call was let through a moment ago, and its worker was never heard of again."""
    one = await at_the_gate(database, worker, urls, await new_cast(database, urls))
    await dispatched(worker, one)
    as_admin(urls, "UPDATE publication SET state = 'unknown' WHERE id = %s", one.id)
    return one


async def test_its_own_post_is_taken(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    one = await lost(database, worker_database, urls)
    means = means_for(worker_database, x, tmp_path / "media", patience=SHORT)
    out = await posted(means, one)
    await looked(means, one.id)
    assert (stands(urls, one.id)["state"], stands(urls, one.id)["post_id"]) == ("published", out.post_id)


async def test_a_post_that_another_call_on_its_way_may_have_made_is_not_taken(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    one = await lost(database, worker_database, urls)
    other = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    await dispatched(worker_database, other)
    means = means_for(worker_database, x, tmp_path / "media", patience=SHORT)
    await posted(means, other)
    await looked(means, one.id)
    assert (await state_of(worker_database, one.id), await state_of(worker_database, other.id)) == ("unknown", "sending")
    assert "people must say" in stands(urls, one.id)["note"]


async def test_the_same_words_posted_by_hand_minutes_later_are_not_taken(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    one = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    await unknown(worker_database, urls, one)
    aged(urls, one.id)
    means = means_for(worker_database, x, tmp_path / "media", patience=SHORT)
    await posted(means, one)
    await looked(means, one.id)
    assert stands(urls, one.id)["state"] == "unknown"
    assert "by hand" in stands(urls, one.id)["note"]


async def test_nobody_is_told_that_a_post_was_taken_which_another_publication_took_first(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    one = await lost(database, worker_database, urls)
    quicker = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))

    def reached(point: Point, _: str) -> None:
        if point is Point.LOOKED_UP:
            taken = x["x"].posts()[0]["post_id"]
            as_admin(urls, "UPDATE publication SET post_id = %s WHERE id = %s", taken, quicker.id)

    means = means_for(worker_database, x, tmp_path / "media", patience=SHORT, reached=reached)
    await posted(means, one)
    await looked(means, one.id)
    assert stands(urls, one.id)["state"] == "unknown"
    assert "not taken" in stands(urls, one.id)["note"]


@pytest.mark.parametrize("kind", ["posted", "not_posted"])
async def test_where_nobody_posts_by_hand_nobodys_word_is_a_receipt(
    database: Database, worker_database: Database, urls: Urls, kind: str
) -> None:
    one = await lost(database, worker_database, urls)
    forged = (
        "INSERT INTO publication_act (id, publication_id, kind, epoch, reason, link, person_id) "
        "VALUES (%s, %s, %s, %s, 'Forged.', 'https://forged.example/1', %s)"
    )
    values = (uuid4(), one.id, kind, one.epoch, one.cast.officer.id)
    with psycopg.connect(urls.api, autocommit=True) as forger, pytest.raises(psycopg.errors.InsufficientPrivilege):
        forger.execute(forged, values)
    as_admin(urls, "ALTER TABLE publication_act DISABLE TRIGGER publication_act_fits")
    as_admin(urls, forged, *values)
    as_admin(urls, "ALTER TABLE publication_act ENABLE TRIGGER publication_act_fits")
    async with worker_database.transaction() as session:
        row = await publication(session, one.id)
        assert row is not None
        await settle(session, row)
    assert stands(urls, one.id)["state"] == "unknown"
    assert as_admin(urls, "SELECT 1 FROM receipt r JOIN attempt t ON t.id = r.attempt_id WHERE publication_id = %s", one.id) == []
    assert [row["result"] for row in as_admin(urls, "SELECT result FROM carried_out WHERE publication_id = %s", one.id)] == [
        "void"
    ]


def test_what_is_no_address_equals_itself_alone() -> None:
    assert same_address("https://[x", "https://[x")
    assert not same_address("https://[x", "https://x.com/1")
