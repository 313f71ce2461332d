"""One demo for all the stories. It starts, and ends, with them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from countersign.embedded.forget import forget
from tests.faults.running import Running
from tests.stories.playing import Stage, apart, at_once_watched

PICTURES = "STORY_PICTURES"
"""A folder: whoever wants to look at the pages names it."""


@pytest.fixture(scope="package")
def stage(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    running = Running(tmp_path_factory.mktemp("stories"))
    try:
        apart(running.start())
        at_once_watched(running, "x", "linkedin")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            wanted = os.environ.get(PICTURES)
            playing = Stage(running, browser, Path(wanted) if wanted else None)
            playing.lose_one()
            yield playing
            playing.close()
            browser.close()
    finally:
        running.parts.stop()
        forget(running.parts.state)
