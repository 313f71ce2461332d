"""Stopping posts on the pages: one person places a hold, follows what was in flight, and two people lift it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx2
import pytest

from core.records.database import Database
from tests.core.publishing import AtTheGate, as_admin, at_the_gate, dispatched
from tests.kit import ACCOUNTS, Cast, Urls, new_cast, new_person, submitted
from tests.web.house import House, page
from tests.web.html_lint import lint
from web.when import LONDON

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture(autouse=True)
def nothing_stays_held(urls: Urls) -> Iterator[None]:
    yield
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


@pytest.fixture
async def gate(database: Database, worker_database: Database, urls: Urls, cast: Cast) -> AtTheGate:
    return await at_the_gate(database, worker_database, urls, cast)


def moment(prefix: str, instant: datetime) -> dict[str, str]:
    local = instant.astimezone(LONDON)
    parts = {"day": str(local.day), "month": str(local.month), "year": str(local.year), "time": f"{local:%H:%M}"}
    return {f"{prefix}-{name}": value for name, value in parts.items()}


def hold(**changes: str) -> dict[str, str]:
    return {"what": "all", "reason": "An incident at Sheffield.", **changes}


async def placed(browser: httpx2.AsyncClient, **changes: str) -> str:
    sent = await browser.post("/holds/new", data=hold(**changes))
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"])


async def test_an_officer_stops_everything_and_every_page_says_so(house: House, cast: Cast, gate: AtTheGate) -> None:
    officer = await house.browser_of(cast.officer)
    assert "No hold stands" in await page(officer, "/holds")
    await page(officer, "/holds/new")
    address = await placed(officer)
    shown = await page(officer, address)
    assert "Nothing goes out anywhere" in shown
    assert "An incident at Sheffield." in shown
    press = await house.browser_of(cast.press)
    for path in ("/queue", "/drafts/all", "/holds", f"/drafts/{gate.saved.draft_id}"):
        assert "Nothing goes out anywhere until two people lift it: An incident at Sheffield." in await page(press, path)


async def test_what_is_in_flight_is_followed_to_its_outcome(
    house: House, worker_database: Database, urls: Urls, cast: Cast, gate: AtTheGate
) -> None:
    assert (await dispatched(worker_database, gate)).result == "sending"
    officer = await house.browser_of(cast.officer)
    address = await placed(officer, what=f"draft:{gate.saved.draft_id}")
    answer = await officer.get(address)
    assert answer.headers["refresh"] == f"3; url={address}"
    assert "1 post was with a platform when the hold began. The outcome of 1 is not known yet." in answer.text
    assert lint(answer.text) == []
    paused = await officer.get(f"{address}?updating=no")
    assert "refresh" not in paused.headers
    assert "Update it again" in paused.text
    as_admin(urls, "UPDATE publication SET state = 'unknown' WHERE id = %s", gate.id)
    assert (await officer.get(address)).headers["refresh"].startswith("15;")
    as_admin(urls, "UPDATE publication SET state = 'published', post_id = '1' WHERE id = %s", gate.id)
    settled = await officer.get(address)
    assert "refresh" not in settled.headers
    assert "The outcome of it is known." in settled.text


async def test_what_it_stops_and_what_waits_behind_it_are_listed(
    house: House, worker_database: Database, cast: Cast, gate: AtTheGate
) -> None:
    officer = await house.browser_of(cast.officer)
    address = await placed(officer, what=f"draft:{gate.saved.draft_id}")
    assert "1 post is scheduled in its scope." in await page(officer, address)
    assert (await dispatched(worker_database, gate)).result == "held"
    assert "1 post waits for somebody to give it a new time" in await page(officer, address)


async def test_the_two_minute_silence_is_placed_ahead_in_london_time(house: House, cast: Cast) -> None:
    officer = await house.browser_of(cast.officer)
    starts = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=3)
    address = await placed(officer, **moment("starts", starts), **moment("ends", starts + timedelta(minutes=2)))
    shown = await page(officer, address)
    assert "Nothing will go out anywhere" in shown
    assert "Take it back" in shown
    assert "A hold begins soon" in await page(officer, "/drafts"), "told a day ahead"
    far = await placed(officer, what="platform:x", **moment("starts", starts + timedelta(days=40)))
    assert "Nothing will go out on X" in await page(officer, far)
    assert "A hold begins soon" in await page(officer, "/drafts"), "the far one is not told yet"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"what": ""}, "Choose what to stop"),
        ({"what": "draft:nonsense"}, "Say what to hold"),
        ({"what": "platform:myspace"}, "Say what to hold"),
        ({"reason": " "}, "Say why"),
        ({"starts-day": "11"}, "The beginning must include"),
        (
            {"starts-day": "28", "starts-month": "3", "starts-year": "2027", "starts-time": "1:30am"},
            "The beginning does not exist: the clocks go forward",
        ),
        (
            {"ends-day": "31", "ends-month": "10", "ends-year": "2027", "ends-time": "1:30am"},
            "The end happens twice: the clocks go back that day",
        ),
        ({"ends-day": "1", "ends-month": "1", "ends-year": "2020", "ends-time": "9am"}, "The end has already passed"),
    ],
)
async def test_what_cannot_be_placed_is_refused_and_nothing_typed_is_lost(
    house: House, cast: Cast, changes: dict[str, str], sentence: str
) -> None:
    officer = await house.browser_of(cast.officer)
    sent = await officer.post("/holds/new", data=hold(**changes))
    assert sent.status_code == 422, sent.text
    assert sentence in sent.text
    assert lint(sent.text) == []
    for value in (v for v in {**hold(), **changes}.values() if v.strip() and not v.startswith(("draft:", "platform:"))):
        assert value in sent.text, value
    assert "No hold stands" in await page(officer, "/holds")


async def test_an_hour_that_happens_twice_is_taken_once_it_is_said_which(house: House, cast: Cast) -> None:
    officer = await house.browser_of(cast.officer)
    twice = {"ends-day": "31", "ends-month": "10", "ends-year": "2027", "ends-time": "1:30am", "ends-which": "1"}
    assert "1:30am (GMT)" in await page(officer, await placed(officer, **twice))


async def test_a_hold_on_one_draft_begins_on_its_page(house: House, database: Database, cast: Cast) -> None:
    saved = await submitted(database, cast.officer, purpose="Jobs fair")
    officer = await house.browser_of(cast.officer)
    draft = f"/drafts/{saved.draft_id}"
    assert f"/holds/new?draft={saved.draft_id}" in await page(officer, draft)
    assert "Only the draft “Jobs fair”" in await page(officer, f"/holds/new?draft={saved.draft_id}")
    assert "of the draft “Jobs fair”" in await page(officer, await placed(officer, what=f"draft:{saved.draft_id}"))


async def test_two_people_lift_it(house: House, database: Database, cast: Cast) -> None:
    officer, press = await house.browser_of(cast.officer), await house.browser_of(cast.press)
    address = await placed(officer, what=f"account:{ACCOUNTS['x']}")
    await page(officer, f"{address}/lift")
    refused = await officer.post(f"{address}/lift", data={"reason": " "})
    assert (refused.status_code, lint(refused.text)) == (422, [])
    asked = await officer.post(f"{address}/lift", data={"reason": "The incident is over."})
    assert asked.headers["location"] == address
    assert "asked to lift it" in await page(press, address)
    own = await page(officer, f"{address}/lift")
    assert "somebody else must confirm it" in own
    proposal = own.split('name="proposal" value="')[1].split('"')[0]
    alone = await officer.post(f"{address}/lift/confirm", data={"proposal": proposal})
    assert alone.status_code == 403
    seen = await page(press, f"{address}/lift")
    assert "The incident is over." in seen
    done = await press.post(f"{address}/lift/confirm", data={"proposal": proposal})
    assert done.headers["location"] == address
    assert "A hold that is over" in await page(press, address)
    assert "No hold stands" in await page(officer, "/holds")
    await page(press, f"{address}/lift", 409)


async def test_what_was_asked_is_taken_back(house: House, cast: Cast) -> None:
    officer, press = await house.browser_of(cast.officer), await house.browser_of(cast.press)
    address = await placed(officer)
    await officer.post(f"{address}/lift", data={"reason": "By mistake."})
    proposal = (await page(press, f"{address}/lift")).split('name="proposal" value="')[1].split('"')[0]
    assert (await press.post(f"{address}/lift/keep", data={"proposal": proposal})).headers["location"] == address
    late = await press.post(f"{address}/lift/confirm", data={"proposal": proposal})
    assert late.status_code == 409
    assert "Nothing goes out anywhere" in await page(press, address)
    assert (await press.post(f"{address}/lift/confirm", data={"proposal": "nonsense"})).status_code == 404


async def test_lifting_asks_for_a_fresh_sign_in_and_keeps_what_was_typed(house: House, cast: Cast) -> None:
    address = await placed(await house.browser_of(cast.officer))
    stale = await house.browser_of(cast.officer, signed_in_ago=timedelta(hours=1))
    sent = await stale.post(f"{address}/lift", data={"reason": "The incident is over."})
    assert urlsplit(sent.headers["location"]).path == "/step-up"
    assert "The incident is over." in await page(stale, f"{address}/lift")
    assert "asked to lift it" not in await page(stale, address)


async def test_who_only_reads_sees_holds_and_changes_none(house: House, database: Database, cast: Cast) -> None:
    address = await placed(await house.browser_of(cast.officer))
    auditor = await house.browser_of(await new_person(database, "auditor"))
    assert "/holds/new" not in await page(auditor, "/holds")
    assert f"{address}/lift" not in await page(auditor, address)
    for path in ("/holds/new", f"{address}/lift"):
        await page(auditor, path, 403)
    assert (await auditor.post("/holds/new", data=hold())).status_code == 403
    assert (await auditor.post(f"{address}/lift", data={"reason": "x"})).status_code == 403
