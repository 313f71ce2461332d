"""On an account's page: how often it is watched; and a server that does not know this service yet is waited for, not an error."""

from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from core.domain.people import Person
from core.records.database import Database
from integrations.secrets.sealing import new_key_pair
from tests.core.publishing import as_admin
from tests.kit import ACCOUNTS, Urls, new_person
from tests.web.house import House, page
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]
X = f"/accounts/{ACCOUNTS['x']}"


@pytest.fixture
async def manager(database: Database) -> Person:
    return await new_person(database, "account_manager")


async def test_account_managers_set_how_often_an_account_is_watched(house: House, urls: Urls, manager: Person) -> None:
    browser = await house.browser_of(manager)
    assert f'action="{X}/watch"' in await page(browser, X)
    sent = await browser.post(f"{X}/watch", data={"every": "45"})
    assert (sent.status_code, sent.headers["location"]) == (303, X)
    assert "every 45 seconds" in await page(browser, X)
    assert (
        as_admin(urls, "SELECT every_seconds FROM account_watch WHERE account_id = %s", ACCOUNTS["x"])[0]["every_seconds"] == 45
    )


@pytest.mark.parametrize("typed", ["14", "241", "", "often", "60.5", "²", "9" * 30])
async def test_a_time_that_would_see_a_rogue_post_too_late_is_refused_and_shown_again(
    house: House, manager: Person, typed: str
) -> None:
    refused = await (await house.browser_of(manager)).post(f"{X}/watch", data={"every": typed})
    assert (refused.status_code, lint(refused.text)) == (422, [])
    assert "between 15 and 240 seconds" in refused.text
    assert f'value="{typed}"' in refused.text or not typed


async def test_others_read_how_often_and_set_nothing(house: House, database: Database) -> None:
    for role in ("authoriser", "auditor", "officer"):
        browser = await house.browser_of(await new_person(database, role))
        seen = await page(browser, X)
        assert ("Its posts are read" in seen, f"{X}/watch" in seen) == (role != "officer", False), role
        assert (await browser.post(f"{X}/watch", data={"every": "45"})).status_code == 403


@pytest.fixture
async def met_by_nobody(house: House, urls: Urls, manager: Person) -> tuple[httpx2.AsyncClient, str, str]:
    """A browser, an account on a server that does not know this service, and that server."""
    as_admin(urls, "INSERT INTO worker_key (id, public_key) VALUES (%s, %s)", uuid4(), new_key_pair()[1])
    browser, server = await house.browser_of(manager), f"https://{uuid4().hex[:10]}.example"
    form = {"handle": "dept", "name": "Department", "owner_team": "Press office", "official": "yes", "server": server}
    sent = await browser.post("/accounts/new?platform=mastodon", data=form)
    assert sent.status_code == 303, sent.text
    return browser, str(sent.headers["location"]), server


def answers(urls: Urls, server: str, *, client_id: str | None, note: str = "") -> None:
    """What the worker writes once the server has answered it."""
    with psycopg.connect(urls.worker, autocommit=True) as connection:
        connection.execute("UPDATE platform_app SET client_id = %s, note = %s WHERE server = %s", (client_id, note, server))


def consents(urls: Urls, account: str) -> int:
    return len(as_admin(urls, "SELECT 1 FROM connection WHERE account_id = %s", UUID(account.rsplit("/", 1)[1])))


async def test_a_server_that_does_not_know_the_service_is_waited_for_and_then_consents(
    urls: Urls, met_by_nobody: tuple[httpx2.AsyncClient, str, str]
) -> None:
    browser, account, server = met_by_nobody
    waiting = await browser.post(f"{account}/connect")
    for _ in range(2):
        assert (waiting.status_code, lint(waiting.text)) == (200, [])
        assert "There is a problem" not in waiting.text
        assert waiting.headers["refresh"] == f"2; url={account}/connect/waiting"
        waiting = await browser.get(f"{account}/connect/waiting")
    assert consents(urls, account) == 0
    answers(urls, server, client_id="known-now")
    leaving = await browser.get(f"{account}/connect/waiting")
    away = urlsplit(leaving.headers["refresh"].removeprefix("0; url="))
    assert f"{away.scheme}://{away.netloc}" == server
    assert "client_id=known-now" in away.query
    assert consents(urls, account) == 1


async def test_looking_again_begins_nothing_for_who_did_not_press_continue(
    house: House, urls: Urls, manager: Person, met_by_nobody: tuple[httpx2.AsyncClient, str, str]
) -> None:
    browser, account, server = met_by_nobody
    await browser.post(f"{account}/connect")
    answers(urls, server, client_id="known-now")
    other = await house.browser_of(manager)
    lured = await other.get(f"{account}/connect/waiting")
    assert (lured.status_code, lured.headers["location"], consents(urls, account)) == (303, f"{account}/connect", 0)
    await browser.get(f"{account}/connect/waiting")
    again = await browser.get(f"{account}/connect/waiting")
    assert (again.headers["location"], consents(urls, account)) == (f"{account}/connect", 1), "once for each Continue"


async def test_a_server_that_will_not_have_the_service_is_a_problem_that_is_told(
    urls: Urls, met_by_nobody: tuple[httpx2.AsyncClient, str, str]
) -> None:
    browser, account, server = met_by_nobody
    await browser.post(f"{account}/connect")
    answers(urls, server, client_id=None, note="This server takes no applications.")
    told = await browser.get(f"{account}/connect/waiting")
    assert (told.status_code, lint(told.text)) == (409, [])
    assert "This server takes no applications." in told.text
    assert "There is a problem" in told.text
    assert "refresh" not in told.headers
