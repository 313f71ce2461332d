"""What no form of ours sends, and somebody's script does: an answer for a person each time, never a fault."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from starlette.datastructures import FormData

from core.domain.refusals import BadInput
from core.records.database import Database
from tests.kit import ACCOUNTS, Cast, Urls, new_cast, new_person
from tests.web.house import House, page, typed
from tests.web.html_lint import lint
from web.pages.deciding import TypedDecision
from web.typed_times import TypedTime

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


@pytest.mark.database
async def test_a_subject_that_no_text_column_can_hold_has_no_events(house: House, database: Database) -> None:
    auditor = await house.browser_of(await new_person(database, "auditor"))
    for subject in ("hold:%00x", "a%26after=1"):
        assert "There is nothing on the record here." in await page(auditor, f"/audit?subject={subject}")


@pytest.mark.database
async def test_a_page_address_nested_without_end_is_damaged(house: House, cast: Cast) -> None:
    deep = urlsafe_b64encode(b"[" * 30_000).decode()
    assert "This page address is damaged" in await page(await house.browser_of(cast.officer), f"/drafts?after={deep}", 422)


@pytest.mark.database
@pytest.mark.parametrize("name", ["\x00", "a" * 63, "../../secret"])
async def test_an_image_that_is_no_sha256_is_no_image(house: House, cast: Cast, name: str) -> None:
    form = {**typed(str(ACCOUNTS["x"])), "image-1": name, "alt-1": "A navy field"}
    sent = await (await house.browser_of(cast.officer)).post("/drafts/new", data=form)
    assert sent.status_code == 303


@pytest.mark.database
async def test_a_text_longer_than_a_form_takes_is_said_to_be_too_long(house: House, cast: Cast) -> None:
    sent = await (await house.browser_of(cast.officer)).post("/drafts/new", data=typed(str(ACCOUNTS["x"]), text="a" * 1_100_000))
    assert sent.status_code == 413
    assert "Shorten it." in sent.text
    assert lint(sent.text) == []


def test_a_decision_is_kept_without_what_a_session_cannot_hold() -> None:
    form = FormData([("reason", " No\x00t yet.\r\n"), ("confirmed", "\x00"), ("confirmed", "standards"), ("step", "1")])
    kept = TypedDecision.from_form(form)
    assert (kept.reason, kept.confirmed) == ("Not yet.", ("standards",))


@pytest.mark.parametrize(
    "parts",
    [{"year": "9999"}, {"year": "0001"}, {"year": "1999"}, {"month": "9" * 5000}, {"day": "9" * 5000}, {"day": "9" * 30}],
    ids=lambda parts: next(iter(parts)),
)
def test_a_date_nobody_means_is_refused_beside_its_field(parts: dict[str, str]) -> None:
    day = {"day": "1", "month": "6", "year": str(datetime.now(UTC).year), "time": "9am", **parts}
    with pytest.raises(BadInput) as refusal:
        TypedTime("publish", **day).to_utc("the publish time")
    assert str(refusal.value.field).startswith("publish-")
