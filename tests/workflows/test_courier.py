"""Temporal away: decisions stand, what waits is kept, and it is delivered when Temporal returns."""

from pathlib import Path

import pytest
from temporalio.client import Client

from core.records.database import Database
from countersign.embedded.temporal import EmbeddedTemporal
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, authorised, new_cast
from tests.workflows.acts import in_seconds, past
from tests.workflows.service import running_service

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]


async def test_what_was_decided_while_temporal_was_away_goes_out_when_it_returns(
    database: Database, urls: Urls, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    engine = EmbeddedTemporal(tmp_path / "engine")
    engine.start()
    try:
        client = await Client.connect(engine.address)
        async with running_service(urls, client, x, tmp_path / "media") as service:
            before = await authorised(database, cast, publish_at=in_seconds(7), text="At the gate when it died.")
            await service.until(before.draft_id, "claimed")
            engine.kill()
            during = await authorised(database, cast, publish_at=in_seconds(6), text="Decided while it was away.")
            await service.until(before.draft_id, "published")
            await past(in_seconds(1))
            assert service.rows("SELECT 1 FROM outbox WHERE delivered_at IS NULL AND kind = 'draft'")
            (beat,) = service.rows("SELECT at > now() - interval '5 seconds' AS alive, engine_at < at AS away FROM heartbeat")
            assert beat == {"alive": True, "away": True}, "the worker is alive and says that its engine is not"
            engine.start()
            await service.until(during.draft_id, "verified", seconds=40)
            await service.until(before.draft_id, "verified", seconds=40)
            await service.told()
    finally:
        engine.stop()
    assert sorted(post["text"] for post in x["x"].posts()) == ["At the gate when it died.", "Decided while it was away."]
