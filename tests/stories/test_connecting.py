"""Story: an account manager connects an account through the platform's own consent page, and a colleague confirms it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.domain.calendar import LONDON
from core.domain.prompts import PROMPTS
from countersign.demo.seeds import BESIDES, TO_CONNECT, account_id
from tests.stories.connecting import (
    account_page,
    asked,
    confirmed_by_grace,
    consented,
    disconnected,
    found,
)
from tests.stories.playing import Stage, main, says

pytestmark = [pytest.mark.browser, pytest.mark.temporal]
WORDS = "The winter booklet is out: what help there is, and how to ask for it."


@pytest.fixture(scope="module")
def mastodon(stage: Stage) -> None:
    """The service tells the server of itself, people consent, choose and confirm."""
    marcus = account_page(stage, "marcus", "mastodon")
    stage.looked_at(marcus, "account-registered")
    consented(stage, marcus, "mastodon")
    stage.looked_at(marcus, "connect-ask")
    asked(marcus)
    grace = confirmed_by_grace(stage, marcus, "mastodon")
    stage.looked_at(grace, "account-connected")


@pytest.fixture(scope="module")
def bluesky(stage: Stage) -> None:
    """An app password, sealed at once."""
    marcus = account_page(stage, "marcus", "bluesky")
    marcus.get_by_role("button", name="Connect it").click()
    stage.looked_at(marcus, "connect-by-password")
    marcus.get_by_role("button", name="Continue").click()
    stage.looked_at(marcus, "app-password")
    marcus.get_by_role("button", name="Connect").click()
    stage.looked_at(marcus, "app-password-refused")
    password = (Path(stage.running.parts.state) / "secrets" / "token_bluesky").read_text().strip()
    marcus.get_by_label("App password").fill(password)
    marcus.get_by_role("button", name="Connect").click()
    found(marcus)
    assert password not in marcus.content()
    asked(marcus)
    confirmed_by_grace(stage, marcus, "bluesky")


@pytest.fixture(scope="module")
def booklet(stage: Stage, mastodon: None, bluesky: None) -> str:
    """A draft for both, written, submitted and authorised on the pages; its address. It is due while other stories are played."""
    address = _written(stage, "mastodon", "bluesky")
    for who in ("ade", "priya"):
        _authorised(stage.page(who, f"{address}/decide"))
    return address


def test_accounts_that_were_connected_here_can_be_written_for(stage: Stage, booklet: str) -> None:
    says(stage.page("olivia", booklet), "Department for Examples on Mastodon")


def _written(stage: Stage, *platforms: str) -> str:
    """Olivia writes and submits it for the next minute; returns the draft's address."""
    page = stage.page("olivia", "/drafts/new")
    page.get_by_label("What is this post for?").fill("The winter booklet")
    page.get_by_label("Text of the post").fill(WORDS)
    for platform in platforms:
        page.locator(f"input[name=accounts][value='{account_id(platform)}']").check()
    due = (datetime.now(UTC) + timedelta(seconds=90)).astimezone(LONDON)
    for name, value in (("day", due.day), ("month", due.month), ("year", due.year), ("time", f"{due:%H:%M}")):
        page.fill(f"#publish-{name}", str(value))
        page.fill(f"#window_start-{name}", str(value))
    page.get_by_role("button", name="Save and check").click()
    page.get_by_role("button", name="Submit for authorisation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The winter booklet")
    return page.url.removeprefix(stage.url)


def _authorised(page: Page) -> None:
    page.get_by_label("Authorise", exact=True).check()
    for prompt in PROMPTS:
        page.get_by_label(prompt.statement).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Authorise").click()
    assert "You authorised it" in page.inner_text("h1")


@pytest.mark.parametrize("platform", ["x", "facebook", "linkedin"])
def test_a_disconnected_account_is_connected_again_to_the_same_one_alone(stage: Stage, platform: str) -> None:
    marcus = disconnected(stage, platform)
    if platform in BESIDES:
        consented(stage, marcus, platform, tick=lambda page: _tick_all(page, BESIDES[platform][2]))
        stage.looked_at(marcus, f"choose-{platform}")
        marcus.get_by_label(BESIDES[platform][2]).check()
        marcus.get_by_label("Why").fill("The wrong one, chosen by mistake.")
        marcus.get_by_role("button", name="Ask a colleague to confirm").click()
        says(marcus, "another account")
        stage.looked_at(marcus, f"other-account-{platform}")
        marcus.get_by_label("Department for Examples").check()
    else:
        consented(stage, marcus, platform)
    asked(marcus, reason="The password was changed.")
    confirmed_by_grace(stage, marcus, platform)


def _tick_all(page: Page, other: str) -> None:
    """Where the consent page lets a person allow several, allow them all; where it asks for one, the token opens them all."""
    for box in page.locator("input[type=checkbox][name=account]").all():
        box.check()


def test_a_consent_that_was_denied_is_said_and_connects_nothing(stage: Stage) -> None:
    marcus = account_page(stage, "marcus", "x")
    marcus.goto(f"{stage.url}/accounts/{account_id('x')}/connect")
    marcus.get_by_role("button", name="Continue").click()
    marcus.get_by_role("button", name="Do not allow").click()
    says(marcus, "allow")
    stage.looked_at(marcus, "denied")
    assert marcus.url.startswith(stage.url)
    assert "Start again" in main(marcus)
    marcus.goto(f"{stage.url}/accounts/{account_id('x')}")
    says(marcus, "The service can post here what was authorised.")


def test_a_consent_given_by_another_account_is_refused(stage: Stage, mastodon: None) -> None:
    """The person was signed in at the platform as somebody else."""
    marcus = account_page(stage, "marcus", "mastodon")
    marcus.goto(f"{stage.url}/accounts/{account_id('mastodon')}/connect")
    marcus.get_by_role("button", name="Continue").click()
    marcus.get_by_label(BESIDES["mastodon"][2]).check()
    marcus.get_by_role("button", name="Allow", exact=True).click()
    found(marcus)
    marcus.get_by_label("Why").fill("Renewed.")
    marcus.get_by_role("button", name="Ask a colleague to confirm").click()
    says(marcus, "another account")


def test_what_was_written_for_them_is_published_and_read_back(stage: Stage, booklet: str) -> None:
    draft = stage.page("olivia", booklet)
    for _ in range(80):
        if main(draft).count("Published and checked") >= 2:
            break
        draft.wait_for_timeout(1500)
        draft.reload()
    stage.looked_at(draft, "draft-published")
    for platform in ("mastodon", "bluesky"):
        posts = [post for post in stage.ledger(platform) if post["text"] == WORDS]
        assert [post["account"] for post in posts] == [TO_CONNECT[platform][0]]
