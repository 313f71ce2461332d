"""Take a picture of every page of a running demonstration, at two widths: `screenshots.py --url http://127.0.0.1:8000`.

Each page is looked at as the person who uses it, signed in through the demonstration's own provider. README shows some of
the pictures; the rest are for looking at before a release.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

from countersign.browser import find_browser

WIDTHS = (1100, 400)
DRAFT = r"/drafts/[0-9a-f-]{36}"


@dataclass(frozen=True)
class Picture:
    """A page as `person` sees it: `path`, or the first page that links matching `follow`, one after the other, lead to."""

    name: str
    person: str | None
    path: str
    follow: tuple[str, ...] = ()


PICTURES = (
    Picture("sign-in", None, "/sign-in"),
    Picture("my-drafts", "olivia", "/drafts"),
    Picture("write", "olivia", "/drafts/new"),
    Picture("draft", "olivia", "/drafts", (DRAFT,)),
    Picture("check", "olivia", "/drafts", (DRAFT, rf"{DRAFT}/check")),
    Picture("queue", "ade", "/queue"),
    Picture("queue-all", "ade", "/queue/all"),
    Picture("queue-decided", "ade", "/queue/decided"),
    Picture("decide", "ade", "/queue", (rf"{DRAFT}/decide",)),
    Picture("publication", "olivia", "/drafts/all", (DRAFT, r"/publications/[0-9a-f-]{36}")),
    Picture("audit", "audrey", "/audit"),
    Picture("holds", "olivia", "/holds"),
    Picture("stop-posts", "olivia", "/holds/new"),
    Picture("hold", "olivia", "/holds", (r"/holds/[0-9a-f-]{36}",)),
    Picture("needs-a-person", "ade", "/needs-a-person"),
    Picture("accounts", "olivia", "/accounts"),
    Picture("account", "olivia", "/accounts", (r"/accounts/[0-9a-f-]{36}",)),
    Picture("not-found", "olivia", "/drafts/00000000-0000-0000-0000-000000000000"),
)


def sign_in(page: Page, url: str, person: str) -> None:
    page.goto(f"{url}/sign-in")
    page.locator("main form button").first.click()
    page.locator(f"button[name=sub][value={person}]").click()
    page.wait_for_url(re.compile(re.escape(url)))


def links(page: Page, pattern: str) -> list[str]:
    """The addresses that the page's main part links to and that match, in its order."""
    paths = [link.get_attribute("href") or "" for link in page.locator("main a[href]").all()]
    return list(dict.fromkeys(path for path in paths if re.fullmatch(pattern, path)))


def led_to(page: Page, url: str, path: str, follow: tuple[str, ...]) -> Iterator[str]:
    """Every path that the links lead to; most pictures take the first."""
    if not follow:
        yield path
        return
    page.goto(url + path)
    for found in links(page, follow[0]):
        yield from led_to(page, url, found, follow[1:])


def take(browser: Browser, url: str, picture: Picture, folder: Path) -> bool:
    """Whether there was such a page to take."""
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, locale="en-GB", timezone_id="Europe/London")
    try:
        page = context.new_page()
        if picture.person:
            sign_in(page, url, picture.person)
        path = next(led_to(page, url, picture.path, picture.follow), None)
        if path is None:
            return False
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(url + path)
            page.screenshot(path=folder / f"{picture.name}-{width}.png", full_page=True)
        return True
    finally:
        context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Take a picture of every page of a running demonstration.")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    parser.add_argument("names", nargs="*", help="only these pictures")
    chosen = parser.parse_args()
    found = find_browser()
    if found.program is None:
        print(found.reason, file=sys.stderr)
        return 1
    chosen.folder.mkdir(parents=True, exist_ok=True)
    missing = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.program, args=["--no-sandbox"])
        for picture in PICTURES:
            if chosen.names and picture.name not in chosen.names:
                continue
            try:
                taken = take(browser, chosen.url.rstrip("/"), picture, chosen.folder)
            except Error as problem:
                print(f"{picture.name}: {problem.message.splitlines()[0]}", file=sys.stderr)
                taken = False
            print(f"{picture.name}: {'taken' if taken else 'not taken'}", flush=True)
            missing += [] if taken else [picture.name]
        browser.close()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
