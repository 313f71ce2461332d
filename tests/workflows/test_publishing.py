"""Authorised or silent, at its time and not before, exactly once: the main job between real servers."""

import hashlib
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from core.domain.content import Window
from core.records.database import Database
from tests.integrations.platforms.serving import Sandbox
from tests.kit import ACCOUNTS, Urls, authorised, decided, in_minutes, new_cast, submitted, written
from tests.workflows.acts import chains_hold, in_seconds, past, re_timed_soon, received_at, with_image
from tests.workflows.service import running_service
from workflows.authorisation import DraftWorkflow
from workflows.messages import TASK_QUEUE, draft_workflow_id, publication_workflow_id
from workflows.publication import PublicationWorkflow

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]

EVERYWHERE = tuple(str(account) for account in ACCOUNTS.values())


async def test_what_was_authorised_goes_out_at_its_time_and_not_before_on_every_account(
    database: Database, urls: Urls, client: Client, all_three: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    image = await with_image(database, cast.officer, tmp_path / "media")
    async with running_service(urls, client, all_three, tmp_path / "media") as service:
        due = in_seconds(6)
        saved = await authorised(
            database,
            cast,
            publish_at=due,
            account_ids=EVERYWHERE,
            images=(image,),
        )
        await service.until(saved.draft_id, "claimed")
        assert [there.posts() for there in all_three.values()] == [[], [], []], "it waits at the gate"
        found = await service.until(saved.draft_id, "verified")
    for platform, there in all_three.items():
        (post,) = there.posts()
        assert due <= received_at(post) < due + timedelta(seconds=2)
        assert "Check if you can get Pension Credit." in post["text"]
        (shown,) = post["images"]
        assert shown["alt"] == "A navy field"
        assert hashlib.sha256(there.media(shown["sha256"])).hexdigest() == shown["sha256"]
        row = found[platform]
        assert (row["post_id"], row["digest"]) == (post["post_id"], saved.digest)
        assert service.moves(row["id"]) == ["scheduled", "claimed", "sending", "published", "verified"]
        assert service.attempts(row["id"]) == 1
    assert await chains_hold(database)


async def test_nothing_happens_for_a_draft_that_is_not_fully_authorised(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """The holder of a right who starts the workflows themselves still publishes nothing."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(2)
        halfway = await submitted(database, cast.officer, publish_at=due)
        await decided(database, cast.press, halfway, step=1)
        unsubmitted = await written(database, cast.officer, publish_at=due)
        for subject in (halfway.draft_id, unsubmitted.draft_id, uuid4(), "no id at all"):
            for workflow, workflow_id in (
                (DraftWorkflow.run, draft_workflow_id(str(subject))),
                (PublicationWorkflow.run, publication_workflow_id(str(subject))),
            ):
                await client.start_workflow(
                    workflow, str(subject), id=workflow_id, task_queue=TASK_QUEUE, start_signal="look_again"
                )
        assert await client.get_workflow_handle(publication_workflow_id(str(halfway.draft_id))).result() == "unknown"
        await service.told()
        await past(due + timedelta(seconds=1))
        assert service.publications(halfway.draft_id) == {}
        assert service.publications(unsubmitted.draft_id) == {}
    assert x["x"].posts() == []


async def test_a_forged_start_of_an_authorised_publication_sends_nothing_early(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await authorised(database, cast, publish_at=in_minutes(4))
        (row,) = (await service.until(saved.draft_id, "scheduled")).values()
        forged = await client.start_workflow(
            PublicationWorkflow.run, str(row["id"]), id="forged", task_queue=TASK_QUEUE, start_signal="look_again"
        )
        await forged.signal("look_again")
        await service.told()
        assert service.states(saved.draft_id) == {"x": "scheduled"}
        await forged.terminate()
    assert x["x"].posts() == []


async def test_authorised_after_its_time_it_waits_for_a_person_to_give_a_new_one(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        due = in_seconds(3)
        saved = await submitted(database, cast.officer, publish_at=due)
        await decided(database, cast.press, saved, step=1)
        await past(due)
        await decided(database, cast.policy, saved, step=2)
        await service.told()
        assert (service.publications(saved.draft_id), x["x"].posts()) == ({}, [])
        await re_timed_soon(database, cast.officer, saved.draft_id, 1.5)
        await service.until(saved.draft_id, "verified")
    assert len(x["x"].posts()) == 1


async def test_a_post_whose_window_has_passed_goes_back_to_a_person(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        closes = in_seconds(9)
        window = Window(in_seconds(-60), closes)
        saved = await authorised(database, cast, publish_at=in_seconds(8), window=window)
        await service.until(saved.draft_id, "claimed")
    # No worker through its whole window; what was at the gate was let go when the worker stopped.
    assert service.states(saved.draft_id) == {"x": "scheduled"}
    await past(closes)
    async with running_service(urls, client, x, tmp_path / "media") as service:
        (row,) = (await service.until(saved.draft_id, "expired")).values()
        assert row["note"] == "Its authorised window has passed."
    assert x["x"].posts() == []
