"""Posting by hand: issued at its time to a named person, whose word is the receipt; compared by somebody else."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from temporalio.client import Client

from core.domain.content import Window
from core.domain.people import Person
from core.records.database import Database
from core.use_cases.next_steps import next_steps
from core.use_cases.people import person_by_id
from core.use_cases.releasing import (
    NotTheReleaser,
    SomebodyElseCompares,
    confirm_release,
    confirm_seen,
    release,
    releases_of,
    say_not_posted,
)
from core.use_cases.resolving import Act, ask, confirm
from core.use_cases.taking_down import take_down
from tests.kit import Cast, Urls, in_minutes, new_cast, new_person
from tests.workflows.acts import authorised_soon, held, in_seconds, two_say
from tests.workflows.service import SHORT, Service, running_service

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]

ACCOUNT = UUID("00000000-0000-4000-8000-0000000000c1")
LINK = "https://intranet.example.test/news/1"


@pytest.fixture
async def hand(database: Database, urls: Urls) -> Person:
    """The person named for an intranet page."""
    person = await new_person(database, "officer", name="Ingrid Ito")
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status, revision, releaser) "
            "VALUES (%s, 'manual', 'intranet', 'intranet.example.test', 'Intranet', 'Press office', 'connected', 1, %s)",
            (ACCOUNT, person.id),
        )
    return person


async def issued(database: Database, service: Service, cast: Cast, **changes: Any) -> dict[str, Any]:
    saved = await authorised_soon(database, cast, 3, account_ids=(str(ACCOUNT),), **changes)
    (row,) = (await service.until(saved.draft_id, "processing")).values()
    return row


@pytest.mark.parametrize("kind", ["posted", "seen_same"])
async def test_the_database_takes_each_word_only_from_whom_it_may_come(
    database: Database, urls: Urls, client: Client, hand: Person, tmp_path: Path, kind: str
) -> None:
    """Posted or not: the person named for the account. Compared: anybody else."""
    cast = await new_cast(database, urls)
    async with running_service(urls, client, {}, tmp_path / "media", patience=SHORT) as service:
        row = await issued(database, service, cast)
    insert = (
        "INSERT INTO publication_act (id, publication_id, kind, epoch, reason, person_id) "
        "VALUES (gen_random_uuid(), %s, %s, 1, 'r', %s)"
    )
    may, may_not = (hand.id, cast.press.id) if kind in ("posted", "not_posted") else (cast.press.id, hand.id)
    with psycopg.connect(urls.api, autocommit=True) as api:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Nobody says"):
            api.execute(insert, (row["id"], kind, may_not))
        api.execute(insert, (row["id"], kind, may))


async def test_it_is_issued_posted_with_its_link_and_compared_by_somebody_else(
    database: Database, urls: Urls, client: Client, hand: Person, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, {}, tmp_path / "media", patience=SHORT) as service:
        row = await issued(database, service, cast)
        async with database.transaction() as session:
            assert await releases_of(session, by=hand) == (row["id"],)
            page = await release(session, by=hand, publication_id=row["id"])
            assert page.rendition is not None
            assert (page.rendition.text, page.may_post, page.holds) == ("Check if you can get Pension Credit.", True, ())
            assert not (await release(session, by=cast.press, publication_id=row["id"])).may_post
        async with database.transaction() as session:
            with pytest.raises(NotTheReleaser):
                await confirm_release(session, by=cast.press, publication_id=row["id"], link=LINK)
        async with database.transaction() as session:
            await confirm_release(session, by=hand, publication_id=row["id"], link=LINK)
        (row,) = (await service.until(row["draft_id"], "published")).values()
        assert (row["permalink"], row["post_id"]) == (LINK, LINK)
        async with database.transaction() as session:
            with pytest.raises(SomebodyElseCompares):
                await confirm_seen(session, by=hand, publication_id=row["id"], same=True)
        async with database.transaction() as session:
            await confirm_seen(session, by=cast.press, publication_id=row["id"], same=True)
        await service.until(row["draft_id"], "verified")


async def test_what_differs_goes_to_two_people(
    database: Database, urls: Urls, client: Client, hand: Person, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, {}, tmp_path / "media", patience=SHORT) as service:
        row = await issued(database, service, cast)
        async with database.transaction() as session:
            await confirm_release(session, by=hand, publication_id=row["id"], link=LINK)
        await service.until(row["draft_id"], "published")
        async with database.transaction() as session:
            await confirm_seen(session, by=cast.press, publication_id=row["id"], same=False, reason="The date is another.")
        (row,) = (await service.until(row["draft_id"], "mismatch")).values()
        assert row["note"] == "The date is another."
        await may_not_accept(database, urls, hand, cast, row["id"])
        async with database.transaction() as session:
            await take_down(
                session, authenticated_at=datetime.now(UTC), by=cast.press, publication_id=row["id"], reason="Wrong date."
            )
        (row,) = (await service.until(row["draft_id"], "removal_unknown")).values()
        assert "a person must remove it" in row["note"]
        await two_say(database, cast, row["id"], Act.REMOVED)
        await service.until(row["draft_id"], "removed")


async def may_not_accept(database: Database, urls: Urls, hand: Person, cast: Cast, publication_id: UUID) -> None:
    """Whoever posted it otherwise is neither of the two who let it stand, whatever else they may settle."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE person SET roles = '{account_manager}' WHERE id = :id"), {"id": hand.id})
        manager = await person_by_id(session, hand.id)
        assert manager is not None
    now = datetime.now(UTC)
    asking: dict[str, Any] = {"publication_id": publication_id, "act": Act.ACCEPT, "reason": "Let it stand."}
    async with database.transaction() as session:
        assert "accept" not in (await next_steps(session, by=manager, publication_id=publication_id)).acts
        with pytest.raises(SomebodyElseCompares):
            await ask(session, by=manager, authenticated_at=now, **asking)
    async with database.transaction() as session:
        proposal = await ask(session, by=cast.press, authenticated_at=now, **asking)
    async with database.transaction() as session:
        with pytest.raises(SomebodyElseCompares):
            await confirm(session, by=manager, authenticated_at=now, proposal_id=proposal, act=Act.ACCEPT)


async def test_what_was_not_posted_goes_back_to_the_officer(
    database: Database, urls: Urls, client: Client, hand: Person, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, {}, tmp_path / "media", patience=SHORT) as service:
        row = await issued(database, service, cast)
        async with database.transaction() as session:
            await say_not_posted(session, by=hand, publication_id=row["id"], reason="The intranet is closed today.")
        (row,) = (await service.until(row["draft_id"], "rejected")).values()
        assert "closed today" in row["note"]


async def test_a_release_that_nobody_speaks_of_is_unknown_after_its_window_and_the_word_still_counts(
    database: Database, urls: Urls, client: Client, hand: Person, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, {}, tmp_path / "media", patience=SHORT) as service:
        window = Window(in_minutes(-5), in_seconds(7))
        row = await issued(database, service, cast, window=window)
        (row,) = (await service.until(row["draft_id"], "unknown")).values()
        assert "Nobody said in time" in row["note"]
        async with database.transaction() as session:
            acts = (await next_steps(session, by=cast.policy, publication_id=row["id"])).acts
            assert "abandon" in acts
            assert "adopt" not in acts, "there is no timeline to look it up in"
            await confirm_release(session, by=hand, publication_id=row["id"], link=LINK)
        await service.until(row["draft_id"], "published")


async def test_a_hold_placed_meanwhile_is_shown_to_whoever_would_post(
    database: Database, urls: Urls, client: Client, hand: Person, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, {}, tmp_path / "media", patience=SHORT) as service:
        row = await issued(database, service, cast)
        await held(database, "account", str(ACCOUNT))
        async with database.transaction() as session:
            page = await release(session, by=hand, publication_id=row["id"])
        assert (page.holds, page.may_post, page.may_say) == (("An incident.",), False, True)
