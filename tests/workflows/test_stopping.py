"""Withdrawing, editing, re-timing and holding win over a pending instant, also while the post waits at the gate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from core.domain.refusals import AlreadySent
from core.records.database import Database
from tests.integrations.platforms.serving import Sandbox
from tests.kit import ACCOUNTS, Urls, authorised, decided, in_minutes, new_cast
from tests.workflows.acts import (
    authorised_soon,
    edited,
    held,
    in_seconds,
    lifted,
    past,
    re_timed,
    re_timed_soon,
    received_at,
    submitted_again,
    withdrawn,
)
from tests.workflows.service import Service, running_service

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]

# Due so soon is claimed at once and waits at the gate; the other waits for its timer.
SECONDS = {"at the gate": 4.0, "before it is claimed": 240.0}
STANDS = {"at the gate": "claimed", "before it is claimed": "scheduled"}
everywhere = pytest.mark.parametrize("where", SECONDS)


async def nothing_left(service: Service, there: dict[str, Sandbox], where: str, due: object) -> None:
    if where == "at the gate":
        await past(due)  # type: ignore[arg-type]
        await service.told()
    assert [platform.posts() for platform in there.values()] == [[]]


@everywhere
async def test_withdrawing_wins(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path, where: str
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(SECONDS[where])
        saved = await authorised(database, cast, publish_at=due)
        await service.until(saved.draft_id, STANDS[where])
        await withdrawn(database, cast.officer, saved.draft_id)
        await service.until(saved.draft_id, "withdrawn")
        await nothing_left(service, x, where, due)


@everywhere
async def test_a_new_version_wins_and_goes_out_only_once_it_is_authorised_itself(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path, where: str
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(SECONDS[where])
        saved = await authorised(database, cast, publish_at=due)
        await service.until(saved.draft_id, STANDS[where])
        await edited(database, cast.officer, saved, publish_at=due)
        (row,) = (await service.until(saved.draft_id, "stale")).values()
        assert row["digest"] == saved.digest
        await nothing_left(service, x, where, due)


async def test_a_time_brought_forward_at_the_gate_or_before_is_kept(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised(database, cast, publish_at=in_minutes(4))
        await service.until(saved.draft_id, "scheduled")
        await re_timed_soon(database, cast.officer, saved.draft_id, 9)
        await service.until(saved.draft_id, "claimed")
        sooner = in_seconds(3)
        await re_timed(database, cast.officer, saved.draft_id, sooner)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        assert (row["schedule_revision"], row["publish_at"], service.attempts(row["id"])) == (3, sooner, 1)
        assert 0 <= (received_at(x["x"].posts()[0]) - sooner).total_seconds() < 2


async def test_a_time_put_back_at_the_gate_is_kept(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """A little later it waits there; much later it is let go, so that nothing waits at the gate for hours."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(4)
        little = await authorised(database, cast, publish_at=due)
        much = await authorised(database, cast, publish_at=due, text="Another post.")
        for saved in (little, much):
            await service.until(saved.draft_id, "claimed")
        later = in_seconds(7)
        await re_timed(database, cast.officer, little.draft_id, later)
        await re_timed(database, cast.officer, much.draft_id, in_minutes(90))
        await service.until(much.draft_id, "scheduled")
        await past(due)
        assert x["x"].posts() == []
        await service.until(little.draft_id, "verified")
        (post,) = x["x"].posts()
        assert received_at(post) >= later
        assert service.states(much.draft_id) == {"x": "scheduled"}


async def test_a_hold_stops_what_waits_at_the_gate_and_lifting_it_releases_nothing_by_itself(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        for scope in ("draft", "account", "platform", "all"):
            due = in_seconds(5)
            saved = await authorised(database, cast, publish_at=due, text=f"Stopped by a hold on {scope}.")
            await service.until(saved.draft_id, "claimed")
            target = {"all": "", "platform": "x", "account": str(ACCOUNTS["x"]), "draft": str(saved.draft_id)}[scope]
            hold = await held(database, scope, target)
            (row,) = (await service.until(saved.draft_id, "held", seconds=3)).values()
            assert "hold" in row["note"]
            await lifted(database, hold)
        await past(due)
        await service.told()
        assert {row["state"] for row in service.rows("SELECT state FROM publication")} == {"held"}
        assert x["x"].posts() == []
        await re_timed_soon(database, cast.officer, saved.draft_id, 1.5)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        assert service.moves(row["id"])[:3] == ["scheduled", "claimed", "held"]
    assert len(x["x"].posts()) == 1


async def test_a_hold_placed_within_a_second_of_the_instant_stops_everything_at_the_gate(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """Ten posts are claimed, prepared and due in under a second: none leaves, and each is held."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(15)
        waiting = [await authorised(database, cast, publish_at=due, text=f"Post {number}.") for number in range(10)]
        for saved in waiting:
            await service.until(saved.draft_id, "claimed")
        await past(due - timedelta(seconds=0.95))
        await held(database)
        placed = datetime.now(UTC)
        assert placed < due, "from asking to effect took longer than a second"
        for saved in waiting:
            (row,) = (await service.until(saved.draft_id, "held", seconds=5)).values()
            assert service.attempts(row["id"]) == 0
        await past(due)
        await service.told()
    assert x["x"].posts() == []


async def test_a_time_given_before_the_hold_releases_nothing_after_it(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """Re-timed at the gate, then held: that new time was given by somebody who knew of no hold."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised(database, cast, publish_at=in_seconds(6))
        await service.until(saved.draft_id, "claimed")
        due = in_seconds(7)
        await re_timed(database, cast.officer, saved.draft_id, due)
        hold = await held(database)
        await service.until(saved.draft_id, "held", seconds=3)
        await lifted(database, hold)
        await past(due)
        await service.told()
        assert (service.states(saved.draft_id), x["x"].posts()) == ({"x": "held"}, [])


async def test_a_hold_on_another_account_stops_nothing_here(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    await held(database, "platform", "linkedin")
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised_soon(database, cast, 2)
        await service.until(saved.draft_id, "verified")


async def test_once_sent_withdrawing_and_editing_are_refused_truthfully(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised_soon(database, cast, 2)
        await service.until(saved.draft_id, "published", "verified")
        with pytest.raises(AlreadySent):
            await withdrawn(database, cast.officer, saved.draft_id)
        with pytest.raises(AlreadySent):
            await edited(database, cast.officer, saved, publish_at=in_minutes(5))


async def test_an_authority_revoked_at_the_gate_stops_the_post(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(4)
        saved = await authorised(database, cast, publish_at=due)
        await service.until(saved.draft_id, "claimed")
        service.change(
            "UPDATE authority SET revoked_at = now(), revision = revision + 1 WHERE person_id = %(person)s", person=cast.press.id
        )
        await service.until(saved.draft_id, "revoked")
    assert x["x"].posts() == []


async def test_withdrawn_and_submitted_again_at_the_gate_goes_out_once_as_the_new_submission(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised(database, cast, publish_at=in_seconds(6))
        await service.until(saved.draft_id, "claimed")
        await withdrawn(database, cast.officer, saved.draft_id)
        await submitted_again(database, cast.officer, saved)
        await decided(database, cast.press, saved, step=1)
        await decided(database, cast.policy, saved, step=2)
        await service.until(saved.draft_id, "verified")
        states = [row["state"] for row in service.rows("SELECT state FROM publication ORDER BY created_at")]
        assert states in (["withdrawn", "verified"], ["stale", "verified"])
    assert len(x["x"].posts()) == 1
