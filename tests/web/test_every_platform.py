"""A draft for an account of every platform there is: written, shown and counted, each in its own way."""

from uuid import uuid4

import psycopg
import pytest

from core.domain.publication import BY_HAND
from core.records.database import Database
from integrations.platforms.registry import PLATFORMS
from tests.kit import ACCOUNTS, Urls, new_cast
from tests.web.house import House, page, picture, typed
from tests.web.html_lint import lint
from web.words import platform_name, where_posted

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
def everywhere(urls: Urls) -> tuple[str, ...]:
    """The register's accounts, and one more for each platform that has none there."""
    accounts = {platform: str(account) for platform, account in ACCOUNTS.items()}
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        for platform in PLATFORMS.keys() - accounts.keys():
            accounts[platform] = str(uuid4())
            connection.execute(
                "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status, revision) "
                "VALUES (%s, %s, %s, 'department', 'Department', 'Press office', 'connected', 1)",
                (accounts[platform], platform, uuid4().hex),
            )
    return tuple(accounts.values())


def test_every_platform_has_a_name_for_people() -> None:
    assert {name: platform_name(name) for name in PLATFORMS} == {name: platform.label for name, platform in PLATFORMS.items()}


async def test_a_draft_for_every_platform_is_shown_as_each_will_show_it(
    house: House, database: Database, urls: Urls, everywhere: tuple[str, ...]
) -> None:
    cast = await new_cast(database, urls)
    browser = await house.browser_of(cast.officer)
    form = await page(browser, "/drafts/new")
    for name, platform in PLATFORMS.items():
        assert f"{where_posted(name)} {platform.limit:,}" in form
        assert f'name="text-{name}"' in form
    sent = typed(*everywhere, link="https://www.gov.uk/pension-credit", **{"upload-1-alt": "A warm fire"})
    saved = await browser.post("/drafts/new", data=sent, files={"upload-1": ("fire.png", picture(), "image/png")})
    assert saved.status_code == 303, saved.text
    check = await page(browser, saved.headers["location"])
    assert lint(check) == []
    for name, platform in PLATFORMS.items():
        assert f"app-preview--{name}" in check
        assert (f"Approximate {platform.label} preview" in check) == (name != BY_HAND)
    assert "To be posted by hand, as it stands here." in check
    assert check.count('alt="A warm fire"') == len(PLATFORMS)


async def test_a_text_too_long_for_some_is_refused_for_those_alone(
    house: House, database: Database, urls: Urls, everywhere: tuple[str, ...]
) -> None:
    cast = await new_cast(database, urls)
    browser = await house.browser_of(cast.officer)
    refused = await browser.post("/drafts/new", data=typed(*everywhere, text="A" * 501))
    assert refused.status_code == 422
    assert lint(refused.text) == []
    for platform in PLATFORMS.values():
        assert (f"The {platform.label} text counts as" in refused.text) == (platform.limit < 501)
