"""The lists: every row exactly once over all pages, oldest due first, and in mine only what I may decide."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from core.domain.people import Person
from core.domain.refusals import BadInput, NoRole
from core.domain.route import Answer
from core.records.database import Database
from core.use_cases.lists import Page, decided_by_me, drafts, waiting
from tests.core.publishing import as_admin
from tests.kit import ACCOUNTS, Cast, Urls, decided, grant, in_minutes, new_authoriser, new_cast, new_person, submitted, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]


LISTS: list[tuple[Callable[..., Awaitable[Page[Any]]], dict[str, Any]]] = [
    (waiting, {"for_me": True}),
    (waiting, {"for_me": False}),
    (drafts, {"mine": True}),
    (drafts, {"mine": False}),
    (decided_by_me, {}),
]


async def every_page(database: Database, ask: Callable[..., Awaitable[Page[Any]]], **options: Any) -> list[Any]:
    found: list[Any] = []
    after: str | None = None
    while True:
        async with database.transaction() as session:
            page = await ask(session, after=after, limit=2, **options)
        assert len(page.items) <= 2
        found += page.items
        after = page.next
        if after is None:
            return found


async def queue(database: Database, by: Person) -> set[UUID]:
    return {item.draft_id for item in await every_page(database, waiting, by=by, for_me=True)}


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


async def test_the_queue_shows_each_exactly_once_oldest_due_first(database: Database, cast: Cast) -> None:
    minutes = [50, 10, 30, 10, 10]
    at = {number: in_minutes(number) for number in set(minutes)}
    made = [await submitted(database, cast.officer, publish_at=at[number]) for number in minutes]
    found = await every_page(database, waiting, by=cast.press, for_me=True)
    assert len({item.draft_id for item in found}) == len(found)
    ours = [item for item in found if item.draft_id in {saved.draft_id for saved in made}]
    assert [item.due for item in ours] == [at[number] for number in sorted(minutes)]
    assert [item.due for item in found] == sorted(item.due for item in found)
    assert {item.submitted_by for item in ours} == {"Olivia Okafor"}
    assert {item.accounts for item in ours} == {("Department on x",)}


async def test_rows_that_come_and_go_between_pages_repeat_and_lose_none_of_the_others(database: Database, cast: Cast) -> None:
    made = [await submitted(database, cast.officer, publish_at=in_minutes(20 + n)) for n in range(4)]
    async with database.transaction() as session:
        first = await waiting(session, by=cast.press, for_me=True, limit=100)
    ours = [item for item in first.items if item.draft_id in {saved.draft_id for saved in made}]
    assert len(ours) == 4
    found: list[UUID] = []
    after: str | None = None
    while True:
        async with database.transaction() as session:
            page = await waiting(session, by=cast.press, for_me=True, after=after, limit=1)
        found += [item.draft_id for item in page.items]
        if found and found[-1] == made[1].draft_id:
            await decided(database, cast.press, made[0], step=1)
            await submitted(database, cast.officer, publish_at=in_minutes(1))
        after = page.next
        if after is None:
            break
    assert [draft for draft in found if draft in {saved.draft_id for saved in made}] == [saved.draft_id for saved in made]


async def test_my_queue_holds_only_what_i_may_decide(database: Database, urls: Urls, cast: Cast) -> None:
    x, linkedin = str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])
    on_x = await submitted(database, cast.officer)
    on_both = await submitted(database, cast.officer, account_ids=(x, linkedin))
    narrow = await new_authoriser(database, urls, "press_office", account=ACCOUNTS["x"])
    assert on_x.draft_id in await queue(database, narrow)
    assert on_both.draft_id not in await queue(database, narrow)
    grant(urls, narrow, "press_office", account=ACCOUNTS["linkedin"])
    assert on_both.draft_id in await queue(database, narrow)


@pytest.mark.parametrize(
    "span", [{"until": in_minutes(60)}, {"since": in_minutes(60)}], ids=["ends before the window", "begins later"]
)
async def test_a_grant_that_would_be_refused_fills_no_queue(
    database: Database, urls: Urls, cast: Cast, span: dict[str, Any]
) -> None:
    saved = await submitted(database, cast.officer)
    assert saved.draft_id not in await queue(database, await new_authoriser(database, urls, "press_office", **span))


async def test_a_revoked_grant_and_no_grant_fill_no_queue(database: Database, urls: Urls, cast: Cast) -> None:
    await submitted(database, cast.officer)
    as_admin(urls, "UPDATE authority SET revoked_at = now() WHERE person_id = %s", cast.press.id)
    assert await queue(database, cast.press) == set()
    assert await queue(database, await new_person(database, "authoriser")) == set()


async def test_a_grant_without_the_authorisers_role_fills_no_queue(database: Database, urls: Urls, cast: Cast) -> None:
    await submitted(database, cast.officer)
    manager = await new_person(database, "account_manager")
    grant(urls, manager, "press_office")
    assert await queue(database, manager) == set()


async def test_what_i_touched_or_decided_is_not_in_my_queue(database: Database, urls: Urls, cast: Cast) -> None:
    both = await new_authoriser(database, urls, "press_office", "officer")
    own = await submitted(database, both)
    other = await submitted(database, cast.officer)
    assert own.draft_id not in await queue(database, both)
    assert other.draft_id in await queue(database, both)
    grant(urls, both, "policy_owner")
    await decided(database, both, other, step=1)
    assert other.draft_id not in await queue(database, both), "nobody fills two steps"
    async with database.transaction() as session:
        everything = await waiting(session, by=both, for_me=False, limit=100)
    assert {own.draft_id, other.draft_id} <= {item.draft_id for item in everything.items}


async def test_my_decisions_newest_first_each_once(database: Database, urls: Urls, cast: Cast) -> None:
    made = [await submitted(database, cast.officer) for _ in range(5)]
    for saved in made:
        await decided(database, cast.press, saved, step=1, answer=Answer.REJECT, reason="No.")
    found = await every_page(database, decided_by_me, by=cast.press)
    assert [item.draft_id for item in found] == [saved.draft_id for saved in reversed(made)]
    assert {(item.answer, item.label, item.version) for item in found} == {("reject", "Press office", 1)}
    assert await every_page(database, decided_by_me, by=cast.policy) == []


async def test_my_drafts_each_once_the_last_changed_first(database: Database, cast: Cast) -> None:
    made = await asyncio.gather(*(written(database, cast.officer) for _ in range(5)))
    found = [line.draft_id for line in await every_page(database, drafts, by=cast.officer, mine=True)]
    assert sorted(found) == sorted(saved.draft_id for saved in made)
    changed = [line.changed_at for line in await every_page(database, drafts, by=cast.officer, mine=True)]
    assert changed == sorted(changed, reverse=True)


async def test_all_drafts_are_those_i_may_see(database: Database, cast: Cast) -> None:
    hidden = await written(database, cast.officer)
    shown = await submitted(database, cast.officer)
    for by, sees in ((cast.officer, True), (cast.press, False), (await new_person(database, "auditor"), True)):
        async with database.transaction() as session:
            page = await drafts(session, by=by, mine=False, limit=100)
        found = {line.draft_id for line in page.items}
        assert shown.draft_id in found
        assert (hidden.draft_id in found) is sees


@pytest.mark.parametrize("after", ["x", "é", "bm90aGluZw==", "WzEsMl0=", "WyJ4IiwieSJd", "e30=", "AA", "[" * 99])
async def test_a_damaged_page_address_is_refused(database: Database, cast: Cast, after: str) -> None:
    for ask, options in LISTS:
        async with database.transaction() as session:
            with pytest.raises(BadInput) as refused:
                await ask(session, by=cast.press, after=after, **options)
        assert refused.value.field == "after"


async def test_without_a_role_there_are_no_lists(database: Database) -> None:
    nobody = await new_person(database)
    for ask, options in LISTS:
        async with database.transaction() as session:
            with pytest.raises(NoRole):
                await ask(session, by=nobody, **options)


@pytest.mark.parametrize("limit", [0, -5, 10**9])
async def test_a_page_is_never_empty_and_never_endless(database: Database, cast: Cast, limit: int) -> None:
    await written(database, cast.officer)
    async with database.transaction() as session:
        page = await drafts(session, by=cast.officer, mine=True, limit=limit)
    assert len(page.items) == 1
