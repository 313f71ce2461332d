"""A draft that answers another post, through the pages: fetched, shown, part of what is authorised; nothing typed is lost."""

import re

import pytest

from core.domain.content import Target
from core.records.database import Database
from core.records.targets import take_requests, write_capture
from tests.kit import ACCOUNTS, Cast, Urls, new_cast
from tests.web.house import House, page, typed
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]
X, LINKEDIN = str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])
ADDRESS = "https://x.com/a_reader/status/77"
ANSWER = {"target_kind": "reply", "target_address": ADDRESS}


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


async def captured(worker: Database, words: str = "When do you <open> in Leeds?") -> None:
    """What the worker's loop does, with a platform that shows this post."""
    async with worker.transaction() as session:
        (request,) = await take_requests(session)
        await write_capture(session, request.id, Target("reply", "77", ADDRESS, "@a_reader", words))


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


async def test_a_post_to_answer_is_fetched_shown_and_then_saved(
    house: House, cast: Cast, worker_database: Database, database: Database
) -> None:
    browser = await house.browser_of(cast.officer)
    form = typed(X, text="At nine.", **ANSWER)
    waiting = await browser.post("/drafts/new", data=form)
    assert waiting.status_code == 422
    assert lint(waiting.text) == []
    assert "The service is fetching that post" in waiting.text
    assert 'href="#target_address"' in waiting.text
    assert "At nine." in waiting.text
    assert f'value="{ADDRESS}"' in waiting.text
    again = {**form, "target": hidden(waiting.text, "target")}
    assert "is fetching that post" in (await browser.post("/drafts/new", data=again)).text, "the same request, asked for once"
    await captured(worker_database)
    shown = await browser.post("/drafts/new", data={**again, "purpose": ""})
    assert "When do you &lt;open&gt; in Leeds?" in shown.text
    assert "@a_reader" in shown.text
    saved = await browser.post("/drafts/new", data=again)
    assert saved.status_code == 303
    check = await page(browser, saved.headers["location"])
    assert "Replies to this post" in check
    assert "When do you &lt;open&gt; in Leeds?" in check


async def test_authorisers_see_the_post_as_it_was_captured(house: House, cast: Cast, worker_database: Database) -> None:
    browser = await house.browser_of(cast.officer)
    form = typed(X, text="At nine.", **ANSWER)
    form["target"] = hidden((await browser.post("/drafts/new", data=form)).text, "target")
    await captured(worker_database)
    draft = (await browser.post("/drafts/new", data=form)).headers["location"].removesuffix("/check")
    digest = hidden(await page(browser, f"{draft}/check"), "digest")
    await browser.post(f"{draft}/submit", data={"digest": digest})
    decide = await page(await house.browser_of(cast.press), f"{draft}/decide")
    assert "Replies to this post" in decide
    assert "When do you &lt;open&gt; in Leeds?" in decide
    edit = await page(browser, f"{draft}/edit")
    assert f'value="{ADDRESS}"' in edit
    same = await browser.post(f"{draft}/edit", data={**form, "based_on": "1"})
    assert same.headers["location"] == draft
    assert "there is no new version" in await page(browser, draft)
    without = {name: value for name, value in form.items() if not name.startswith("target")}
    assert (await browser.post(f"{draft}/edit", data={**without, "based_on": "1"})).headers["location"] == f"{draft}/check"


async def test_a_post_that_changed_is_fetched_again_and_makes_a_new_version(
    house: House, cast: Cast, worker_database: Database
) -> None:
    browser = await house.browser_of(cast.officer)
    form = typed(X, text="At nine.", **ANSWER)
    form["target"] = hidden((await browser.post("/drafts/new", data=form)).text, "target")
    await captured(worker_database)
    draft = (await browser.post("/drafts/new", data=form)).headers["location"].removesuffix("/check")
    assert "Fetch that post again" in await page(browser, f"{draft}/edit")
    again = await browser.post(f"{draft}/edit", data={**form, "based_on": "1", "target_again": "yes"})
    assert "is fetching that post" in again.text
    assert hidden(again.text, "target") != form["target"]
    await captured(worker_database, "When do you open in York?")
    saved = await browser.post(f"{draft}/edit", data={**form, "based_on": "1", "target": hidden(again.text, "target")})
    assert saved.headers["location"] == f"{draft}/check"
    assert "in York?" in await page(browser, f"{draft}/check")


async def test_a_post_on_one_platform_is_not_answered_from_another(house: House, cast: Cast) -> None:
    browser = await house.browser_of(cast.officer)
    refused = await browser.post("/drafts/new", data=typed(X, LINKEDIN, text="At nine.", **ANSWER))
    assert refused.status_code == 422
    assert lint(refused.text) == []
    assert "Split it" in refused.text
    assert "At nine." in refused.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"target_address": ""}, "target_address"),
        ({"target_address": "not an address"}, "target_address"),
        ({"target_kind": ""}, "target_kind"),
        ({"target_kind": "repost"}, "target_kind"),
        ({"target_kind": "nonsense"}, "target_kind"),
        ({"target": "nonsense"}, "target_address"),
    ],
)
async def test_what_is_missing_or_not_offered_is_said_beside_its_field(
    house: House, cast: Cast, changes: dict[str, str], field: str
) -> None:
    browser = await house.browser_of(cast.officer)
    refused = await browser.post("/drafts/new", data=typed(X, text="At nine.", **{**ANSWER, **changes}))
    assert refused.status_code == 422
    assert lint(refused.text) == []
    assert f'href="#{field}"' in refused.text
