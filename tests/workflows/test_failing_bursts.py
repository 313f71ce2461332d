"""Many at once, and a platform that takes none of them: nobody waits for a connection that somebody else waits with."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

from core.domain.content import Rendition
from core.domain.outcome import Outcome, Result
from core.domain.publication import State
from core.records.database import Database
from integrations.platforms.values import Access, Prepared, PrepareFailed
from integrations.platforms.x import X
from tests.core.publishing import as_admin, scheduled
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, authorised, in_minutes, new_cast
from tests.workflows.service import means_for
from workflows.activities.publication import PublicationActivities
from workflows.activities.sending import Sending

pytestmark = [pytest.mark.anyio, pytest.mark.database]


class Busy(X):
    """Takes no upload, and says so to all at the same moment."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(together)

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        await self._barrier.wait()
        raise PrepareFailed(Outcome(Result.NOT_SENT, "X takes no more posts just now."))


async def test_a_burst_of_failing_uploads_needs_one_connection_each(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    made = [await scheduled(worker_database, await authorised(database, cast, publish_at=in_minutes(1))) for _ in range(4)]
    small = Database(urls.worker, pool_size=1)
    means = means_for(small, x, tmp_path / "media", platforms={"x": Busy(len(made))})
    async with asyncio.timeout(8):
        await asyncio.gather(*(Sending(means, publication_id).run() for publication_id in made))
    await small.close()
    rows = as_admin(urls, "SELECT state, not_before IS NOT NULL AS later FROM publication WHERE id = ANY(%s)", made)
    assert rows == [{"state": "scheduled", "later": True}] * len(made)


async def test_a_reset_after_the_window_brings_the_post_back_to_a_person_when_the_window_ends(
    database: Database, worker_database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """LinkedIn's limits reset at midnight: a window that ends at five must not stay "scheduled" until then."""
    saved = await authorised(database, await new_cast(database, urls), publish_at=in_minutes(1))
    made: UUID = await scheduled(worker_database, saved)
    as_admin(urls, "UPDATE publication SET not_before = now() + interval '30 days' WHERE id = %s", made)
    stand = await PublicationActivities(means_for(worker_database, x, tmp_path / "media")).look(str(made))
    (window,) = as_admin(urls, "SELECT window_end FROM submission WHERE draft_id = %s", saved.draft_id)
    assert (stand.state, stand.need, stand.at) == (State.SCHEDULED, "wait", window["window_end"].timestamp() + 1)
