"""Story: an account that no machine reaches. One person posts, gives the address, and somebody else compares."""

import pytest
from playwright.sync_api import expect

from tests.stories.connecting import account_page, asked, confirmed_by_grace
from tests.stories.playing import Stage, main, says

pytestmark = [pytest.mark.browser, pytest.mark.temporal]


@pytest.fixture(scope="module")
def by_hand(stage: Stage) -> None:
    """Connected by two people, unless another story did it."""
    marcus = account_page(stage, "marcus", "manual")
    if marcus.get_by_role("button", name="Ask for it to be connected").count():
        marcus.get_by_role("button", name="Ask for it to be connected").click()
        stage.looked_at(marcus, "connect-by-hand")
        asked(marcus, reason="Staff read it every morning.")
        grace = confirmed_by_grace(stage, marcus, "manual")
        stage.looked_at(grace, "account-by-hand")


def test_what_is_posted_by_hand_is_compared_by_somebody_else(stage: Stage, by_hand: None) -> None:
    draft_id = stage.posted("manual")
    found = stage.until(draft_id, "processing")
    olivia = stage.page("olivia", f"/publications/{found['id']}/release")
    assert olivia.get_by_label("The exact text").input_value() == found["text"]
    stage.looked_at(olivia, "release")
    olivia.get_by_role("button", name="I posted it").click()
    says(olivia, "There is a problem")
    stage.looked_at(olivia, "release-refused")
    olivia.get_by_label("Posted: where does it stand?").fill("https://intranet.department.example/news/7")
    olivia.get_by_role("button", name="I posted it").click()
    says(olivia, "Somebody else now compares what stands there.")

    stage.until(draft_id, "published")
    olivia.goto(f"{stage.url}/publications/{found['id']}/release")
    expect(olivia.get_by_role("button", name="Record it")).to_have_count(0)
    ade = stage.page("ade", f"/publications/{found['id']}/release")
    stage.looked_at(ade, "compare")
    ade.get_by_label("Yes, it is the same").check()
    ade.get_by_role("button", name="Record it").click()
    stage.until(draft_id, "verified")
    ade.reload()
    says(ade, "Published and checked")
    assert main(ade).count("Given to a person to post") == 1
    assert "Call to the platform" not in main(ade)
    stage.looked_at(ade, "posted-by-hand")
