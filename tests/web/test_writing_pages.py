"""Writing, checking and submitting through the pages."""

import re

import pytest

from core.records.database import Database
from tests.kit import ACCOUNTS, Cast, Urls, new_cast, new_person
from tests.web.house import House, page, picture, typed
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]
X, LINKEDIN = str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


async def test_an_officer_writes_checks_and_submits_a_draft_with_an_image(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    await page(browser, "/drafts/new")
    files = {"upload-1": ("fire.png", picture(), "image/png")}
    saved = await browser.post("/drafts/new", data=typed(X, LINKEDIN, **{"upload-1-alt": "A warm fire"}), files=files)
    assert saved.status_code == 303
    check = await page(browser, saved.headers["location"])
    assert "Check before sending" in check
    assert "A warm fire" in check
    image = re.search(r"/media/[0-9a-f]{64}", check)
    assert image is not None
    assert (await browser.get(image[0])).headers["content-type"].startswith("image/")
    digest = re.search(r'name="digest" value="(v1:sha256:[0-9a-f]{64})"', check)
    assert digest is not None
    draft = saved.headers["location"].removesuffix("/check")
    submitted = await browser.post(f"{draft}/submit", data={"digest": digest[1]})
    assert submitted.headers["location"] == draft
    assert "Awaiting authorisation" in await page(browser, draft)


async def test_everything_typed_comes_back_with_each_refusal_beside_its_field(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    form = typed(X, purpose="", text="A" * 300, **{"publish-time": "soon", "upload-1-alt": "A fire"})
    refused = await browser.post("/drafts/new", data=form, files={"upload-1": ("a.png", picture(), "image/png")})
    assert refused.status_code == 422
    assert lint(refused.text) == []
    assert "A" * 300 in refused.text
    assert 'value="soon"' in refused.text
    assert 'href="#purpose"' in refused.text
    assert 'href="#publish-time"' in refused.text
    kept = re.search(r'name="image-1" value="([0-9a-f]{64})"', refused.text)
    assert kept is not None
    again = await browser.post("/drafts/new", data=typed(X, **{"image-1": kept[1], "alt-1": "A fire"}))
    assert again.status_code == 303


async def test_too_long_a_text_is_refused_with_the_servers_own_count(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    refused = await browser.post("/drafts/new", data=typed(X, text="A" * 300))
    assert refused.status_code == 422
    assert "counts as 300 characters" in refused.text
    assert 'href="#text"' in refused.text


async def test_a_file_that_is_no_image_is_refused_beside_its_field(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    files = {"upload-1": ("a.png", b"%PDF-1.7 nothing", "image/png")}
    refused = await browser.post("/drafts/new", data=typed(X, **{"upload-1-alt": "A fire"}), files=files)
    assert refused.status_code == 422
    assert 'href="#upload-1"' in refused.text
    assert "A fire" in refused.text


async def test_a_save_that_changes_nothing_makes_no_version(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    form = typed(X)
    saved = await browser.post("/drafts/new", data=form)
    draft = saved.headers["location"].removesuffix("/check")
    await page(browser, f"{draft}/edit")
    same = await browser.post(f"{draft}/edit", data={**form, "based_on": "1"})
    assert same.headers["location"] == draft
    assert "there is no new version" in await page(browser, draft)
    other = await browser.post(f"{draft}/edit", data={**form, "based_on": "1", "text": "Other words"})
    assert other.headers["location"] == f"{draft}/check"
    stale = await browser.post(f"{draft}/edit", data={**form, "based_on": "1", "text": "More words"})
    assert stale.status_code == 409
    assert "nothing of yours was saved" in stale.text
    assert "More words" in stale.text
    assert 'name="based_on" value="2"' in stale.text
    assert lint(stale.text) == []


async def test_a_time_outside_the_window_is_refused_and_inside_it_moves_the_post(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    form = typed(X)
    draft = (await browser.post("/drafts/new", data=form)).headers["location"].removesuffix("/check")
    await page(browser, f"{draft}/reschedule")
    moment = {name: value for name, value in form.items() if name.startswith("publish-")}
    refused = await browser.post(f"{draft}/reschedule", data={**moment, "publish-time": "8pm"})
    assert refused.status_code == 422
    assert lint(refused.text) == []
    moved = await browser.post(f"{draft}/reschedule", data={**moment, "publish-time": "11am"})
    assert moved.status_code == 303
    assert "at 11am" in await page(browser, draft)


async def test_a_withdrawn_draft_says_so(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    draft = (await browser.post("/drafts/new", data=typed(X))).headers["location"].removesuffix("/check")
    digest = re.search(r'name="digest" value="([^"]+)"', await page(browser, f"{draft}/check"))
    assert digest is not None
    await browser.post(f"{draft}/submit", data={"digest": digest[1]})
    await page(browser, f"{draft}/withdraw")
    withdrawn = await browser.post(f"{draft}/withdraw", data={"reason": "Not needed"})
    assert withdrawn.status_code == 303
    assert "Withdrawn" in await page(browser, draft)


async def test_nobody_writes_without_the_role(house: House, database: Database) -> None:
    browser = await house.browser_of(await new_person(database, "auditor"))
    refused = await browser.post("/drafts/new", data=typed(X))
    assert refused.status_code == 403
    assert "paragraph 36" in refused.text
    assert lint(refused.text) == []
