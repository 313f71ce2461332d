"""Writing: any change is a new version, no change is none, a refusal names its field and leaves nothing half-written."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from core.domain.content import Source, SourceImage, Window
from core.domain.people import Person
from core.domain.refusals import AlreadySent, DraftChanged, NoRole, OutsideWindow, Several, TimePast
from core.domain.standing import Standing
from core.records.database import Database
from core.use_cases.drafting import Saved, create_draft, reschedule, save_draft
from core.use_cases.looking import look
from core.use_cases.media import upload_image
from core.use_cases.resolving import Act
from core.use_cases.versions import editable, version_view
from integrations.store import MediaStore
from tests.core.publishing import as_admin, at_the_gate, dispatched, said, scheduled
from tests.kit import (
    ACCOUNTS,
    Urls,
    authorised,
    decided,
    in_minutes,
    new_authoriser,
    new_cast,
    new_person,
    source,
    submitted,
    written,
)

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def typed(database: Database, by: Person, saved: Saved) -> tuple[Source, datetime, int]:
    async with database.transaction() as session:
        return await editable(session, by=by, draft_id=saved.draft_id)


async def save(database: Database, by: Person, saved: Saved, *, publish_at: datetime | None = None, **changes: Any) -> Saved:
    """Open what was typed last, change some of it, save."""
    last, at, version = await typed(database, by, saved)
    async with database.transaction() as session:
        return await save_draft(
            session,
            by=by,
            draft_id=saved.draft_id,
            seen_version=version,
            source=replace(last, **changes),
            publish_at=publish_at or at,
        )


async def uploaded(database: Database, by: Person, folder: Path, colour: str = "navy") -> SourceImage:
    raw = BytesIO()
    Image.new("RGB", (40, 40), colour).save(raw, "PNG")
    image = await upload_image(database, MediaStore.at(str(folder)), by=by, raw=raw.getvalue())
    return SourceImage(image.sha256, image.mime, image.width, image.height, "A square")


def rows_of(urls: Urls, draft_id: UUID) -> dict[str, int]:
    tables = ("version", "schedule", "contributor", "submission")
    return {t: as_admin(urls, f"SELECT count(*) FROM {t} WHERE draft_id = %s", draft_id)[0]["count"] for t in tables}  # noqa: S608


async def test_a_save_that_changes_nothing_makes_nothing(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    before = rows_of(urls, saved.draft_id)
    outcome = await save(database, cast.officer, saved)
    assert (outcome.changed, outcome.rescheduled, outcome.version, outcome.digest) == (False, False, 1, saved.digest)
    other = await new_person(database, "officer")
    assert not (await save(database, other, saved)).changed
    assert rows_of(urls, saved.draft_id) == before, "looking into a draft makes nobody a contributor"
    async with database.transaction() as session:
        assert (await look(session, by=cast.officer, draft_id=saved.draft_id)).standing is Standing.AUTHORISED


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "  Check if you can get Pension Credit.\r\n"},
        {"purpose": " Pension Credit week "},
        {"overrides": {"x": "", "linkedin": "  "}},
        {"overrides": {"x": "Check if you can get Pension Credit."}},
        {"link": "  "},
        {"account_ids": (str(ACCOUNTS["x"]).upper(), str(ACCOUNTS["x"]))},
    ],
    ids=str,
)
async def test_another_way_to_type_the_same_is_no_change(database: Database, urls: Urls, changes: dict[str, Any]) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    assert not (await save(database, cast.officer, saved, **changes)).changed


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "Check if you can get Pension Credit!"},
        {"text": "Check if you can get Pension Credit. "[:-2]},
        {"purpose": "Another week"},
        {"overrides": {"x": "Other words on X."}},
        {"link": "https://www.gov.uk/pension-credit"},
        {"account_ids": (str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"]))},
        {"account_ids": (str(ACCOUNTS["linkedin"]),)},
        {"declarations": {"official_information": "yes"}},
    ],
    ids=str,
)
async def test_any_change_is_a_new_version_and_voids_every_authorisation(
    database: Database, urls: Urls, changes: dict[str, Any]
) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    outcome = await save(database, cast.officer, saved, **changes)
    assert (outcome.changed, outcome.version) == (True, 2)
    assert outcome.digest != saved.digest
    async with database.transaction() as session:
        view = await look(session, by=cast.officer, draft_id=saved.draft_id)
        _, first = await version_view(session, by=cast.officer, draft_id=saved.draft_id, number=1)
    assert view.standing is Standing.DRAFT
    assert b"Check if you can get Pension Credit." in first, "the version before stays as it was"


async def test_a_microsecond_of_the_window_is_a_change(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    last, _, _ = await typed(database, cast.officer, saved)
    window = Window(last.window.start, last.window.end + timedelta(microseconds=1))
    assert (await save(database, cast.officer, saved, window=window)).changed


async def test_images_their_order_and_their_words_are_part_of_it(database: Database, urls: Urls, tmp_path: Path) -> None:
    cast = await new_cast(database, urls)
    one, two = [await uploaded(database, cast.officer, tmp_path, colour) for colour in ("navy", "maroon")]
    saved = await written(database, cast.officer, images=(one, two))
    for images in ((two, one), (two,), (replace(two, alt="Another square"),), ()):
        assert (await save(database, cast.officer, saved, images=images)).changed
    assert not (await save(database, cast.officer, saved, images=())).changed


async def test_a_new_time_alone_is_a_schedule_row_and_authorisations_stand(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    other = await new_person(database, "officer")
    saved = await authorised(database, cast)
    before = rows_of(urls, saved.draft_id)
    outcome = await save(database, other, saved, publish_at=in_minutes(90))
    assert (outcome.changed, outcome.rescheduled, outcome.version) == (False, True, 1)
    assert rows_of(urls, saved.draft_id) == {**before, "schedule": 2}, "and makes nobody a contributor"
    async with database.transaction() as session:
        assert (await look(session, by=other, draft_id=saved.draft_id)).standing is Standing.AUTHORISED


async def test_the_queue_follows_a_new_time_however_it_was_given(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    at = in_minutes(90)
    await save(database, cast.officer, saved, publish_at=at)
    assert as_admin(urls, "SELECT due FROM awaiting WHERE draft_id = %s", saved.draft_id) == [{"due": at}]
    later = in_minutes(120)
    async with database.transaction() as session:
        await reschedule(session, by=cast.officer, draft_id=saved.draft_id, publish_at=later)
    assert as_admin(urls, "SELECT due FROM awaiting WHERE draft_id = %s", saved.draft_id) == [{"due": later}]


async def test_whoever_uploaded_an_image_has_touched_the_draft(database: Database, urls: Urls, tmp_path: Path) -> None:
    cast = await new_cast(database, urls)
    uploader = await new_authoriser(database, urls, "press_office", "officer")
    image = await uploaded(database, uploader, tmp_path, "olive")
    await written(database, uploader, images=(image,))
    saved = await submitted(database, cast.officer, images=(image,))
    contributors = as_admin(urls, "SELECT person_id FROM contributor WHERE draft_id = %s", saved.draft_id)
    assert {row["person_id"] for row in contributors} == {cast.officer.id, uploader.id}


async def test_an_image_of_somebody_elses_that_stands_in_no_draft_is_not_there(
    database: Database, urls: Urls, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    image = await uploaded(database, await new_person(database, "officer"), tmp_path, "teal")
    with pytest.raises(Several, match="not in the service"):
        await written(database, cast.officer, images=(image,))


async def test_saving_over_a_version_one_has_not_seen_is_refused(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    await save(database, cast.officer, saved, text="Second.")
    async with database.transaction() as session:
        with pytest.raises(DraftChanged):
            await save_draft(
                session, by=cast.officer, draft_id=saved.draft_id, seen_version=1, source=source(), publish_at=in_minutes(9)
            )
    assert rows_of(urls, saved.draft_id)["version"] == 2


async def test_of_ten_saves_at_once_one_is_kept(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    last, at, _ = await typed(database, cast.officer, saved)

    async def one(number: int) -> Saved:
        async with database.transaction() as session:
            return await save_draft(
                session,
                by=cast.officer,
                draft_id=saved.draft_id,
                seen_version=1,
                source=replace(last, text=f"Words {number}."),
                publish_at=at,
            )

    outcomes = await asyncio.gather(*(one(n) for n in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, Saved) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, DraftChanged) for outcome in outcomes) == 9


async def test_once_it_may_have_left_there_is_no_new_version(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    gate = await at_the_gate(database, worker_database, urls, cast)
    await dispatched(worker_database, gate)
    for state in ("sending", "unknown", "abandoned"):
        if state == "abandoned":
            await said(database, gate.id, Act.ABANDON, cast.press, cast.policy)
        if state != "sending":
            as_admin(urls, "UPDATE publication SET state = %s WHERE id = %s", state, gate.id)
        with pytest.raises(AlreadySent):
            await save(database, cast.officer, gate.saved, text="A correction.")
        with pytest.raises(AlreadySent):
            await save(database, cast.officer, gate.saved, publish_at=in_minutes(60))
    assert rows_of(urls, gate.saved.draft_id)["version"] == 1


async def test_what_people_gave_up_is_not_made_again(database: Database, worker_database: Database, urls: Urls) -> None:
    """Promise 3: neither an abandoned nor a taken-down post frees its account for the same submission."""
    cast = await new_cast(database, urls)
    gate = await at_the_gate(database, worker_database, urls, cast)
    await dispatched(worker_database, gate)
    for state in ("unknown", "abandoned"):
        if state == "abandoned":
            await said(database, gate.id, Act.ABANDON, cast.press, cast.policy)
        as_admin(urls, "UPDATE publication SET state = %s WHERE id = %s", state, gate.id)
    with pytest.raises(AssertionError):
        await scheduled(worker_database, gate.saved)


TOO_LONG = "x" * 281
BAD: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no purpose": ({"purpose": " \x00"}, [("purpose", "purpose_missing")]),
    "a long purpose": ({"purpose": "p" * 201}, [("purpose", "purpose_too_long")]),
    "no text": ({"text": "\n \t"}, [("text", "text_missing")]),
    "a long text": ({"text": TOO_LONG}, [("text-x", "text_too_long")]),
    "a long text for X": ({"overrides": {"x": TOO_LONG}}, [("text-x", "text_too_long")]),
    "no account": ({"account_ids": ()}, [("accounts", "no_account")]),
    "an account that is no id": ({"account_ids": ("nonsense",)}, [("accounts", "account_not_registered")]),
    "an account of nobody": ({"account_ids": (str(uuid4()),)}, [("accounts", "account_not_registered")]),
    "no web address": ({"link": "ftp://example.org/"}, [("link", "link_invalid")]),
    "a link with a blank": ({"link": "https://example.org/a b"}, [("link", "link_invalid")]),
    "a broken link": ({"link": "https://[/"}, [("link", "link_invalid")]),
    "no such image": (
        {"images": (SourceImage("0" * 64, "image/png", 1, 1, "Words"),)},
        [("images", "image_unknown")],
    ),
    "an image without words": (
        {"images": (SourceImage("0" * 64, "image/png", 1, 1, " "),)},
        [("alt-1", "alt_text_missing"), ("images", "image_unknown")],
    ),
    "five images": (
        {"images": (SourceImage("0" * 64, "image/png", 1, 1, "Words"),) * 5},
        [("images", "too_many_images"), ("images", "image_unknown")],
    ),
    "a window backwards": ({"window": Window(in_minutes(60), in_minutes(50))}, [("window_end", "window_backwards")]),
    "a window past": ({"window": Window(in_minutes(-60), in_minutes(-50))}, [("window_end", "window_past")]),
    "a time outside": ({"publish_in": 60 * 24 * 3}, [("publish_at", "outside_window")]),
    "a time past": ({"publish_in": -1}, [("publish_at", "time_past")]),
    "much at once": (
        {"purpose": "", "text": TOO_LONG, "link": "nonsense", "publish_in": -1},
        [
            ("purpose", "purpose_missing"),
            ("link", "link_invalid"),
            ("publish_at", "time_past"),
        ],
    ),
}


@pytest.mark.parametrize(("changes", "expected"), BAD.values(), ids=BAD.keys())
async def test_every_refusal_stands_beside_its_field_and_nothing_is_half_written(
    database: Database, urls: Urls, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    officer = await new_person(database, "officer")
    # By the clock of now: these were collected long before they run.
    typed = {key: value for key, value in changes.items() if key != "publish_in"}
    if "publish_in" in changes:
        typed["publish_at"] = in_minutes(changes["publish_in"])
    with pytest.raises(Several) as refused:
        await written(database, officer, **typed)
    found = [(refusal.field, refusal.code) for refusal in refused.value.refusals]
    assert [pair for pair in found if pair in expected] == expected, found
    assert {code for _, code in found} - {code for _, code in expected} <= {"text_too_long", "link_invalid"}, found
    assert all(str(refusal).endswith(".") for refusal in refused.value.refusals)
    assert as_admin(urls, "SELECT count(*) FROM draft WHERE created_by = %s", officer.id) == [{"count": 0}]


async def test_a_refused_save_leaves_the_draft_as_it_was(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    before = rows_of(urls, saved.draft_id)
    with pytest.raises(Several):
        await save(database, cast.officer, saved, text=TOO_LONG)
    assert rows_of(urls, saved.draft_id) == before
    async with database.transaction() as session:
        assert (await look(session, by=cast.officer, draft_id=saved.draft_id)).standing is Standing.AUTHORISED


async def test_words_are_normalised_once_and_then_digested(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    composed = await written(database, cast.officer, text="Café\r\nopen\x07", window=source().window)
    last, _, _ = await typed(database, cast.officer, composed)
    assert last.text == "Café\nopen"


async def test_an_account_named_in_capitals_is_the_account(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer, account_ids=(str(ACCOUNTS["linkedin"]).upper(),))
    async with database.transaction() as session:
        view = await look(session, by=cast.officer, draft_id=saved.draft_id)
    assert [preview.account.id for preview in view.previews] == [ACCOUNTS["linkedin"]]


async def test_a_disconnected_account_is_not_chosen(database: Database, urls: Urls) -> None:
    officer = await new_person(database, "officer")
    as_admin(urls, "UPDATE account SET status = 'disconnected' WHERE id = %s", ACCOUNTS["facebook"])
    try:
        with pytest.raises(Several, match="register"):
            await written(database, officer, account_ids=(str(ACCOUNTS["facebook"]),))
    finally:
        as_admin(urls, "UPDATE account SET status = 'connected'")


@pytest.mark.parametrize("roles", [(), ("auditor",), ("account_manager",), ("nonsense",)])
async def test_only_officers_and_authorisers_write(database: Database, roles: tuple[str, ...]) -> None:
    by = await new_person(database, *roles)
    async with database.transaction() as session:
        with pytest.raises(NoRole):
            await create_draft(session, by=by, source=source(), publish_at=in_minutes(60))


async def test_a_time_is_moved_only_inside_the_window_and_only_ahead(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    window = (await typed(database, cast.officer, saved))[0].window
    cases = {window.end: OutsideWindow, window.start - timedelta(seconds=1): OutsideWindow, in_minutes(-1): TimePast}
    for at, refusal in cases.items():
        async with database.transaction() as session:
            with pytest.raises(refusal) as refused:
                await reschedule(session, by=cast.officer, draft_id=saved.draft_id, publish_at=at)
        assert refused.value.field == "publish_at"
    assert rows_of(urls, saved.draft_id)["schedule"] == 1


async def test_authorised_after_its_slot_a_new_time_makes_it_good(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer, publish_at=in_minutes(0.02))
    await decided(database, cast.press, saved, step=1)
    await asyncio.sleep(1.3)
    assert (await decided(database, cast.policy, saved, step=2)).standing is Standing.NEEDS_NEW_TIME
    async with database.transaction() as session:
        await reschedule(session, by=cast.officer, draft_id=saved.draft_id, publish_at=in_minutes(60))
    async with database.transaction() as session:
        assert (await look(session, by=cast.officer, draft_id=saved.draft_id)).standing is Standing.AUTHORISED
