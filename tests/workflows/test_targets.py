"""Answering a post: captured by the worker, authorised as it stood, read again before it is sent."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.client import Client

from core.domain.manifest import renditions_in
from core.records.database import Database
from core.use_cases.drafting import Saved
from core.use_cases.targets import TargetUnderWay, ask_for_target, capture_asked_for
from integrations.platforms.registry import PLATFORMS
from tests.core.publishing import as_admin, scheduled
from tests.integrations.platforms.serving import Sandbox
from tests.kit import ACCOUNTS, Cast, Urls, new_cast, written
from tests.workflows.acts import authorised_soon
from tests.workflows.service import means_for, running_service, sandboxes
from workflows.activities.sending import Sending
from workflows.capturing import Capturer

pytestmark = [pytest.mark.anyio, pytest.mark.database]
QUESTION = "When does the office in Leeds open?"


@pytest.fixture
def x(tmp_path: Path) -> Iterator[dict[str, Sandbox]]:
    with sandboxes(tmp_path, "x") as there:
        yield there


def asked_by_a_reader(sandbox: Sandbox) -> tuple[str, str]:
    """A post that can be answered: its id and its address."""
    post_id = sandbox.rogue("x-1", QUESTION)
    return post_id, f"{sandbox.url}/department/status/{post_id}"


async def asked_for(database: Database, cast: Cast, address: str, kind: str = "reply", known: str | None = None) -> UUID:
    async with database.transaction() as session:
        return await ask_for_target(
            session, by=cast.officer, account_ids=(ACCOUNTS["x"],), kind=kind, address=address, known=known
        )


def capturer(worker_database: Database, x: dict[str, Sandbox], tmp_path: Path) -> Capturer:
    return Capturer(worker_database, PLATFORMS, means_for(worker_database, x, tmp_path / "media").access_for)


async def answering(
    database: Database, worker_database: Database, x: dict[str, Sandbox], tmp_path: Path, cast: Cast, address: str
) -> Saved:
    """A draft that replies to the post at `address`, authorised and due now."""
    request = await asked_for(database, cast, address)
    assert await capturer(worker_database, x, tmp_path).capture_once() == 1
    return await authorised_soon(database, cast, 1, text="At nine.", target=str(request))


async def test_a_post_is_captured_and_part_of_what_is_authorised(
    urls: Urls, database: Database, worker_database: Database, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast, (post_id, address) = await new_cast(database, urls), asked_by_a_reader(x["x"])
    request = await asked_for(database, cast, address)
    with pytest.raises(Exception, match="fetching that post") as refused:
        await written(database, cast.officer, target=str(request))
    assert [type(one) for one in getattr(refused.value, "refusals", ())] == [TargetUnderWay]
    assert await capturer(worker_database, x, tmp_path).capture_once() == 1
    async with database.transaction() as session:
        found = await capture_asked_for(session, by=cast.officer, request_id=request)
    assert found.target is not None
    assert (found.target.post_id, found.target.text) == (post_id, QUESTION)
    assert await asked_for(database, cast, address, known=str(request)) == request
    saved = await written(database, cast.officer, target=str(request))
    (row,) = as_admin(urls, "SELECT canonical FROM manifest WHERE digest = %s", saved.digest)
    (rendition,) = renditions_in(bytes(row["canonical"]))
    assert rendition.target == found.target
    assert saved.digest != (await written(database, cast.officer)).digest


async def test_an_address_without_a_post_is_answered_and_may_be_asked_for_again(
    urls: Urls, database: Database, worker_database: Database, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    address = f"{x['x'].url}/department/status/404"
    request = await asked_for(database, cast, address)
    await capturer(worker_database, x, tmp_path).capture_once()
    with pytest.raises(Exception, match="There is no post on X at this address"):
        await written(database, cast.officer, target=str(request))
    assert await asked_for(database, cast, address, known=str(request)) != request


@pytest.mark.temporal
async def test_a_reply_goes_out_to_the_post_that_was_authorised(
    urls: Urls, database: Database, worker_database: Database, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast, (post_id, address) = await new_cast(database, urls), asked_by_a_reader(x["x"])
    async with running_service(urls, client, x, tmp_path / "media") as service:
        saved = await answering(database, worker_database, x, tmp_path, cast, address)
        await service.until(saved.draft_id, "verified")
    (sent,) = [post for post in x["x"].posts() if post["text"] == "At nine."]
    assert (sent["target_kind"], sent["target_id"]) == ("reply", post_id)


@pytest.mark.parametrize("change", ["edited", "gone"])
async def test_a_target_that_changed_or_is_gone_stops_the_post_and_people_look_again(
    urls: Urls, database: Database, worker_database: Database, x: dict[str, Sandbox], tmp_path: Path, change: str
) -> None:
    cast, (post_id, address) = await new_cast(database, urls), asked_by_a_reader(x["x"])
    saved = await answering(database, worker_database, x, tmp_path, cast, address)
    if change == "edited":
        x["x"].edit(post_id, "Do you agree that the minister should resign?")
    else:
        x["x"].vanish(post_id)
    publication = await scheduled(worker_database, saved)
    assert await Sending(means_for(worker_database, x, tmp_path / "media"), publication).run() == "let go"
    (row,) = as_admin(urls, "SELECT state, note FROM publication WHERE id = %s", publication)
    assert row["state"] == "revoked"
    assert "has changed or is gone" in row["note"]
    assert [post["text"] for post in x["x"].posts() if post["text"] == "At nine."] == []


async def test_a_target_that_cannot_be_read_is_waited_for(
    urls: Urls, database: Database, worker_database: Database, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast, (_, address) = await new_cast(database, urls), asked_by_a_reader(x["x"])
    saved = await answering(database, worker_database, x, tmp_path, cast, address)
    publication = await scheduled(worker_database, saved)
    unread = means_for(worker_database, x, tmp_path / "media", token="refused")
    assert await Sending(unread, publication).run() == "let go"
    (row,) = as_admin(urls, "SELECT state, note, not_before FROM publication WHERE id = %s", publication)
    assert row["state"] == "scheduled"
    assert "could not be read again" in row["note"]
    assert row["not_before"] is not None
