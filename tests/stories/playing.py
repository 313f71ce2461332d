"""The demo with a browser for each of its people, and what they do again and again."""

import asyncio
import re
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx2
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.domain.publication import BY_HAND
from core.use_cases.alarms import set_watch
from countersign.demo.seeds import account_id
from tests.faults.running import Running, in_seconds

T = TypeVar("T")
WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
WIDTHS = (1100, 400)
PATIENTLY = 40_000
"""Milliseconds: what takes a second on a quiet machine may take many on a busy one."""


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own: Playwright's is running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class Stage:
    """The running demo, as people see it. `pictures`: where pages are photographed, if anywhere."""

    def __init__(self, running: Running, browser: Browser, pictures: Path | None = None) -> None:
        self.running, self.browser, self.pictures = running, browser, pictures
        self.url = running.parts.base_url
        self._lost: UUID | None = None
        self._contexts: dict[tuple[str, bool], BrowserContext] = {}
        self._http = httpx2.Client(trust_env=False, timeout=20)

    def lose_one(self) -> None:
        """A post to X that never arrives, at the beginning: a minute must pass before it may be sent again."""
        self.tell("x", "/_lie", mode="cut_before")
        self._lost = self.posted("x", seconds=6)
        self.until(self._lost, "unknown")

    @property
    def lost(self) -> UUID:
        """The draft of that post."""
        assert self._lost is not None
        return self._lost

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()

    # People

    def page(self, who: str, path: str = "", *, scripts: bool = True) -> Page:
        """A tab of this person's browser, signed in through the demo's provider."""
        context = self._contexts.get((who, scripts))
        if context is None:
            context = self._contexts[who, scripts] = self._signed_in(who, scripts=scripts)
        page = context.new_page()
        page.set_default_timeout(PATIENTLY)
        if path:
            page.goto(self.url + path)
        return page

    def _signed_in(self, who: str, *, scripts: bool) -> BrowserContext:
        context = self.browser.new_context(
            viewport={"width": WIDTHS[0], "height": 900}, java_script_enabled=scripts, locale="en-GB", timezone_id="Europe/London"
        )
        page = context.new_page()
        page.goto(f"{self.url}/sign-in")
        page.locator("main form button").first.click()
        page.locator(f"button[name=sub][value={who}]").click()
        page.wait_for_url(re.compile(re.escape(self.url)))
        page.close()
        return context

    def needs(self, who: str, title: str, *, scripts: bool = True) -> Page:
        """This person opens the newest of what waits for people under this title."""
        page = self.page(who, "/needs-a-person", scripts=scripts)
        page.get_by_role("link", name=title, exact=True).last.click()
        return page

    # Posts

    def posted(self, *platforms: str, seconds: float = 4.0) -> UUID:
        """A draft for these platforms, authorised by two people and due in so many seconds."""
        return apart(self.running.authorised(1, due=in_seconds(seconds), platforms=platforms))[0]

    def publication(self, draft_id: UUID) -> dict[str, Any]:
        """The draft's one publication, its moves, and how many posts its sandbox ever accepted for it."""
        (row,) = self.running.rows(
            "SELECT p.id, p.state, a.platform, v.source ->> 'text' AS text, "
            "(SELECT array_agg(after ORDER BY number) FROM transition t WHERE t.publication_id = p.id) AS moves "
            "FROM publication p JOIN account a ON a.id = p.account_id "
            "JOIN submission s ON s.id = p.submission_id JOIN version v ON v.id = s.version_id WHERE p.draft_id = %(draft)s",
            draft=draft_id,
        )
        ledger = self.ledger(row["platform"]) if row["platform"] != BY_HAND else []
        return {**row, "posts": sum(post["text"] == row["text"] for post in ledger)}

    def until(self, draft_id: UUID, *states: str, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until the draft's one publication stands in one of these states."""
        deadline = time.monotonic() + seconds
        query = "SELECT state FROM publication WHERE draft_id = %(draft)s"
        while not (found := self.running.rows(query, draft=draft_id)) or found[0]["state"] not in states:
            assert time.monotonic() < deadline, (states, found)
            time.sleep(0.3)
        return self.publication(draft_id)

    # Sandboxes

    def sandbox(self, platform: str, path: str = "") -> str:
        return self.running.parts.addresses.url(platform) + path

    def tell(self, platform: str, path: str, **body: Any) -> dict[str, Any]:
        """POST to one of the sandbox's own switches."""
        answer = self._http.post(self.sandbox(platform, path), json=body)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def ledger(self, platform: str) -> list[dict[str, Any]]:
        return list(self._http.get(self.sandbox(platform, "/_ledger")).json()["posts"])

    def standing(self, platform: str, text: str) -> list[dict[str, Any]]:
        """The posts with this text that were accepted and not removed since."""
        return [post for post in self.ledger(platform) if post["text"] == text and not post.get("deleted_at")]

    # What every page must be

    def looked_at(self, page: Page, name: str) -> None:
        """Accessible and within its width at both widths; photographed where somebody wants to see it.

        Without JavaScript nothing can be measured, so the same address is opened once more with it.
        """
        without = next((who for (who, scripts), kept in self._contexts.items() if kept is page.context and not scripts), None)
        if without is not None:
            page = self.page(without, page.url.removeprefix(self.url))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert violations(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (name, width)
            if self.pictures is not None:
                page.screenshot(path=self.pictures / f"{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def violations(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page, options=WCAG).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


def main(page: Page) -> str:
    return page.locator("main").inner_text()


def says(page: Page, words: str | re.Pattern[str]) -> None:
    expect(page.locator("main")).to_contain_text(words, timeout=PATIENTLY)


def at_once_watched(running: Running, *platforms: str) -> None:
    """As often as an account manager may have an account read."""

    async def watch() -> None:
        database = running.database()
        try:
            for platform in platforms:
                async with database.transaction() as session:
                    await set_watch(
                        session, by=running.people["marcus"], account_id=account_id(platform), every=timedelta(seconds=15)
                    )
        finally:
            await database.close()

    apart(watch())
