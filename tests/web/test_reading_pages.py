"""Lists, records and the pages that say what went wrong."""

from uuid import uuid4

import pytest

from core.records.database import Database
from tests.kit import Cast, Urls, new_cast, new_person, submitted, written
from tests.web.house import House, page
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


@pytest.mark.parametrize("path", ["/queue", "/queue/all", "/queue/decided", "/drafts", "/drafts/all", "/drafts/new", "/audit"])
async def test_nobody_reads_a_page_without_signing_in(house: House, path: str) -> None:
    sent = await house.browser().get(path)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/sign-in?next=")


async def test_every_list_is_a_clean_page(house: House, database: Database, cast: Cast) -> None:
    await submitted(database, cast.officer, purpose="A very long purpose " + "word " * 20)
    officer = await house.browser_of(cast.officer)
    for path in ("/queue/all", "/queue/decided", "/drafts", "/drafts/all", "/queue"):
        await page(officer, path)
    auditor = await house.browser_of(await new_person(database, "auditor"))
    assert "Draft: submit" in await page(auditor, "/audit")


async def test_a_draft_nobody_submitted_is_not_found_by_authorisers(house: House, database: Database, cast: Cast) -> None:
    draft = f"/drafts/{(await written(database, cast.officer)).draft_id}"
    browser = await house.browser_of(cast.press)
    for path in (draft, f"{draft}/decide", f"/drafts/{uuid4()}", "/drafts/nonsense", "/nowhere", f"/publications/{uuid4()}"):
        assert "There is nothing at this address" in await page(browser, path, 404)


async def test_an_image_of_somebody_elses_draft_is_not_found(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.press)
    assert (await browser.get("/media/" + "a" * 64)).status_code == 404
    assert (await browser.get("/media/..%2f..%2fetc")).status_code == 404


async def test_a_page_without_its_role_says_which_sentence_applies(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    assert "paragraph 36" in await page(browser, "/audit", 403)


async def test_a_damaged_page_key_is_refused_with_a_sentence(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    assert "damaged" in await page(browser, "/drafts?after=%00%ff", 422)


async def test_another_sites_form_is_refused(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    refused = await browser.post(
        "/drafts/new", data={}, headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    )
    assert refused.status_code == 403


async def test_a_body_beyond_bounds_is_refused_as_too_large(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    refused = await browser.post("/drafts/new", data={"text": "x"}, files={"upload-1": ("a.png", b"0" * (43 * 1024 * 1024))})
    assert refused.status_code == 413


async def test_an_unexpected_failure_is_a_page_with_a_reference_and_no_details(
    house: House, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("web.pages.queues.drafts", broken)
    browser = await house.browser_of(cast.officer)
    response = await browser.get("/drafts")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert response.headers["x-request-id"] in response.text
    assert "content-security-policy" in response.headers
    assert lint(response.text) == []


async def test_the_sign_in_pages_are_clean(house: House) -> None:
    browser = house.browser()
    for path in ("/sign-in", "/signed-out"):
        await page(browser, path)
