"""What people settle about a post on the pages: unknown outcomes, differences, takedowns, corrections, posts made by hand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from core.domain.outcome import Outcome, Result
from core.domain.people import Person
from core.domain.publication import State
from core.domain.verdict import Verdict
from core.records.calls import record_receipt
from core.records.database import Database
from tests.core.publishing import AtTheGate, as_admin, at_the_gate, claimed, dispatched, judged, scheduled, set_time
from tests.kit import ACCOUNTS, Cast, Urls, authorised, new_cast, new_person
from tests.web.house import House, page
from tests.web.html_lint import lint

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


@pytest.fixture
async def sent(database: Database, worker_database: Database, urls: Urls, cast: Cast) -> AsyncIterator[AtTheGate]:
    """One post whose call is out."""
    gate = await at_the_gate(database, worker_database, urls, cast)
    assert (await dispatched(worker_database, gate)).result == "sending"
    yield gate
    as_admin(urls, "UPDATE proposal SET withdrawn_by = asked_by WHERE confirmed_at IS NULL AND withdrawn_at IS NULL")


def moved(urls: Urls, gate: AtTheGate, *states: State) -> str:
    for state in states:
        as_admin(urls, "UPDATE publication SET state = %s, post_id = 'p1' WHERE id = %s", str(state), gate.id)
    return f"/publications/{gate.id}"


async def test_an_unknown_outcome_is_settled_by_two_who_did_not_write_it(
    house: House, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    here = moved(urls, sent, State.UNKNOWN)
    press, policy, officer = [await house.browser_of(one) for one in (cast.press, cast.policy, cast.officer)]
    shown = await page(press, here)
    assert "Nobody has looked yet." in shown
    assert "Two people who did not write it" in shown
    for act in ("abandon", "adopt"):
        assert f"{here}/ask/{act}" in shown
    assert "less than a minute ago" in shown, "sending again has to wait"
    assert f"{here}/ask/" not in await page(officer, here), "whoever wrote it decides nothing"
    asking = await page(press, f"{here}/ask/abandon")
    assert "Look at the account yourself first" in asking
    refused = await press.post(f"{here}/ask/abandon", data={"reason": " "})
    assert (refused.status_code, lint(refused.text)) == (422, [])
    asked = await press.post(f"{here}/ask/abandon", data={"reason": "Not on the account."})
    assert asked.headers["location"] == here
    proposal = (await page(policy, here)).split(f"{here}/proposals/")[1].split('"')[0]
    own = await page(press, f"{here}/proposals/{proposal}")
    assert "somebody else confirms it" in own
    assert "Not on the account." in await page(policy, f"{here}/proposals/{proposal}")
    assert (await press.post(f"{here}/proposals/{proposal}/confirm")).status_code == 403
    done = await policy.post(f"{here}/proposals/{proposal}/confirm")
    assert done.headers["location"] == here
    assert "is given up" in await page(policy, here)


async def test_a_post_is_adopted_by_its_address_and_a_no_leaves_everything(
    house: House, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    here = moved(urls, sent, State.UNKNOWN)
    press, policy = await house.browser_of(cast.press), await house.browser_of(cast.policy)
    nothing = await press.post(f"{here}/ask/adopt", data={"reason": "There it is."})
    assert nothing.status_code == 422
    assert "There it is." in nothing.text
    assert lint(nothing.text) == []
    await press.post(f"{here}/ask/adopt", data={"reason": "There it is.", "post": "https://x.test/department/1"})
    proposal = (await page(policy, here)).split(f"{here}/proposals/")[1].split('"')[0]
    assert "https://x.test/department/1" in await page(policy, f"{here}/proposals/{proposal}")
    assert (await policy.post(f"{here}/proposals/{proposal}/take-back")).headers["location"] == here
    await page(policy, f"{here}/proposals/{proposal}", 404)


async def test_deciding_asks_for_a_fresh_sign_in_and_keeps_what_was_typed(
    house: House, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    here = moved(urls, sent, State.UNKNOWN)
    stale = await house.browser_of(cast.press, signed_in_ago=timedelta(hours=1))
    away = await stale.post(f"{here}/ask/abandon", data={"reason": "Not on the account."})
    assert urlsplit(away.headers["location"]).path == "/step-up"
    assert "Not on the account." in await page(stale, f"{here}/ask/abandon")


async def test_confirming_asks_for_a_fresh_sign_in(house: House, urls: Urls, cast: Cast, sent: AtTheGate) -> None:
    here = moved(urls, sent, State.UNKNOWN)
    press = await house.browser_of(cast.press)
    await press.post(f"{here}/ask/abandon", data={"reason": "Not on the account."})
    stale = await house.browser_of(cast.policy, signed_in_ago=timedelta(hours=1))
    asked = f"{here}/proposals/" + (await page(stale, here)).split(f"{here}/proposals/")[1].split('"')[0]
    away = urlsplit((await stale.post(f"{asked}/confirm")).headers["location"])
    assert (away.path, parse_qs(away.query)) == ("/step-up", {"next": [asked]})
    assert "Confirm:" in await page(stale, asked), "it still waits"


async def test_taking_down_asks_for_a_fresh_sign_in_and_keeps_what_was_typed(
    house: House, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    here = moved(urls, sent, State.PUBLISHED, State.VERIFIED)
    stale = await house.browser_of(cast.press, signed_in_ago=timedelta(hours=1))
    away = await stale.post(f"{here}/act/take-down", data={"reason": "A wrong figure."})
    assert urlsplit(away.headers["location"]).path == "/step-up"
    assert "A wrong figure." in await page(stale, f"{here}/act/take-down")
    assert "Asked to take it down" not in await page(stale, here)


async def test_a_page_shown_before_something_moved_is_refused(house: House, urls: Urls, cast: Cast, sent: AtTheGate) -> None:
    here = moved(urls, sent, State.UNKNOWN)
    press = await house.browser_of(cast.press)
    late = await press.post(f"{here}/ask/abandon", data={"reason": "Gone.", "epoch": "99"})
    assert late.status_code == 409
    await page(press, f"{here}/ask/accept", 409)
    await page(press, f"{here}/ask/nonsense", 404)


async def test_any_authoriser_takes_a_post_down_and_nobody_else(house: House, urls: Urls, cast: Cast, sent: AtTheGate) -> None:
    here = moved(urls, sent, State.PUBLISHED, State.VERIFIED)
    press, officer = await house.browser_of(cast.press), await house.browser_of(cast.officer)
    assert f"{here}/act/take-down" not in await page(officer, here)
    assert (await officer.post(f"{here}/act/take-down", data={"reason": "x"})).status_code == 403
    assert "as evidence" in await page(press, f"{here}/act/take-down")
    refused = await press.post(f"{here}/act/take-down", data={"reason": ""})
    assert (refused.status_code, lint(refused.text)) == (422, [])
    assert (await press.post(f"{here}/act/take-down", data={"reason": "A wrong figure."})).headers["location"] == here
    shown = await page(press, here)
    assert "Asked to take it down" in shown
    assert "A wrong figure." in shown
    await page(press, f"{here}/act/nonsense", 404)


async def test_a_correction_is_a_linked_draft(house: House, urls: Urls, cast: Cast, sent: AtTheGate) -> None:
    here = moved(urls, sent, State.PUBLISHED, State.VERIFIED)
    officer = await house.browser_of(cast.officer)
    assert f'action="{here}/correct"' in await page(officer, here)
    written = await officer.post(f"{here}/correct")
    assert written.status_code == 303
    draft = written.headers["location"].removesuffix("/edit")
    await page(officer, f"{draft}/edit")
    assert draft in await page(officer, here)
    assert here in await page(officer, draft), "the correction names what it corrects"


async def test_what_the_platform_refused_is_given_up_by_one(
    house: House, worker_database: Database, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    attempt = as_admin(urls, "SELECT id FROM attempt WHERE publication_id = %s", sent.id)[0]["id"]
    async with worker_database.transaction() as session:
        await record_receipt(session, attempt_id=attempt, outcome=Outcome(Result.REFUSED, detail="Too long."), retry_at=None)
    here = f"/publications/{sent.id}"
    officer = await house.browser_of(cast.officer)
    assert f"/drafts/{sent.saved.draft_id}/reschedule" in await page(officer, here), "or tried again at a new time"
    await page(officer, f"{here}/act/give-up")
    assert (await officer.post(f"{here}/act/give-up", data={"reason": "Too late now."})).headers["location"] == here


async def test_everything_that_waits_is_on_one_page_with_owner_and_age(
    house: House, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    here = moved(urls, sent, State.UNKNOWN)
    press = await house.browser_of(cast.press)
    await press.post(f"{here}/ask/abandon", data={"reason": "Not on the account."})
    listed = await page(press, "/needs-a-person")
    assert f'href="{here}"' in listed
    assert f'href="{here}/proposals/' in listed
    assert "Who acts" in listed
    assert "less than a minute ago" in listed
    assert "Needs a person (" in listed, "counted in the navigation"


@pytest.fixture
async def by_hand(database: Database, worker_database: Database, urls: Urls, cast: Cast) -> tuple[Person, Person, str]:
    """A post issued to the person named for a channel; that person, somebody who may compare, and its address."""
    poster, other = await new_person(database, "officer", name="Piotr Wrona"), await new_person(database, "account_manager")
    account: UUID = uuid4()
    as_admin(
        urls,
        "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status, revision, releaser) "
        "VALUES (%s, 'manual', %s, 'https://intranet.example/news', 'Intranet', 'Press office', 'connected', 1, %s)",
        account,
        str(account),
        poster.id,
    )
    saved = await authorised(database, cast, account_ids=(str(account),), text="Exactly <these> words.")
    set_time(urls, saved.draft_id, "-1 second")
    made = await scheduled(worker_database, saved, account=account)
    epoch = await claimed(worker_database, made)
    verdict = await judged(worker_database, made)
    assert isinstance(verdict, Verdict), verdict
    gate = AtTheGate(cast, saved, made, epoch, verdict.data)
    assert (await dispatched(worker_database, gate)).result == "sending"
    as_admin(urls, "UPDATE publication SET state = 'processing' WHERE id = %s", made)
    return poster, other, f"/publications/{made}"


async def test_the_person_named_posts_it_and_somebody_else_compares(
    house: House, urls: Urls, cast: Cast, by_hand: tuple[Person, Person, str]
) -> None:
    poster, other, here = by_hand
    piotr, manager = await house.browser_of(poster), await house.browser_of(other)
    issued = await page(piotr, f"{here}/release")
    assert "Exactly &lt;these&gt; words." in issued
    assert f"{here}/release" in await page(piotr, "/needs-a-person")
    assert "I posted it" not in await page(manager, f"{here}/release")
    no = await piotr.post(f"{here}/release/posted", data={"link": "intranet"})
    assert (no.status_code, lint(no.text)) == (422, [])
    link = "https://intranet.example/news/1"
    assert (await manager.post(f"{here}/release/posted", data={"link": link})).status_code == 403
    assert (await piotr.post(f"{here}/release/posted", data={"link": link})).headers["location"] == here
    as_admin(urls, "UPDATE publication SET state = 'published', post_id = %s WHERE id::text = %s", link, here.rsplit("/", 1)[1])
    comparing = await page(manager, f"{here}/release")
    assert link in comparing
    assert "I posted it" not in comparing
    unsaid = await manager.post(f"{here}/release/compared", data={})
    assert (unsaid.status_code, lint(unsaid.text)) == (422, [])
    how = await manager.post(f"{here}/release/compared", data={"same": "no"})
    assert how.status_code == 422
    assert (await piotr.post(f"{here}/release/compared", data={"same": "yes"})).status_code == 403
    assert (await manager.post(f"{here}/release/compared", data={"same": "yes"})).headers["location"] == here


async def test_a_hold_is_told_where_somebody_is_about_to_post(
    house: House, urls: Urls, cast: Cast, by_hand: tuple[Person, Person, str]
) -> None:
    poster, _, here = by_hand
    officer = await house.browser_of(cast.officer)
    await officer.post("/holds/new", data={"what": "all", "reason": "An incident."})
    try:
        piotr = await house.browser_of(poster)
        assert "A hold stands. Do not post this now: An incident." in await page(piotr, f"{here}/release")
        reason = {"reason": "The hold came first."}
        assert (await piotr.post(f"{here}/release/not-posted", data=reason)).headers["location"] == here
    finally:
        as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


async def test_an_alarm_is_on_every_owners_page_until_it_is_answered(
    house: House, database: Database, urls: Urls, cast: Cast
) -> None:
    alarm = uuid4()
    as_admin(
        urls,
        "INSERT INTO alarm (id, kind, account_id, post_id, sentence, evidence, about) "
        "VALUES (%s, 'rogue', %s, '77', 'A post stands on X that nobody here authorised.', %s, '77')",
        alarm,
        ACCOUNTS["x"],
        '{"text": "Buy now", "at": "2026-11-23T17:21:03+00:00", "found": true}',
    )
    manager = await house.browser_of(await new_person(database, "account_manager"))
    officer = await house.browser_of(cast.officer)
    assert "An alarm waits" in await page(manager, "/holds")
    assert "An alarm waits" not in await page(officer, "/holds")
    assert "nobody here authorised" in await page(manager, "/alarms")
    assert "nobody here authorised" in await page(manager, "/needs-a-person")
    seen = await page(manager, f"/alarms/{alarm}")
    assert "Buy now" in seen
    assert "23 November 2026 at 17:21:03" in seen
    assert "True" not in seen
    stale = await house.browser_of(await new_person(database, "account_manager"), signed_in_ago=timedelta(hours=1))
    away = await stale.post(f"/alarms/{alarm}", data={"words": "It was us."})
    assert urlsplit(away.headers["location"]).path == "/step-up"
    assert "It was us." in await page(stale, f"/alarms/{alarm}")
    empty = await manager.post(f"/alarms/{alarm}", data={"words": ""})
    assert (empty.status_code, lint(empty.text)) == (422, [])
    assert (await manager.post(f"/alarms/{alarm}", data={"words": "Password changed."})).headers["location"] == "/alarms"
    assert "An alarm waits" not in await page(manager, "/holds")
    assert "Password changed." in await page(manager, "/alarms")
    assert (await manager.post(f"/alarms/{alarm}", data={"words": "Again."})).status_code == 409
    await page(officer, "/alarms", 403)
