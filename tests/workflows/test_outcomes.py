"""What platforms answer, and lie about: never sent twice, never lost, always shown."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.client import Client

from core.domain.refusals import AlreadySent
from core.records.database import Database
from integrations.platforms.base import Platform
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.x import X
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, authorised, in_minutes, new_cast
from tests.workflows.acts import authorised_soon, chains_hold, in_seconds, past, re_timed, re_timed_soon, with_image
from tests.workflows.service import SHORT, Service, means_for, running_service
from workflows.activities.sending import Sending
from workflows.points import Point

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]

IMPATIENT: Mapping[str, Platform] = {**PLATFORMS, "x": X(send_seconds=1.0, read_seconds=2.0)}


def receipts(service: Service, publication_id: UUID) -> list[str]:
    found = service.rows(
        "SELECT r.result FROM receipt r JOIN attempt a ON a.id = r.attempt_id WHERE a.publication_id = %(id)s "
        "ORDER BY r.received_at",
        id=publication_id,
    )
    return [row["result"] for row in found]


async def test_an_outcome_that_nobody_knows_stops_and_is_never_sent_again(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """One post after another, each lied about in its own way: what stands is found, and what does not is not sent again."""
    lies = {"accept_then_500": 1, "cut_after": 1, "cut_before": 0, "accept_then_hang": 1, "refuse_503_before": 0}
    cast = await new_cast(database, urls)
    for lie in lies:
        x["x"].lie(lie, seconds=3)
    async with running_service(urls, client, x, tmp_path / "media", platforms=IMPATIENT, patience=SHORT) as service:
        first = in_seconds(8)
        drafts = {
            lie: await authorised(database, cast, publish_at=first + timedelta(seconds=number), text=f"About {lie}.")
            for number, lie in enumerate(lies)
        }
        for lie, saved in drafts.items():
            (row,) = (await service.until(saved.draft_id, "verified" if lies[lie] else "unknown")).values()
            assert "unknown" in service.moves(row["id"]), "people saw it meanwhile"
            with pytest.raises(AlreadySent):
                await re_timed(database, cast.officer, saved.draft_id, in_minutes(5))
        await service.told()
        for saved in drafts.values():
            (row,) = service.publications(saved.draft_id).values()
            assert (receipts(service, row["id"]), service.attempts(row["id"])) == (["unknown"], 1)
    assert sorted(post["text"] for post in x["x"].posts()) == sorted(f"About {lie}." for lie, stands in lies.items() if stands)
    assert await chains_hold(database)


async def test_a_rate_limit_is_waited_out_and_the_post_is_sent_once(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """X names its reset, minutes away: the test moves it near, as time would."""
    cast = await new_cast(database, urls)
    x["x"].lie("refuse_429")
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised_soon(database, cast, 2)
        (row,) = (await service.until(saved.draft_id, "scheduled", attempts=1)).values()
        assert row["not_before"] > in_seconds(0)
        assert service.moves(row["id"]) == ["scheduled", "claimed", "sending", "scheduled"]
        assert service.rows("SELECT 1 FROM quota WHERE remaining = 0"), "and other workers know it before they send"
        service.change("UPDATE publication SET not_before = now() WHERE id = %(id)s", id=row["id"])
        service.change("UPDATE quota SET reset_at = now()")
        await service.until(saved.draft_id, "verified")
        assert (service.attempts(row["id"]), receipts(service, row["id"])) == (2, ["not_sent", "accepted"])
    assert len(x["x"].posts()) == 1


async def test_a_refusal_goes_to_a_person_and_a_new_time_tries_again(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media", token="a token that X never gave") as service:
        saved = await authorised_soon(database, cast, 2)
        (row,) = (await service.until(saved.draft_id, "rejected")).values()
        assert "Connect the account again" in row["note"]
        assert "never gave" not in row["note"]
        await past(in_seconds(2))
        assert service.states(saved.draft_id) == {"x": "rejected"}
    async with running_service(urls, client, x, tmp_path / "media") as service:
        await re_timed_soon(database, cast.officer, saved.draft_id, 1.5)
        await service.until(saved.draft_id, "verified")
        assert receipts(service, row["id"]) == ["refused", "accepted"]
    assert len(x["x"].posts()) == 1


async def test_a_text_cut_short_by_the_platform_is_a_mismatch_that_two_people_see(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    x["x"].lie("truncate")
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised_soon(database, cast, 2)
        (row,) = (await service.until(saved.draft_id, "mismatch")).values()
        assert "not the authorised text" in row["note"]
        assert service.attempts(row["id"]) == 1


async def test_an_image_that_is_gone_goes_to_a_person(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """Trying for ever would show it to nobody."""
    cast = await new_cast(database, urls)
    image = await with_image(database, cast.officer, tmp_path / "elsewhere")
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised_soon(database, cast, 2, images=(image,))
        (row,) = (await service.until(saved.draft_id, "rejected")).values()
        assert "missing from the media store" in row["note"]
    assert x["x"].posts() == []


async def test_a_call_that_is_out_gets_its_answer_written_down_though_its_activity_is_cancelled(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """Temporal forgets an activity, and says so, when it was away for longer than a heartbeat may take."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised(database, cast, publish_at=in_minutes(2))
        (row,) = (await service.until(saved.draft_id, "scheduled")).values()
    worker = Database(urls.worker, pool_size=4)
    out = asyncio.Event()
    means = means_for(worker, x, tmp_path / "media", reached=lambda point, _: out.set() if point is Point.DISPATCHED else None)
    keeping = asyncio.create_task(means.gate.keep())
    x["x"].lie("accept_late", seconds=1)
    await re_timed_soon(database, cast.officer, saved.draft_id, 0.5)
    sending = asyncio.create_task(Sending(means, row["id"]).run())
    await out.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    keeping.cancel()
    await worker.close()
    assert (service.states(saved.draft_id), receipts(service, row["id"])) == ({"x": "published"}, ["accepted"])
    assert len(x["x"].posts()) == 1
