"""Story: a hold stands when a post falls due; the post waits, two people lift the hold, and a new time publishes it."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from core.domain.calendar import LONDON
from tests.stories.playing import Stage, main, says

pytestmark = [pytest.mark.browser, pytest.mark.temporal]


def test_a_due_post_waits_for_two_people_and_a_new_time_all_without_javascript(stage: Stage) -> None:
    draft_id = stage.posted("facebook", seconds=25)
    ade = stage.page("ade", "/holds", scripts=False)
    ade.get_by_role("button", name="Stop posts").click()
    ade.get_by_label("Everything on Facebook").check()
    ade.get_by_label("Why").fill("An incident at one of our offices.")
    ade.get_by_role("button", name="Place the hold").click()
    says(ade, "Nothing goes out on Facebook")
    hold = ade.url

    held = stage.until(draft_id, "held")
    ade.goto(hold)
    says(ade, "1 post waits for somebody to give it a new time or withdraw it.")
    stage.looked_at(ade, "hold-with-a-post")
    assert held["posts"] == 0

    priya = stage.page("priya", hold.removeprefix(stage.url), scripts=False)
    priya.get_by_role("button", name="Lift it").click()
    priya.get_by_label("Reason").fill("The incident is over.")
    stage.looked_at(priya, "lift-ask")
    priya.get_by_role("button", name="Ask a second person to lift it").click()
    priya.get_by_role("button", name="See who asked to lift it").click()
    says(priya, "You asked for this, so somebody else must confirm it.")
    ade = stage.needs("ade", "Lift a hold", scripts=False)
    stage.looked_at(ade, "lift-confirm")
    ade.get_by_role("button", name="Lift the hold").click()
    says(ade, "A hold that is over")
    assert stage.publication(draft_id)["state"] == "held", "lifting releases nothing by itself"

    olivia = stage.page("olivia", f"/publications/{held['id']}", scripts=False)
    stage.looked_at(olivia, "held-post")
    olivia.get_by_role("button", name="Give it a new time").click()
    due = (datetime.now(UTC) + timedelta(seconds=75)).astimezone(LONDON)
    for name, value in (("day", due.day), ("month", due.month), ("year", due.year), ("time", f"{due:%H:%M}")):
        olivia.fill(f"#publish-{name}", str(value))
    olivia.get_by_role("button").last.click()
    assert "a problem" not in main(olivia)
    found = stage.until(draft_id, "verified", seconds=100)
    assert found["posts"] == 1
    olivia.goto(f"{stage.url}/publications/{held['id']}")
    expect(olivia.locator("main")).to_contain_text("Published and checked")
    stage.looked_at(olivia, "post-after-the-hold")
