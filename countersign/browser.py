"""Find a Chromium for the browser tests and the pictures: `python -m countersign.browser [--install]`.

Prints where it is, or why there is none (exit 1). With --install it may fetch one: Debian's through apt as root, else
Playwright's own download.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

SETTING = "CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
ELSEWHERE = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
# Without the emoji font every emoji is an empty box, in pictures too.
DEBIAN_PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-color-emoji")
INSTALL_WITHIN = 600


@dataclass(frozen=True)
class Browser:
    """`program` is None when there is none, and `reason` then says why in a sentence."""

    program: Path | None
    reason: str = ""

    @property
    def usable(self) -> bool:
        return self.program is not None


def find_browser() -> Browser:
    """The browser named by CHROMIUM, else an installed one, else the one Playwright downloaded earlier. Fetches nothing."""
    if chosen := os.environ.get(SETTING):
        if os.access(chosen, os.X_OK):
            return Browser(Path(chosen))
        return Browser(None, f"{SETTING} names {chosen}, which is not a program that can be run.")
    for name in NAMES:
        if found := shutil.which(name):
            return Browser(Path(found))
    for place in (*ELSEWHERE, playwrights_own()):
        if place is not None and os.access(place, os.X_OK):
            return Browser(place)
    return Browser(None, "There is no Chromium or Chrome on this machine: install one, or name it in CHROMIUM.")


def playwrights_own() -> Path | None:
    """Where Playwright keeps its own Chromium, whether or not it was downloaded."""
    try:
        with sync_playwright() as playwright:
            return Path(playwright.chromium.executable_path)
    except Error:
        return None


def install_browser() -> Browser:
    """The browser found, after fetching one if there was none."""
    found = find_browser()
    if found.usable or os.environ.get(SETTING):
        return found
    reasons = []
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update"], quiet)
        reasons.append(run(["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES], quiet))
        if (found := find_browser()).usable:
            return found
    reasons.append(run([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ)))
    if (found := find_browser()).usable:
        return found
    return Browser(None, " ".join([found.reason, *filter(None, reasons)]))


def run(command: list[str], environment: dict[str, str]) -> str:
    """Why the command failed, or an empty string."""
    try:
        done = subprocess.run(  # noqa: S603
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"({command[0]} failed: {problem})"
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
    return f"({' '.join(command[:3])} failed: {said})"


def main(arguments: list[str]) -> int:
    browser = install_browser() if "--install" in arguments else find_browser()
    print(browser.program or browser.reason)
    return 0 if browser.usable else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
