"""Stories: a published post is taken down and corrected; a post that nobody authorised is noticed and answered."""

import pytest
from playwright.sync_api import Page, expect

from tests.stories.playing import Stage, main, says

pytestmark = [pytest.mark.browser, pytest.mark.temporal]
ROGUE = "Free vouchers for everybody: send us your bank details."


def test_an_authoriser_takes_a_post_down_and_a_correction_is_linked(stage: Stage) -> None:
    draft_id = stage.posted("linkedin")
    found = stage.until(draft_id, "verified")
    ade = stage.page("ade", f"/publications/{found['id']}")
    stage.looked_at(ade, "post-published")
    ade.get_by_role("button", name="Take it down").click()
    ade.get_by_role("button", name="Take it down").click()
    says(ade, "There is a problem")
    stage.looked_at(ade, "take-down-refused")
    ade.get_by_label("Why is it taken down?").fill("The figure in it is wrong.")
    ade.get_by_role("button", name="Take it down").click()
    stage.until(draft_id, "removed")
    assert stage.standing("linkedin", found["text"]) == []
    ade.reload()
    says(ade, "Evidence kept before it was taken down")
    says(ade, found["text"])
    says(ade, "The figure in it is wrong.")
    stage.looked_at(ade, "taken-down")

    olivia = stage.page("olivia", f"/publications/{found['id']}")
    olivia.get_by_role("button", name="Write a correction").click()
    says(olivia, "This is a new draft, linked to the post it corrects.")
    stage.looked_at(olivia, "correction")
    assert olivia.get_by_label("Text of the post").input_value() == found["text"]
    ade.reload()
    expect(ade.get_by_role("heading", name="Corrections")).to_be_visible()
    ade.locator("main").get_by_role("link", name="A fault test").last.click()
    assert str(draft_id) not in ade.url, "the correction is a draft of its own"


def test_a_post_that_nobody_authorised_is_noticed_and_answered(stage: Stage) -> None:
    post_id = stage.tell("linkedin", "/_rogue", text=ROGUE)["post_id"]
    marcus = stage.page("marcus", "/alarms")
    _until_it_comes(marcus)
    stage.looked_at(marcus, "alarms")
    marcus.locator("main li").get_by_role("link").first.click()
    says(marcus, ROGUE)
    says(marcus, str(post_id))
    stage.looked_at(marcus, "alarm")
    marcus.get_by_role("button", name="Answer the alarm").click()
    says(marcus, "There is a problem")
    marcus.get_by_label("What did you find, and what did you do?").fill("Removed at the platform; the password is changed.")
    marcus.get_by_role("button", name="Answer the alarm").click()
    says(marcus, "Removed at the platform; the password is changed.")
    stage.looked_at(marcus, "alarm-answered")


def _until_it_comes(page: Page, seconds: int = 45) -> None:
    for _ in range(seconds):
        if "No alarm waits for an answer." not in main(page):
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError(main(page))
