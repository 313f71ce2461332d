"""The record to take away: bytes as they were hashed, for whoever may see the draft and nobody else."""

import hashlib

import pytest

from core.records.database import Database
from countersign.walk.evidence import digest_over, verified_events
from tests.kit import Urls, new_cast, submitted, written
from tests.web.house import House, page

pytestmark = [pytest.mark.database, pytest.mark.anyio]


async def test_a_stranger_can_verify_the_downloaded_record(house: House, database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    browser = await house.browser_of(cast.press)
    assert f"/drafts/{saved.draft_id}/record.json" in await page(browser, f"/drafts/{saved.draft_id}")
    answer = await browser.get(f"/drafts/{saved.draft_id}/record.json")
    record = answer.json()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert [event.action for event in verified_events(record)][-1] == "draft.submit"
    assert record["manifests"].keys() == {saved.digest}
    assert digest_over(record["manifests"][saved.digest].encode()) == saved.digest


async def test_a_versions_bytes_are_what_its_digest_names(house: House, database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    browser = await house.browser_of(cast.officer)
    answer = await browser.get(f"/drafts/{saved.draft_id}/versions/1.json")
    assert "v1:sha256:" + hashlib.sha256(answer.content).hexdigest() == saved.digest
    assert (await browser.get(f"/drafts/{saved.draft_id}/versions/2.json")).status_code == 404


async def test_who_may_not_see_the_draft_does_not_get_its_record(house: House, database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    browser = await house.browser_of(cast.press)
    for path in ("record.json", "versions/1.json"):
        assert (await browser.get(f"/drafts/{saved.draft_id}/{path}")).status_code == 404
        assert (await house.browser().get(f"/drafts/{saved.draft_id}/{path}")).status_code == 303
