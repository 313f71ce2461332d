"""What is shown is what is so: words in the order they are sent, holds that stand, each decision's own paragraph."""

from typing import Any

import pytest
from sqlalchemy import text

from core.domain.refusals import HiddenOrder, NotFound, Several
from core.records.database import Database
from core.use_cases.holding import lift_hold, place_hold
from core.use_cases.looking import look
from core.use_cases.record import audit_list
from tests.kit import Urls, authorised, new_cast, new_person, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.mark.parametrize("field", ["purpose", "text", "text-x"])
async def test_characters_that_reorder_words_are_refused(database: Database, field: str) -> None:
    """An authoriser would read "pay" where "yap" is sent (paragraph 36)."""
    officer = await new_person(database, "officer")
    hidden = "We \u202eyap\u202c you on Monday."
    changes: dict[str, Any] = {"overrides": {"x": hidden}} if field == "text-x" else {field: hidden}
    with pytest.raises(Several) as refused:
        await written(database, officer, **changes)
    assert [(type(each), each.field) for each in refused.value.refusals] == [(HiddenOrder, field)]


async def test_a_standing_hold_is_told_with_its_reason_until_it_is_lifted(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    async with database.transaction() as session:
        hold = await place_hold(
            session, actor="operator|a", scope="draft", target=str(saved.draft_id), reason="Two-minute silence"
        )
    async with database.transaction() as session:
        assert (await look(session, by=cast.officer, draft_id=saved.draft_id)).holds == ("Two-minute silence",)
        await lift_hold(session, hold_id=hold, first="operator|a", second="operator|b")
    async with database.transaction() as session:
        assert (await look(session, by=cast.officer, draft_id=saved.draft_id)).holds == ()


async def test_each_decision_is_recorded_under_its_steps_paragraph(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    async with database.transaction() as session:
        rows = await session.execute(
            text("SELECT paragraph FROM audit_event WHERE subject = :s AND action = 'draft.authorise' ORDER BY number"),
            {"s": f"draft:{saved.draft_id}"},
        )
        assert [row.paragraph for row in rows] == [36, 37]


async def test_other_chains_are_not_there_for_who_is_no_auditor(database: Database) -> None:
    officer = await new_person(database, "officer")
    async with database.transaction() as session:
        for subject in ("hold:1", "publication:1", "anything"):
            with pytest.raises(NotFound):
                await audit_list(session, by=officer, subject=subject)
