"""An outcome that nobody knows: looked up, adopted when it is surely ours, else settled by two people; never sent twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from temporalio.client import Client

from core.records.database import Database
from core.use_cases.resolving import Act
from integrations.platforms.bluesky import Bluesky
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.x import X
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Cast, Urls, authorised, new_cast
from tests.workflows.acts import authorised_soon, chains_hold, held, in_seconds, two_say
from tests.workflows.service import SHORT, Service, running_service, sandboxes

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]

IMPATIENT = {**PLATFORMS, "x": X(send_seconds=1.0, read_seconds=2.0), "bluesky": Bluesky(send_seconds=1.0, read_seconds=2.0)}
OPTIONS: dict[str, Any] = {"platforms": IMPATIENT, "patience": SHORT}


def looks(service: Service, publication_id: UUID) -> list[dict[str, Any]]:
    return service.rows("SELECT sentence, found FROM look_up WHERE publication_id = %(id)s ORDER BY at", id=publication_id)


def aged(service: Service, publication_id: UUID) -> None:
    """Minutes have passed since its calls."""
    service.change("ALTER TABLE attempt DISABLE TRIGGER attempt_stays")
    service.change(
        "UPDATE attempt SET dispatched_at = dispatched_at - interval '2 minutes' WHERE publication_id = %(id)s", id=publication_id
    )
    service.change("ALTER TABLE attempt ENABLE TRIGGER attempt_stays")


async def given_up_looking(service: Service, draft_id: UUID) -> dict[str, Any]:
    """Unknown, and looked for as often as it is."""
    (row,) = (await service.until(draft_id, "unknown")).values()
    await service.rows_appear("SELECT 1 FROM look_up WHERE publication_id = %(id)s", len(SHORT.looks), id=row["id"])
    await service.told()
    (row,) = service.publications(draft_id).values()
    return row


@pytest.mark.parametrize("lie", ["accept_then_500", "cut_after", "accept_then_hang", "false_429"])
async def test_what_the_platform_took_and_denied_is_found_adopted_and_read_back(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path, lie: str
) -> None:
    cast = await new_cast(database, urls)
    x["x"].lie(lie, seconds=3)
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        assert service.moves(row["id"])[-3:] == ["unknown", "published", "verified"]
        assert (service.attempts(row["id"]), row["post_id"]) == (1, x["x"].posts()[0]["post_id"])
    assert len(x["x"].posts()) == 1
    assert await chains_hold(database)


@pytest.mark.parametrize("lie", ["cut_before", "refuse_503_before"])
async def test_what_never_arrived_stays_unknown_and_is_sent_again_once_on_two_peoples_word(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path, lie: str
) -> None:
    cast = await new_cast(database, urls)
    x["x"].lie(lie)
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        saved = await authorised_soon(database, cast, 3)
        row = await given_up_looking(service, saved.draft_id)
        assert row["state"] == "unknown"
        assert "No post like it was found on X" in row["note"]
        assert "two people must settle it" in row["note"]
        aged(service, row["id"])
        await two_say(database, cast, row["id"], Act.RESEND)
        await service.until(saved.draft_id, "verified")
        assert service.attempts(row["id"]) == 2
    assert len(x["x"].posts()) == 1


async def test_a_hold_stops_a_resend_which_must_then_be_asked_for_anew(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    x["x"].lie("cut_before")
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        saved = await authorised_soon(database, cast, 3)
        row = await given_up_looking(service, saved.draft_id)
        aged(service, row["id"])
        await held(database, "platform", "x")
        asked = await two_say(database, cast, row["id"], Act.RESEND)
        await service.rows_appear("SELECT 1 FROM carried_out WHERE act_id = %(id)s", 1, id=asked)
        (row,) = service.publications(saved.draft_id).values()
        assert row["state"] == "unknown"
        assert "A hold stands" in row["note"]
        assert service.attempts(row["id"]) == 1
    assert x["x"].posts() == []


async def test_what_two_people_give_up_is_over(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    x["x"].lie("cut_before")
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        saved = await authorised_soon(database, cast, 3)
        row = await given_up_looking(service, saved.draft_id)
        asked = await two_say(database, cast, row["id"], Act.ABANDON)
        await service.until(saved.draft_id, "abandoned")
        done = service.rows("SELECT result FROM carried_out WHERE act_id = %(id)s", id=asked)
        assert [one["result"] for one in done] == ["abandoned"]


async def test_a_post_that_differs_is_shown_to_people_who_name_it_and_accept_it(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """The call was lost, and somebody changed what it left: the service does not guess that the other post is ours."""
    cast = await new_cast(database, urls)
    x["x"].lie("cut_before")
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        saved = await authorised_soon(database, cast, 3)
        await service.until(saved.draft_id, "unknown")
        other = x["x"].rogue("x-1", "Check if you can get Pension")
        row = await given_up_looking(service, saved.draft_id)
        assert row["state"] == "unknown"
        (found,) = looks(service, row["id"])[-1]["found"]
        assert (found["post_id"], found["taken"]) == (other, False)
        assert "not the authorised text" in found["differences"][0]
        await two_say(database, cast, row["id"], Act.ADOPT, post=f"{x['x'].url}/department/status/{other}")
        (row,) = (await service.until(saved.draft_id, "mismatch")).values()
        assert row["post_id"] == other
        await two_say(database, cast, row["id"], Act.ACCEPT)
        await service.until(saved.draft_id, "verified")


async def test_a_post_that_is_not_on_the_account_is_not_adopted_whoever_names_it(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    x["x"].lie("cut_before")
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        saved = await authorised_soon(database, cast, 3)
        row = await given_up_looking(service, saved.draft_id)
        asked = await two_say(database, cast, row["id"], Act.ADOPT, post="https://x.com/somebody/status/1234567")
        done = await service.rows_appear("SELECT result, note FROM carried_out WHERE act_id = %(id)s", 1, id=asked)
        assert done[0]["result"] == "void"
        assert "not on this account" in done[0]["note"]
        assert service.states(saved.draft_id) == {"x": "unknown"}


async def test_another_publications_post_is_not_taken_for_this_one(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """The same words twice: the first stands in the ledger, the second was lost."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        first = await authorised_soon(database, cast, 3)
        await service.until(first.draft_id, "verified")
        x["x"].lie("cut_before")
        second = await authorised_soon(database, cast, 3)
        row = await given_up_looking(service, second.draft_id)
        assert row["state"] == "unknown"
        assert [post["taken"] for post in looks(service, row["id"])[-1]["found"]] == [True]
    assert len(x["x"].posts()) == 1


async def test_two_posts_that_may_be_it_are_for_people(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media", **OPTIONS) as service:
        x["x"].lie("cut_before")
        saved = await authorised(database, cast, publish_at=in_seconds(4))
        twins = [x["x"].rogue("x-1", "Check if you can get Pension Credit.") for _ in range(2)]
        row = await given_up_looking(service, saved.draft_id)
        assert row["state"] == "unknown"
        assert "2 posts on X may be this one" in row["note"]
        assert {post["post_id"] for post in looks(service, row["id"])[-1]["found"]} == set(twins)


async def test_a_duplicate_refusal_after_a_lost_answer_is_looked_up(
    database: Database, urls: Urls, client: Client, tmp_path: Path
) -> None:
    """X says "duplicate content": of the call of ours that seemed to fail."""
    cast = await new_cast(database, urls)
    with sandboxes(tmp_path, "x", refuse_duplicates=True) as there:
        async with running_service(urls, client, there, tmp_path / "media", **OPTIONS) as service:
            saved = await authorised(database, cast, publish_at=in_seconds(4))
            await service.until(saved.draft_id, "claimed")
            post = there["x"].rogue("x-1", "Check if you can get Pension Credit.")
            (row,) = (await service.until(saved.draft_id, "verified")).values()
            assert "unknown" in service.moves(row["id"])
            assert row["post_id"] == post


ACCOUNT = UUID("00000000-0000-4000-8000-0000000000b1")


@pytest.fixture
def bluesky(urls: Urls, tmp_path: Path) -> Iterator[dict[str, Sandbox]]:
    with sandboxes(tmp_path, "bluesky") as there:
        with psycopg.connect(urls.admin, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status, revision) "
                "VALUES (%s, 'bluesky', 'bluesky-1', 'department', 'Department', 'Press office', 'connected', 1)",
                (ACCOUNT,),
            )
        yield there


async def on_bluesky(database: Database, cast: Cast, publish_at: Any) -> Any:
    return await authorised(database, cast, publish_at=publish_at, account_ids=(str(ACCOUNT),))


async def test_a_platform_that_keeps_keys_is_asked_again_by_the_service_itself(
    database: Database, urls: Urls, client: Client, bluesky: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    bluesky["bluesky"].lie("cut_before", times=2)
    async with running_service(urls, client, bluesky, tmp_path / "media", **OPTIONS) as service:
        saved = await on_bluesky(database, cast, in_seconds(3))
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        keys = service.rows("SELECT DISTINCT key_id, key_at FROM attempt WHERE publication_id = %(id)s", id=row["id"])
        assert (service.attempts(row["id"]), len(keys)) == (3, 1)
    assert len(bluesky["bluesky"].posts()) == 1


async def test_what_stands_under_its_key_is_adopted_without_another_call(
    database: Database, urls: Urls, client: Client, bluesky: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    bluesky["bluesky"].lie("accept_then_500")
    async with running_service(urls, client, bluesky, tmp_path / "media", **OPTIONS) as service:
        saved = await on_bluesky(database, cast, in_seconds(3))
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        assert service.attempts(row["id"]) == 1
    assert len(bluesky["bluesky"].posts()) == 1


async def test_a_hold_stops_the_repeat_under_a_key_and_lifting_it_releases_nothing(
    database: Database, urls: Urls, client: Client, bluesky: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    bluesky["bluesky"].lie("cut_before")
    async with running_service(urls, client, bluesky, tmp_path / "media", **OPTIONS) as service:
        saved = await on_bluesky(database, cast, in_seconds(3))
        await service.until(saved.draft_id, "sending", "unknown")
        await held(database, "account", str(ACCOUNT))
        row = await given_up_looking(service, saved.draft_id)
        assert (row["state"], service.attempts(row["id"])) == ("unknown", 1)
        assert any("A hold stands" in look["sentence"] for look in looks(service, row["id"]))
    assert bluesky["bluesky"].posts() == []
