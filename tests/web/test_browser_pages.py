"""Every page in a real browser: accessible, within its width, its console clean; and the main job without JavaScript."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from core.domain.prompts import PROMPTS
from tests.web.live import Live, live

pytestmark = [pytest.mark.browser, pytest.mark.database]
__all__ = ["live"]

WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
PAGES = [
    ("press", "/queue"),
    ("officer", "/queue/all"),
    ("press", "/queue/decided"),
    ("officer", "/drafts"),
    ("officer", "/drafts/new"),
    ("officer", "{written}/edit"),
    ("officer", "{written}/check"),
    ("officer", "{written}"),
    ("officer", "{waiting}"),
    ("officer", "{waiting}/withdraw"),
    ("officer", "{waiting}/reschedule"),
    ("press", "{waiting}/decide"),
    ("officer", "{answered}"),
    ("officer", "{authorised}"),
    ("auditor", "/audit"),
    ("officer", "/holds"),
    ("officer", "/holds/new"),
    ("officer", "{hold}?updating=no"),
    ("press", "{hold}/lift"),
    ("officer", "/needs-a-person"),
    ("press", "{post}"),
    ("press", "{post}/ask/adopt"),
    ("policy", "{asked}"),
    ("manager", "/accounts"),
    ("manager", "/accounts/new"),
    ("manager", "/accounts/new?platform=mastodon"),
    ("manager", "/accounts/new?platform=manual"),
    ("manager", "{account}"),
    ("manager", "{account}/connect"),
    ("manager", "{account}/disconnect"),
    ("manager", "/alarms"),
    ("manager", "{alarm}"),
    ("press", "/nowhere"),
    ("officer", "/audit"),
    ("old", "/step-up?next=/queue"),
    ("", "/sign-in"),
    ("", "/signed-out"),
]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


def _opened(browser: Browser, live: Live, who: str, *, width: int = 1100, scripts: bool = True) -> BrowserContext:
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    if who:
        context.add_cookies([{"name": "countersign", "value": live.cookies[who], "url": live.base}])
    return context


@pytest.mark.parametrize("width", [1100, 400])
@pytest.mark.parametrize(("who", "path"), PAGES)
def test_every_page_is_accessible_at_every_width(browser: Browser, live: Live, who: str, path: str, width: int) -> None:
    with _opened(browser, live, who, width=width) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(live.base + path.format(**live.drafts))
        assert _violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert [line for line in said if "Failed to load resource: the server responded with a status of 40" not in line] == []


def _violations(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page, options=WCAG).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("width", [1100, 400])
def test_a_refused_form_is_accessible_too(browser: Browser, live: Live, width: int) -> None:
    with _opened(browser, live, "officer", width=width) as context:
        page = context.new_page()
        page.goto(f"{live.base}/drafts/new")
        page.fill("#publish-time", "soon")
        page.get_by_role("button", name="Save and check").click()
        assert page.title().startswith("Error: ")
        assert page.evaluate("document.activeElement.className").startswith("govuk-error-summary")
        assert _violations(page) == []
        page.get_by_role("link", name="The publish time must have a time").click()
        assert page.evaluate("document.activeElement.id") == "publish-time"


@pytest.mark.parametrize("width", [1100, 400])
def test_a_page_that_waits_for_the_worker_is_accessible_too(browser: Browser, live: Live, width: int) -> None:
    """It looks again by itself, by a header that is left out here: it would go away under the checker."""
    with _opened(browser, live, "manager", width=width) as context:
        page = context.new_page()
        address = live.base + live.drafts["exchanging"]
        answer = context.request.get(address)
        assert answer.headers["refresh"].endswith(live.drafts["exchanging"])
        headers = {name: value for name, value in answer.headers.items() if name != "refresh"}
        page.route(address, lambda route: route.fulfill(status=200, headers=headers, body=answer.text()))
        page.goto(address)
        assert page.inner_text("h1") == "Being connected"
        assert _violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_main_job_needs_no_javascript(browser: Browser, live: Live, scripts: bool) -> None:
    purpose = f"Winter payments, scripts {scripts}"
    with _opened(browser, live, "officer", scripts=scripts) as context:
        address = _submitted(context.new_page(), live, purpose)
    with _opened(browser, live, "press", scripts=scripts) as context:
        page = context.new_page()
        page.goto(f"{live.base}/queue")
        page.get_by_role("link", name=purpose).click()
        page.get_by_label("Authorise", exact=True).check()
        for prompt in PROMPTS:
            page.get_by_label(prompt.statement).check()
        page.get_by_role("button", name="Continue").click()
        assert "under your name" in page.inner_text("main")
        page.get_by_role("button", name="Authorise").click()
        assert "You authorised it" in page.inner_text("h1")
        page.goto(live.base + address)
        assert "Waiting" in page.inner_text("main")


def _submitted(page: Page, live: Live, purpose: str) -> str:
    page.goto(f"{live.base}/drafts/new")
    page.get_by_label("What is this post for?").fill(purpose)
    page.get_by_label("Text of the post").fill("Check what help you can get at https://www.gov.uk/winter")
    page.locator("input[name=accounts]").first.check()
    page.get_by_role("button", name="Save and check").click()
    page.get_by_role("button", name="Submit for authorisation").click()
    return page.url.removeprefix(live.base)


def test_what_was_typed_survives_being_asked_to_sign_in_again(browser: Browser, live: Live) -> None:
    with _opened(browser, live, "old") as context:
        page = context.new_page()
        page.goto(f"{live.base}{live.drafts['second']}/decide")
        page.get_by_label("Reject").check()
        page.get_by_label("Reason").fill("It repeats last week's post.")
        page.get_by_role("button", name="Continue").click()
        assert "Sign in again" in page.inner_text("h1")
        page.goto(f"{live.base}{live.drafts['second']}/decide/confirm")
        assert "It repeats last week's post." in page.inner_text("main")
