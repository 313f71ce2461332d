"""What tests say of times that are near holds on a machine that is busy."""

from datetime import UTC, datetime

import pytest

from core.domain.refusals import Several
from core.records.database import Database
from tests.core.publishing import as_admin
from tests.kit import Urls, new_cast
from tests.workflows.acts import authorised_soon, re_timed_soon

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_an_instant_that_passes_meanwhile_is_given_again_later(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    for seconds in (-1.0, 0.001):
        saved = await authorised_soon(database, cast, seconds)
        await re_timed_soon(database, cast.officer, saved.draft_id, seconds)
        [due] = as_admin(urls, "SELECT max(publish_at) AS publish_at FROM schedule WHERE draft_id = %s", saved.draft_id)
        assert due["publish_at"] > datetime.now(UTC)
        with pytest.raises(Several):
            await authorised_soon(database, cast, seconds, purpose="")
