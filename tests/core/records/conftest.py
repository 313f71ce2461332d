"""Fixtures of the record's tests."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from core.domain.content import SourceImage
from core.domain.outcome import Outcome, Result
from core.records.calls import record_receipt
from core.records.database import Database
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
                attempt_id=sent.attempt_id,
                outcome=Outcome(Result.ACCEPTED, "It stands.", post_id="1"),
            )
        other = await submitted(database, cast.officer)
        async with database.transaction() as session:
            await withdraw(session, by=cast.officer, draft_id=other.draft_id, reason="")
        await write_watching(database, worker, cast)
        for statement in _MACHINE:
            as_admin(
                urls,
                statement.format(publication=one.id, attempt=sent.attempt_id, draft=other.draft_id, person=cast.press.id),
            )
    finally:
        await database.close()
        await worker.close()


# One row each: what people asked of a publication, what the service did, and the evidence.
_MACHINE = (
    "WITH act AS (INSERT INTO publication_act (id, publication_id, kind, epoch, reason, person_id) "
    "VALUES (gen_random_uuid(), '{publication}', 'take_down', 1, 'It is wrong.', '{person}') RETURNING id) "
    "INSERT INTO removal_evidence (act_id, publication_id, post_id, stood) SELECT id, '{publication}', '1', '{{}}' FROM act",
    "INSERT INTO removal_call (id, act_id, result, detail) "
    "SELECT gen_random_uuid(), act_id, 'accepted', 'It is gone.' FROM removal_evidence",
    "INSERT INTO carried_out (act_id, publication_id, result, note) "
    "SELECT act_id, '{publication}', 'removed', '' FROM removal_evidence",
    "INSERT INTO look_up (id, publication_id, epoch, found, sentence) "
    "VALUES (gen_random_uuid(), '{publication}', 1, '[]', 'Nothing like it.')",
    "INSERT INTO unexpected_post (attempt_id, publication_id, sentence) VALUES ('{attempt}', '{publication}', 'Two may stand.')",
    "INSERT INTO correction (draft_id, publication_id, person_id) VALUES ('{draft}', '{publication}', '{person}')",
)


@pytest.fixture
async def gate(database: Database, worker_database: Database, urls: Urls) -> AsyncIterator[AtTheGate]:
    """Everything is right and its time has come."""
    yield await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")
    as_admin(urls, "UPDATE account SET status = 'connected'")
