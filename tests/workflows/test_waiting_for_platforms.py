"""Limits that are used up, and platforms that take a post in before they show it: waited for, bounded, nobody starved."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from core.domain.content import Rendition, Window
from core.domain.outcome import Outcome, ReadBack, Result, SendKey
from core.records.database import Database
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.values import Access, Prepared
from integrations.platforms.x import X
from tests.integrations.platforms.serving import Sandbox
from tests.kit import ACCOUNTS, Urls, authorised, in_minutes, new_cast
from tests.workflows.acts import authorised_soon, in_seconds, past
from tests.workflows.service import SHORT, running_service, sandboxes

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]


class Encoding(X):
    """X that says "taken in" and shows the post on the second look, or never."""

    def __init__(self, *, shows: bool) -> None:
        super().__init__()
        self.shows = shows
        self.looks = 0

    async def send(
        self, access: Access, rendition: Rendition, prepared: Prepared, *, key: SendKey, may_start: Callable[[], bool]
    ) -> Outcome:
        sent = await super().send(access, rendition, prepared, key=key, may_start=may_start)
        return replace(sent, result=Result.PROCESSING, detail="X is still preparing the post.")

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        self.looks += 1
        if not self.shows or self.looks < 2:
            return ReadBack(found=False)
        return await super().read_back(access, post_id)

    async def timeline(self, access: Access, *, since: object) -> tuple[()]:
        return ()


async def test_a_used_up_limit_holds_no_place_and_starves_no_other_account(
    database: Database, urls: Urls, client: Client, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    with sandboxes(tmp_path, "x", "linkedin") as there:
        async with running_service(urls, client, there, tmp_path / "media", patience=SHORT) as service:
            service.change("INSERT INTO quota VALUES (%(account)s, 'posts', 0, now() + interval '1 hour')", account=ACCOUNTS["x"])
            limited = [await authorised_soon(database, cast, 4, text=f"Post {n}.") for n in range(5)]
            free = await authorised_soon(database, cast, 4, account_ids=(str(ACCOUNTS["linkedin"]),))
            await service.until(free.draft_id, "verified")
            for saved in limited:
                (row,) = service.publications(saved.draft_id).values()
                assert (row["state"], service.moves(row["id"])) == ("scheduled", ["scheduled"]), "it is not even claimed"
            service.change("UPDATE quota SET reset_at = now()")
            service.change("INSERT INTO outbox (kind, subject_id) SELECT 'publication', id FROM publication")
            for saved in limited:
                await service.until(saved.draft_id, "verified")
        assert (len(there["x"].posts()), len(there["linkedin"].posts())) == (5, 1)


async def test_what_one_worker_learns_of_a_limit_keeps_every_other_from_calling_until_the_reset(
    database: Database, urls: Urls, client: Client, tmp_path: Path
) -> None:
    """One worker spends the last post and is gone; another, that never heard the platform, waits. Nobody is refused once."""
    cast = await new_cast(database, urls)
    with sandboxes(tmp_path, "x", "linkedin") as there:
        there["x"].limit(posts=1, seconds=20)
        async with running_service(urls, client, there, tmp_path / "media", patience=SHORT) as service:
            spent = await authorised_soon(database, cast, 2, text="The last one.")
            await service.until(spent.draft_id, "verified")
        (learnt,) = service.rows("SELECT remaining, reset_at FROM quota")
        assert learnt["remaining"] == 0
        async with running_service(urls, client, there, tmp_path / "media", patience=SHORT) as service:
            waits = await authorised_soon(database, cast, 1, text="After the reset.")
            free = await authorised_soon(database, cast, 1, account_ids=(str(ACCOUNTS["linkedin"]),))
            await service.until(free.draft_id, "verified")
            (row,) = service.publications(waits.draft_id).values()
            assert datetime.now(UTC) < learnt["reset_at"], "nothing was shown: the machine was too slow"
            assert (row["state"], service.attempts(row["id"])) == ("scheduled", 0)
            (row,) = (await service.until(waits.draft_id, "verified", seconds=40)).values()
        (attempt,) = service.rows("SELECT dispatched_at FROM attempt WHERE publication_id = %(id)s", id=row["id"])
        assert attempt["dispatched_at"] >= learnt["reset_at"]
        assert {row["result"] for row in service.rows("SELECT result FROM receipt")} == {"accepted"}, "nobody was refused"
        assert (len(there["x"].posts()), len(there["linkedin"].posts())) == (2, 1)


async def test_a_limit_that_outlasts_the_window_sends_it_back_to_the_officer(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT) as service:
        service.change("INSERT INTO quota VALUES (%(account)s, 'posts', 0, now() + interval '1 hour')", account=ACCOUNTS["x"])
        window = Window(in_minutes(-5), in_seconds(7))
        saved = await authorised(database, cast, publish_at=in_seconds(3), window=window)
        await past(window.end)
        await service.until(saved.draft_id, "expired")
    assert x["x"].posts() == []


async def test_what_the_platform_still_prepares_is_published_once_it_shows_it(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    platforms = {**PLATFORMS, "x": Encoding(shows=True)}
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT, platforms=platforms) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        assert service.moves(row["id"])[-4:] == ["sending", "processing", "published", "verified"]
        assert service.attempts(row["id"]) == 1


async def test_what_the_platform_never_shows_goes_to_people(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    platforms = {**PLATFORMS, "x": Encoding(shows=False)}
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT, platforms=platforms) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "unknown")).values()
        assert service.moves(row["id"])[-2:] == ["processing", "unknown"]
        assert service.attempts(row["id"]) == 1
