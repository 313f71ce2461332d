"""A form is shown only to who could send it: nobody types what the service would refuse for who they are."""

import pytest

from core.records.database import Database
from tests.kit import Urls, new_cast, new_person, submitted, written
from tests.web.house import House, page

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_who_may_not_write_is_refused_before_the_form(house: House, database: Database, urls: Urls) -> None:
    draft = f"/drafts/{(await submitted(database, (await new_cast(database, urls)).officer)).draft_id}"
    browser = await house.browser_of(await new_person(database, "account_manager"))
    for path in ("/drafts/new", f"{draft}/edit", f"{draft}/withdraw", f"{draft}/reschedule"):
        assert "Your sign-in carries no role that allows this" in await page(browser, path, 403)


async def test_what_can_no_longer_be_done_is_said_before_the_form(house: House, database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    browser = await house.browser_of(cast.officer)
    assert "There is nothing to withdraw" in await page(browser, f"/drafts/{saved.draft_id}/withdraw", 409)
    sent = await submitted(database, cast.officer)
    assert "Withdraw this draft" in await page(browser, f"/drafts/{sent.draft_id}/withdraw")
