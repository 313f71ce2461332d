"""Posting by hand: issued at its time to a named person, whose word is the receipt; compared by somebody else."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from temporalio.client import Client

from core.domain.content import Window
from core.domain.people import Person
from core.records.database import Database
from core.use_cases.releasing import (
    NotTheReleaser,
    SomebodyElseCompares,
    confirm_release,
    confirm_seen,
    release,
    releases_of,
    say_not_posted,
)
from core.use_cases.resolving import Act
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
        async with database.transaction() as session:
            await take_down(
                session, authenticated_at=datetime.now(UTC), by=cast.press, publication_id=row["id"], reason="Wrong date."
            )
        (row,) = (await service.until(row["draft_id"], "removal_unknown")).values()
        assert "a person must remove it" in row["note"]
        await two_say(database, cast, row["id"], Act.REMOVED)
        await service.until(row["draft_id"], "removed")


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
