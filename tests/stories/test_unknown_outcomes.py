"""Story: the line is cut in the middle of a send. What arrived is found; what did not is sent again by two people, once."""

import pytest
from playwright.sync_api import Page, expect

from tests.stories.playing import Stage, main, says

pytestmark = [pytest.mark.browser, pytest.mark.temporal]
A_MINUTE = 75
"""Seconds after which a resend may be asked for, and some more."""


def test_a_post_that_never_arrived_is_sent_again_by_two_people_once(stage: Stage) -> None:
    draft_id = stage.lost
    unknown = stage.until(draft_id, "unknown", "rejected")
    assert (unknown["state"], unknown["posts"]) == ("unknown", 0)
    ade = stage.page("ade", "/needs-a-person")
    stage.looked_at(ade, "needs-a-person")
    ade.goto(f"{stage.url}/publications/{unknown['id']}")
    says(ade, "Looks for it on the platform")
    stage.looked_at(ade, "unknown-evidence")
    _may_be_sent_again(ade)
    ade.get_by_role("button", name="Ask to send it again").click()
    ade.get_by_label("Reason").fill("I looked at the account: it is not there.")
    stage.looked_at(ade, "resend-ask")
    ade.get_by_role("button", name="Ask a second person to send it again").click()
    ade.get_by_role("link", name="Look at it").click()
    expect(ade.get_by_role("button", name="Send it again")).to_have_count(0)

    priya = stage.needs("priya", "Send a post again")
    stage.looked_at(priya, "resend-confirm")
    priya.get_by_role("button", name="Send it again").click()
    found = stage.until(draft_id, "verified")
    assert found["posts"] == 1
    assert len(stage.standing("x", found["text"])) == 1
    priya.goto(f"{stage.url}/publications/{unknown['id']}")
    says(priya, "Published and checked")
    stage.looked_at(priya, "sent-again")


def _may_be_sent_again(page: Page) -> None:
    """The first minute after the call it cannot be asked for; the page says so."""
    for _ in range(A_MINUTE):
        if "Ask to send it again" in main(page):
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError(main(page))


def test_a_post_that_did_arrive_is_adopted_without_anybody(stage: Stage) -> None:
    stage.tell("linkedin", "/_lie", mode="cut_after")
    draft_id = stage.posted("linkedin")
    found = stage.until(draft_id, "verified")
    assert "unknown" in found["moves"]
    assert found["posts"] == 1
    page = stage.page("ade", f"/publications/{found['id']}")
    says(page, "Published and checked")
    stage.looked_at(page, "adopted")
