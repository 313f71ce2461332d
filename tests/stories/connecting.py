"""Connecting an account as account managers do it: one consents and asks, a colleague confirms."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from countersign.demo.seeds import account_id
from tests.stories.playing import Stage, main, says

ABLE = ("The service can post here what was authorised.", "who posts it by hand")
WHY = "We publish there from December."


def account_page(stage: Stage, who: str, platform: str, *, scripts: bool = True) -> Page:
    return stage.page(who, f"/accounts/{account_id(platform)}", scripts=scripts)


def to_the_consent_page(stage: Stage, page: Page, platform: str) -> None:
    """From the account's page to the platform's. A server that does not know the service yet is told of it first."""
    page.get_by_role("button", name=re.compile("^Connect it( again)?$")).click()
    sandbox, deadline = stage.sandbox(platform), 20
    for _ in range(deadline):
        page.get_by_role("button", name="Continue").click()
        arrived = page.get_by_role("button", name="Allow", exact=True)
        expect(arrived.or_(page.locator(".govuk-error-summary")).first).to_be_visible(timeout=40_000)
        if page.url.startswith(sandbox):
            return
        page.wait_for_timeout(500)
    raise AssertionError(main(page))


def consented(stage: Stage, page: Page, platform: str, *, tick: Callable[[Page], None] | None = None) -> None:
    """Allow it there, and wait at home until the worker has exchanged the answer."""
    to_the_consent_page(stage, page, platform)
    if tick is not None:
        tick(page)
    page.get_by_role("button", name="Allow", exact=True).click()
    found(page)


def found(page: Page) -> None:
    expect(page.get_by_role("heading", name="Ask a colleague to confirm")).to_be_visible(timeout=40_000)


def asked(page: Page, *, reason: str = WHY) -> None:
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name="Ask a colleague to confirm").click()
    says(page, "Connect it: Marcus Bell asked, and a second person must confirm.")


def confirmed_by_grace(stage: Stage, marcus: Page, platform: str, *, scripts: bool = True) -> Page:
    """Marcus cannot confirm what he asked for; Grace can."""
    marcus.get_by_role("link", name="Look at it").click()
    says(marcus, "You asked for this, so somebody else must confirm it.")
    expect(marcus.get_by_role("button", name="Connect the account")).to_have_count(0)
    grace = stage.page("grace", "/needs-a-person", scripts=scripts)
    grace.get_by_role("link", name="Connect an account", exact=True).last.click()
    grace.get_by_role("button", name="Connect the account").click()
    expect(grace.locator(".govuk-notification-banner")).to_contain_text("It is connected.")
    able(grace)
    return grace


def able(page: Page) -> None:
    """The worker looks by itself whether it can post there, within seconds."""
    for _ in range(40):
        assert "Cannot post" not in main(page), "nothing is wrong with what was connected a moment ago"
        if any(words in main(page) for words in ABLE):
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(main(page))


def disconnected(stage: Stage, platform: str) -> Page:
    """Marcus asks, Grace confirms; returns Marcus on the account's page."""
    marcus = account_page(stage, "marcus", platform)
    marcus.get_by_role("button", name="Disconnect it").click()
    marcus.get_by_label("Reason").fill("Its password was seen on a screen.")
    marcus.get_by_role("button", name="Ask a second person to disconnect it").click()
    grace = stage.needs("grace", "Disconnect an account")
    grace.get_by_role("button", name="Disconnect the account").click()
    says(grace, "Nothing is posted here.")
    marcus.reload()
    return marcus
