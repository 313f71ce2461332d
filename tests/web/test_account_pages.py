"""The register of accounts on the pages: to the platform's consent and back, and nothing connected before two people said so."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from psycopg.types.json import Jsonb

from core.domain.people import Person
from core.records.database import Database
from integrations.secrets.sealing import new_key_pair
from tests.core.publishing import as_admin
from tests.kit import ACCOUNTS, Urls, new_person
from tests.web.house import House, page
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]
CODE, APP_PASSWORD = "canary-code-6f1c", "canary-app-password-9d2e"


@pytest.fixture(autouse=True)
def worker_is_there(urls: Urls) -> None:
    """A worker that published its key: what it does with what was sealed to it is tried with the worker itself."""
    _, public = new_key_pair()
    as_admin(urls, "INSERT INTO worker_key (id, public_key) VALUES (%s, %s)", uuid4(), public)


@pytest.fixture
async def one(database: Database) -> Person:
    return await new_person(database, "account_manager", name="Marta Quist")


@pytest.fixture
async def two(database: Database) -> Person:
    return await new_person(database, "account_manager", name="Nadia Rahman")


def form(**changes: str) -> dict[str, str]:
    team = {"handle": f"dept{uuid4().hex[:6]}", "name": "Department", "owner_team": "Press office", "official": "yes"}
    return {**team, **changes}


async def registered(browser: httpx2.AsyncClient, platform: str = "x", **changes: str) -> str:
    sent = await browser.post(f"/accounts/new?platform={platform}", data=form(**changes))
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"])


async def sent_away(browser: httpx2.AsyncClient, account: str) -> dict[str, str]:
    """The parameters of the consent page's address, where the browser is sent by itself."""
    answer = await browser.post(f"{account}/connect")
    assert answer.status_code == 200, answer.text
    assert lint(answer.text) == []
    assert "form-action 'self';" in answer.headers["content-security-policy"], "no form leads away"
    address = answer.headers["refresh"].removeprefix("0; url=")
    return {"site": urlsplit(address).netloc, **{k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}}


def found_by_the_worker(urls: Urls, connection: str, *accounts: tuple[str, str, str]) -> None:
    found = [{"platform_account_id": i, "handle": handle, "name": name} for i, handle, name in accounts]
    with psycopg.connect(urls.worker, autocommit=True) as session:
        session.execute("UPDATE connection SET status = 'found', found = %s WHERE id = %s", (Jsonb(found), UUID(connection)))


async def consented(browser: httpx2.AsyncClient, account: str) -> str:
    state = (await sent_away(browser, account))["state"]
    back = await browser.get(f"/accounts/connect/callback?code={CODE}&state={state}")
    assert back.status_code == 303, back.text
    return str(back.headers["location"])


async def test_a_page_is_chosen_and_connected_by_a_second_person(house: House, urls: Urls, one: Person, two: Person) -> None:
    first, second = await house.browser_of(one), await house.browser_of(two)
    await page(first, "/accounts/new")
    await page(first, "/accounts/new?platform=facebook")
    account = await registered(first, "facebook", handle="deptpage", name="Pensions")
    assert "Not connected yet" in await page(first, account)
    await page(first, f"{account}/connect")
    consent = await consented(first, account)
    waiting = await first.get(consent)
    assert "is being exchanged" in waiting.text
    assert (waiting.headers["refresh"], lint(waiting.text)) == (f"2; url={consent}", [])
    found_by_the_worker(urls, consent.rsplit("/", 1)[1], ("1049", "deptpage", "Pensions"), ("777", "other", "Another Page"))
    choice = await page(first, consent)
    assert "Another Page" in choice
    nothing = await first.post(consent, data={"reason": "Our Page."})
    assert nothing.status_code == 422
    assert "Choose which of the accounts" in nothing.text
    asked = await first.post(consent, data={"chosen": "1049", "reason": "Our new Page."})
    assert asked.headers["location"] == account
    seen = await page(second, account)
    proposal = seen.split(f"{account}/proposals/")[1].split('"')[0]
    reading = await page(second, f"{account}/proposals/{proposal}")
    for told in ("1049", "deptpage", "Pensions", "Marta Quist", "Our new Page.", "personal one (paragraph 38)"):
        assert told in reading, told
    own = await page(first, f"{account}/proposals/{proposal}")
    assert "somebody else must confirm it" in own
    assert (await first.post(f"{account}/proposals/{proposal}/confirm")).status_code == 403
    done = await second.post(f"{account}/proposals/{proposal}/confirm")
    assert done.headers["location"] == account
    assert "1049" in await page(second, account)
    assert as_admin(urls, "SELECT status FROM account WHERE id = %s", UUID(account.rsplit("/", 1)[1])) == [
        {"status": "connected"}
    ]


async def test_no_code_and_no_password_is_kept_where_the_api_can_read_it(house: House, urls: Urls, one: Person) -> None:
    first = await house.browser_of(one)
    await consented(first, await registered(first, "x"))
    bluesky = await registered(first, "bluesky", handle="dept.example.com", server="http://127.0.0.1:2583")
    begun = await first.post(f"{bluesky}/connect")
    password_page = begun.headers["location"]
    await page(first, password_page)
    empty = await first.post(password_page, data={"identifier": "dept.example.com", "app_password": " "})
    assert (empty.status_code, lint(empty.text)) == (422, [])
    sent = await first.post(password_page, data={"identifier": "dept.example.com", "app_password": APP_PASSWORD})
    assert sent.status_code == 303, sent.text
    assert APP_PASSWORD not in sent.text + sent.headers["location"]
    for kept in house.sessions.rows.values():
        assert CODE not in str(kept.data)
        assert APP_PASSWORD not in str(kept.data)
    tables = as_admin(urls, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for table in (row["table_name"] for row in tables):
        for row in as_admin(urls, f"SELECT t::text AS said FROM {table} t"):  # noqa: S608 - names from the catalogue
            assert CODE not in row["said"], table
            assert CODE.encode().hex() not in row["said"], table
            assert APP_PASSWORD not in row["said"], table
            assert APP_PASSWORD.encode().hex() not in row["said"], table


async def test_a_code_without_a_consent_of_this_browser_is_refused(house: House, one: Person, two: Person) -> None:
    first, again, second = (await house.browser_of(one), await house.browser_of(one), await house.browser_of(two))
    account = await registered(first)
    state = (await sent_away(first, account))["state"]
    for browser, given in ((again, state), (second, state), (first, "another-state")):
        assert (await browser.get(f"/accounts/connect/callback?code={CODE}&state={given}")).status_code == 409
    assert (await first.get(f"/accounts/connect/callback?code={CODE}&state={state}")).status_code == 303
    twice = await first.get(f"/accounts/connect/callback?code={CODE}&state={state}")
    assert twice.status_code == 409


async def test_somebody_whose_session_ended_loses_the_code_and_does_not_carry_it_on(house: House) -> None:
    answer = await house.browser().get(f"/accounts/connect/callback?code={CODE}&state=s")
    assert answer.headers["location"] == "/sign-in"


async def test_a_no_at_the_platform_is_told(house: House, one: Person) -> None:
    first = await house.browser_of(one)
    account = await registered(first)
    state = (await sent_away(first, account))["state"]
    refused = await first.get(f"/accounts/connect/callback?error=access_denied&state={state}")
    assert refused.status_code == 422
    assert "did not allow it" in refused.text
    assert f'href="{account}/connect"' in refused.text
    # Whatever it is that comes back with the same state now is not that person's consent.
    assert (await first.get(f"/accounts/connect/callback?code={CODE}&state={state}")).status_code == 409


async def test_a_failed_exchange_says_why(house: House, urls: Urls, one: Person) -> None:
    first = await house.browser_of(one)
    consent = await consented(first, await registered(first))
    with psycopg.connect(urls.worker, autocommit=True) as session:
        session.execute(
            "UPDATE connection SET status = 'failed', note = 'X took too long to answer.' WHERE id = %s",
            (UUID(consent.rsplit("/", 1)[1]),),
        )
    assert "X took too long to answer." in await page(first, consent)


async def test_connecting_asks_for_a_fresh_sign_in(house: House, one: Person) -> None:
    account = await registered(await house.browser_of(one))
    stale = await house.browser_of(one, signed_in_ago=timedelta(hours=1))
    for address, data in ((f"{account}/connect", {}), (f"/accounts/{ACCOUNTS['x']}/disconnect", {"reason": "It was hijacked."})):
        sent = await stale.post(address, data=data)
        assert urlsplit(sent.headers["location"]).path == "/step-up", address
    assert "It was hijacked." in await page(stale, f"/accounts/{ACCOUNTS['x']}/disconnect")


async def test_two_people_disconnect_an_account(house: House, urls: Urls, one: Person, two: Person) -> None:
    first, second = await house.browser_of(one), await house.browser_of(two)
    account = f"/accounts/{ACCOUNTS['linkedin']}"
    nothing = await first.post(f"{account}/disconnect", data={"reason": " "})
    assert (nothing.status_code, lint(nothing.text)) == (422, [])
    await first.post(f"{account}/disconnect", data={"reason": "It was hijacked."})
    proposal = (await page(second, account)).split(f"{account}/proposals/")[1].split('"')[0]
    assert "It was hijacked." in await page(second, f"{account}/proposals/{proposal}")
    back = await second.post(f"{account}/proposals/{proposal}/take-back")
    assert back.headers["location"] == account
    await first.post(f"{account}/disconnect", data={"reason": "It was hijacked."})
    proposal = (await page(second, account)).split(f"{account}/proposals/")[1].split('"')[0]
    await second.post(f"{account}/proposals/{proposal}/confirm")
    assert "Nothing is posted here." in await page(first, account)
    await page(first, f"{account}/disconnect", 409)


async def test_a_channel_that_people_post_to_by_hand_names_who_does(
    house: House, database: Database, one: Person, two: Person
) -> None:
    poster = await new_person(database, "officer", name="Piotr Wrona")
    first, second = await house.browser_of(one), await house.browser_of(two)
    nobody = await first.post("/accounts/new?platform=manual", data=form(handle="https://intranet.example/news"))
    assert "Name the person who posts by hand" in nobody.text
    account = await registered(first, "manual", handle="https://intranet.example/news", releaser=str(poster.id))
    assert "Piotr Wrona" in await page(first, account)
    await page(first, f"{account}/connect")
    await first.post(f"{account}/connect/by-hand", data={"reason": "The intranet page."})
    proposal = (await page(second, account)).split(f"{account}/proposals/")[1].split('"')[0]
    await second.post(f"{account}/proposals/{proposal}/confirm")
    assert "Disconnect it" in await page(first, account)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"official": ""}, "nobody&#39;s own (paragraph 38)"),
        ({"handle": ""}, "Enter its name on the platform"),
        ({"owner_team": ""}, "Enter its team"),
    ],
)
async def test_only_official_accounts_are_registered_and_nothing_typed_is_lost(
    house: House, one: Person, changes: dict[str, str], sentence: str
) -> None:
    first = await house.browser_of(one)
    typed = form(name="Pensions &c", **changes)
    sent = await first.post("/accounts/new?platform=x", data=typed)
    assert sent.status_code == 422
    assert sentence in sent.text
    assert "Pensions &amp;c" in sent.text
    assert lint(sent.text) == []


async def test_the_list_tells_whether_the_service_can_post(house: House, database: Database, urls: Urls) -> None:
    as_admin(
        urls,
        "INSERT INTO account_health (account_id, can_post, problem, ends_at, warned_days) "
        "VALUES (%s, true, '', now() + interval '6 days', 7), (%s, false, 'The platform ended the consent.', NULL, NULL)",
        ACCOUNTS["x"],
        ACCOUNTS["facebook"],
    )
    officer = await house.browser_of(await new_person(database, "officer"))
    listed = await page(officer, "/accounts")
    assert "Connect it again before" in listed
    assert "Cannot post" in listed
    assert "/accounts/new" not in listed
    seen = await page(officer, f"/accounts/{ACCOUNTS['x']}")
    assert "/connect" not in seen
    for path in ("/accounts/new", f"/accounts/{ACCOUNTS['x']}/connect", f"/accounts/{ACCOUNTS['x']}/disconnect"):
        await page(officer, path, 403)
    await page(officer, f"/accounts/{uuid4()}", 404)


async def test_a_yes_on_one_account_s_page_is_no_yes_to_another_s(house: House, urls: Urls, one: Person, two: Person) -> None:
    first, second = await house.browser_of(one), await house.browser_of(two)
    read, other = f"/accounts/{ACCOUNTS['facebook']}", f"/accounts/{ACCOUNTS['x']}"
    assert (await first.post(f"{other}/disconnect", data={"reason": "Closed."})).status_code == 303
    [asked] = as_admin(urls, "SELECT id FROM proposal WHERE asked_by = %s", one.id)
    assert (await second.post(f"{read}/proposals/{asked['id']}/confirm")).status_code == 409
    [account] = as_admin(urls, "SELECT status FROM account WHERE id = %s", ACCOUNTS["x"])
    assert account["status"] == "connected"
    assert (await second.post(f"{other}/proposals/{asked['id']}/take-back")).status_code == 303
