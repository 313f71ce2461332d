"""Temporal carries ids and stages, never content: histories and failures grepped for what was written and by whom."""

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from core.records.database import Database
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, authorised, new_cast
from tests.workflows.acts import authorised_soon, in_seconds, past, with_image, withdrawn
from tests.workflows.service import TOKEN, running_service
from workflows.points import Point

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]

TEXT, ALT, PURPOSE = "text-canary-19c2", "alt-canary-44b7", "purpose-canary-8d0e"
CANARIES = (TEXT, ALT, PURPOSE, TOKEN, "Olivia", "Okafor", "canary", "Department")


async def histories(client: Client, *workflow_ids: str) -> str:
    """Every event of these workflows as raw bytes, details and summaries included."""
    raw = b""
    for workflow_id in workflow_ids:
        async for execution in client.list_workflows(f"WorkflowId = '{workflow_id}'"):
            handle = client.get_workflow_handle(workflow_id, run_id=execution.run_id)
            history = await handle.fetch_history()
            raw += b"".join(event.SerializeToString() for event in history.events)
            raw += (await handle.describe()).raw_description.SerializeToString()
    return raw.decode("utf-8", "replace")


class Breaks:
    """A fault whose words quote what is being sent, as a database's error would."""

    def __init__(self) -> None:
        self.left = 1

    def __call__(self, point: Point, publication_id: str) -> None:
        if point is Point.PREPARED and self.left:
            self.left -= 1
            raise ValueError(f"Failing row contains ({TEXT}, {ALT}, {PURPOSE}, {TOKEN}, Olivia Okafor)")


async def test_no_history_holds_content_whatever_happened(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    image = await with_image(database, cast.officer, tmp_path / "media", alt=ALT)
    written: dict[str, Any] = {"text": TEXT, "purpose": PURPOSE, "images": (image,)}
    async with running_service(urls, client, x, tmp_path / "media", reached=Breaks()) as service:
        x["x"].lie("accept_then_500")
        unknown = await authorised_soon(database, cast, 2, **written)
        (row,) = (await service.until(unknown.draft_id, "claimed")).values()
        # The claim of an activity that failed ends by its lease; the test does not wait for it.
        await past(in_seconds(1))
        service.change("UPDATE publication SET lease_until = now() WHERE id = %(id)s", id=row["id"])
        await service.until(unknown.draft_id, "unknown", seconds=30)
        stopped = await authorised(database, cast, publish_at=in_seconds(60), **{**written, "text": f"{TEXT} again"})
        (other,) = (await service.until(stopped.draft_id, "scheduled", "claimed")).values()
        await withdrawn(database, cast.officer, stopped.draft_id)
        await service.until(stopped.draft_id, "withdrawn")
        await service.told()
        ids = [f"draft-{saved.draft_id}" for saved in (unknown, stopped)] + [f"publication-{r['id']}" for r in (row, other)]
        said = await histories(client, *ids)
    assert "look_at_publication" in said
    assert "The worker's own log says more." in said, "the failure is in the history"
    assert [word for word in CANARIES if word in said] == []
