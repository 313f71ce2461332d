"""Who is named as able to decide: those whom `decide` would not refuse for their authority, and nobody else."""

import pytest

from core.records.database import Database
from core.use_cases.looking import look
from tests.kit import ACCOUNTS, Urls, grant, new_cast, new_person, submitted

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_only_who_holds_the_authority_for_every_account_is_named(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    for name, accounts in {"One Account": ["x"], "Both Accounts": ["x", "facebook"]}.items():
        person = await new_person(database, "authoriser", name=name)
        for account in accounts:
            grant(urls, person, "press_office", account=ACCOUNTS[account])
    saved = await submitted(database, cast.officer, account_ids=(str(ACCOUNTS["x"]), str(ACCOUNTS["facebook"])))
    async with database.transaction() as session:
        view = await look(session, by=cast.press, draft_id=saved.draft_id)
    assert "Both Accounts" in view.steps[0].eligible
    assert "One Account" not in view.steps[0].eligible
