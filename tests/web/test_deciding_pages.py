"""Deciding through the pages: look, answer, confirm, done."""

import html as html_text
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from core.domain.prompts import PROMPTS
from core.records.database import Database
from core.use_cases.drafting import save_draft
from core.use_cases.submitting import submit
from tests.kit import ACCOUNTS, Cast, Urls, in_minutes, new_cast, source, submitted
from tests.web.house import House, page
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]
CONFIRMED = [prompt.key for prompt in PROMPTS]


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


def _hidden(html: str) -> dict[str, Any]:
    """The hidden fields of the page's form, repeated names as lists."""
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html):
        fields.setdefault(name, []).append(html_text.unescape(value))
    return fields


async def _answer(browser: httpx2.AsyncClient, draft: str, **typed: Any) -> httpx2.Response:
    shown = _hidden(await page(browser, f"{draft}/decide"))
    return await browser.post(f"{draft}/decide", data={**shown, **typed})


async def _confirm(browser: httpx2.AsyncClient, draft: str) -> httpx2.Response:
    html = await page(browser, f"{draft}/decide/confirm")
    return await browser.post(f"{draft}/decide/confirm", data=_hidden(html))


async def test_two_people_authorise_and_each_is_told_what_happens_next(house: House, cast: Cast, database: Database) -> None:
    draft = f"/drafts/{(await submitted(database, cast.officer)).draft_id}"
    press = await house.browser_of(cast.press)
    assert draft in await page(press, "/queue")
    answered = await _answer(press, draft, answer="authorise", confirmed=CONFIRMED)
    assert answered.headers["location"] == f"{draft}/decide/confirm"
    confirm = await page(press, f"{draft}/decide/confirm")
    assert "Everybody: public posts on X" in confirm
    assert "paragraph 35" in confirm
    assert (await _confirm(press, draft)).headers["location"] == f"{draft}/outcome"
    outcome = await page(press, f"{draft}/outcome")
    assert "You authorised it" in outcome
    assert "Policy owner" in outcome
    policy = await house.browser_of(cast.policy)
    await _answer(policy, draft, answer="authorise", confirmed=CONFIRMED)
    await _confirm(policy, draft)
    assert "Everybody required has authorised it" in await page(policy, f"{draft}/outcome")
    assert "Authorised" in await page(policy, draft)
    await page(press, "/queue/decided")


async def test_the_author_sees_why_the_decision_is_not_theirs(house: House, database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    author = cast.press
    draft = f"/drafts/{(await submitted(database, author)).draft_id}"
    browser = await house.browser_of(author)
    shown = await page(browser, f"{draft}/decide")
    assert "one person&#39;s signature" in shown
    assert 'name="answer"' not in shown
    forged = await browser.post(
        f"{draft}/decide", data={"digest": _digest(shown), "step": "1", "answer": "authorise", "confirmed": CONFIRMED}
    )
    assert forged.status_code == 409
    again = await browser.post(
        f"{draft}/decide/confirm", data={"digest": _digest(shown), "step": "1", "answer": "authorise", "confirmed": CONFIRMED}
    )
    assert again.status_code == 403


def _digest(html: str) -> str:
    found = re.search(r"v1:sha256:[0-9a-f]{64}", html)
    return found[0] if found else ""


@pytest.mark.parametrize(
    ("typed", "field"),
    [({}, "answer"), ({"answer": "authorise"}, "confirmed"), ({"answer": "reject", "reason": "  "}, "reason")],
)
async def test_an_incomplete_answer_comes_back_with_everything_typed(
    house: House, cast: Cast, database: Database, typed: dict[str, str], field: str
) -> None:
    draft = f"/drafts/{(await submitted(database, cast.officer)).draft_id}"
    browser = await house.browser_of(cast.press)
    refused = await _answer(browser, draft, **typed)
    assert refused.status_code == 422
    assert f'href="#{field}"' in refused.text
    assert lint(refused.text) == []


async def test_a_draft_that_changed_while_it_was_read_records_nothing(house: House, cast: Cast, database: Database) -> None:
    saved = await submitted(database, cast.officer)
    draft = f"/drafts/{saved.draft_id}"
    browser = await house.browser_of(cast.press)
    await _answer(browser, draft, answer="authorise", confirmed=CONFIRMED)
    confirm = _hidden(await page(browser, f"{draft}/decide/confirm"))
    await _new_version(database, cast, saved.draft_id, text="Check today if you can get Pension Credit.")
    refused = await browser.post(f"{draft}/decide/confirm", data=confirm)
    assert refused.status_code == 409
    assert "has changed since you opened it" in refused.text
    assert f'href="{draft}"' in refused.text
    changed = await page(browser, f"{draft}/decide")
    assert "What changed since version 1" in changed
    assert re.search(r"<ins>.*today", changed)


async def _new_version(database: Database, cast: Cast, draft_id: Any, **changes: Any) -> None:
    async with database.transaction() as session:
        saved = await save_draft(
            session,
            by=cast.officer,
            draft_id=draft_id,
            seen_version=1,
            source=source(account_ids=(str(ACCOUNTS["x"]),), **changes),
            publish_at=in_minutes(60),
        )
    async with database.transaction() as session:
        await submit(session, by=cast.officer, draft_id=draft_id, digest=saved.digest)


async def test_an_old_sign_in_is_asked_again_and_what_was_typed_survives(house: House, cast: Cast, database: Database) -> None:
    draft = f"/drafts/{(await submitted(database, cast.officer)).draft_id}"
    browser = await house.browser_of(cast.press, signed_in_ago=timedelta(minutes=20))
    answered = await _answer(browser, draft, answer="ask_for_changes", reason="Name the scheme.")
    assert answered.headers["location"].startswith("/step-up?next=")
    assert "Name the scheme." in await page(browser, f"{draft}/decide/confirm")
    unproven = await _confirm(browser, draft)
    assert unproven.headers["location"].startswith("/step-up?next=")
    assert "Awaiting authorisation" in await page(browser, draft)


async def test_asking_for_changes_shows_the_reason_to_the_author(house: House, cast: Cast, database: Database) -> None:
    draft = f"/drafts/{(await submitted(database, cast.officer)).draft_id}"
    press = await house.browser_of(cast.press)
    await _answer(press, draft, answer="ask_for_changes", reason="Name the <scheme>.")
    await _confirm(press, draft)
    author = await house.browser_of(cast.officer)
    shown = await page(author, draft)
    assert "Name the &lt;scheme&gt;." in shown
    assert "Changes asked for" in shown
