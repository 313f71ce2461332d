"""Fixtures of the record's tests."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from core.domain.content import SourceImage
from core.domain.outcome import Outcome, Result
from core.records.database import Database
from core.records.publications import record_receipt
from core.use_cases.media import upload_image
from core.use_cases.submitting import withdraw
from integrations.store import MediaStore
from tests.core.publishing import AtTheGate, as_admin, at_the_gate, dispatched
from tests.core.records.watching_rows import write_watching
from tests.kit import Urls, new_cast, submitted


@pytest.fixture(scope="module")
def everything_written(urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> None:
    """At least one row in every table of the record: one post with an image went out, one draft was withdrawn."""
    asyncio.run(_write_everything(urls, tmp_path_factory.mktemp("media")))


async def _write_everything(urls: Urls, folder: Path) -> None:
    database, worker = Database(urls.api), Database(urls.worker)
    try:
        cast = await new_cast(database, urls)
        raw = BytesIO()
        Image.new("RGB", (40, 40), "navy").save(raw, "PNG")
        image = await upload_image(database, MediaStore.at(str(folder)), by=cast.officer, raw=raw.getvalue())
        attached = (SourceImage(image.sha256, image.mime, image.width, image.height, "A navy square"),)
        one = await at_the_gate(database, worker, urls, cast, images=attached)
        sent = await dispatched(worker, one)
        assert sent.attempt_id is not None
        async with worker.transaction() as session:
            await record_receipt(
                session,
                publication_id=one.id,
                attempt_id=sent.attempt_id,
                epoch=one.epoch,
                outcome=Outcome(Result.ACCEPTED, "It stands.", post_id="1"),
                retry_at=None,
            )
        other = await submitted(database, cast.officer)
        async with database.transaction() as session:
            await withdraw(session, by=cast.officer, draft_id=other.draft_id, reason="")
        await write_watching(database, worker, cast)
    finally:
        await database.close()
        await worker.close()


@pytest.fixture
async def gate(database: Database, worker_database: Database, urls: Urls) -> AsyncIterator[AtTheGate]:
    """Everything is right and its time has come."""
    yield await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")
    as_admin(urls, "UPDATE account SET status = 'connected'")
