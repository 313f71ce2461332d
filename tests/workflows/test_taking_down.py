"""Taking a post down: the evidence first, then the removal, then a look; whatever cannot be confirmed goes to people."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client

from core.domain.outcome import Outcome, ReadBack, Result
from core.domain.people import Person
from core.records.database import Database
from core.use_cases.resolving import Act
from core.use_cases.taking_down import take_down
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.values import Access, ReadFailed
from integrations.platforms.x import X
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, new_cast
from tests.workflows.acts import authorised_soon, chains_hold, two_say
from tests.workflows.service import SHORT, Service, running_service

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]


async def taken_down(database: Database, by: Person, publication_id: UUID) -> UUID:
    async with database.transaction() as session:
        return await take_down(
            session, authenticated_at=datetime.now(UTC), by=by, publication_id=publication_id, reason="It names the wrong date."
        )


def evidence(service: Service, act: UUID) -> list[dict[str, Any]]:
    return service.rows("SELECT post_id, stood FROM removal_evidence WHERE act_id = %(act)s", act=act)


def answers(service: Service, act: UUID) -> list[str]:
    found = service.rows("SELECT result FROM removal_call WHERE act_id = %(act)s ORDER BY at", act=act)
    return [row["result"] for row in found]


class Stubborn(X):
    """X, reached over HTTP as ever, whose removals are answered and do nothing."""

    def __init__(self, answered: Outcome) -> None:
        super().__init__()
        self.answered = answered

    async def delete(self, access: Access, post_id: str) -> Outcome:
        return self.answered


class Blind(X):
    """X, of which nothing can be read."""

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        raise ReadFailed("X answered 500 when the post was read back.")


class LimitedOnce(X):
    """X, that takes the second removal."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    async def delete(self, access: Access, post_id: str) -> Outcome:
        self.calls += 1
        if self.calls == 1:
            return Outcome(Result.NOT_SENT, "X takes no more.", status=429, retry_at=self.clock() + timedelta(seconds=1))
        return await super().delete(access, post_id)


async def test_a_post_comes_down_after_its_evidence_was_kept(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        act = await taken_down(database, cast.press, row["id"])
        await service.until(saved.draft_id, "removed")
        assert service.moves(row["id"])[-3:] == ["verified", "removing", "removed"]
        (kept,) = evidence(service, act)
        assert kept["post_id"] == row["post_id"]
        assert (kept["stood"]["found"], kept["stood"]["text"]) == (True, "Check if you can get Pension Credit.")
        assert answers(service, act) == ["accepted"]
        times = service.rows("SELECT (SELECT min(at) FROM removal_evidence) < (SELECT min(at) FROM removal_call) AS first")
        assert times[0]["first"]
    assert [post["deleted_at"] is not None for post in x["x"].posts()] == [True]
    assert await chains_hold(database)


async def test_a_removal_that_does_nothing_goes_to_people_who_try_again_or_confirm_it(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    stubborn = Stubborn(Outcome(Result.ACCEPTED, "X removed the post."))
    platforms = {**PLATFORMS, "x": stubborn}
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT, platforms=platforms) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        first = await taken_down(database, cast.press, row["id"])
        (row,) = (await service.until(saved.draft_id, "removal_unknown")).values()
        assert "could not be confirmed" in row["note"]
        assert len(answers(service, first)) > 1, "it was tried for a while"
        stubborn.answered = Outcome(Result.REFUSED, "X refused the removal.")
        second = await taken_down(database, cast.policy, row["id"])
        await service.rows_appear("SELECT 1 FROM carried_out WHERE act_id = %(id)s", 1, id=second)
        assert service.states(saved.draft_id) == {"x": "removal_unknown"}
        assert len(evidence(service, second)) == 1
        await two_say(database, cast, row["id"], Act.REMOVED)
        await service.until(saved.draft_id, "removed")


async def test_a_limit_is_waited_out_and_the_removal_goes_on(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    platforms = {**PLATFORMS, "x": LimitedOnce()}
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT, platforms=platforms) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "verified")).values()
        act = await taken_down(database, cast.press, row["id"])
        await service.until(saved.draft_id, "removed")
        assert answers(service, act) == ["not_sent", "accepted"]


async def test_a_post_that_cannot_be_read_comes_down_all_the_same_and_the_record_says_so(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    """It was read back before; now X answers nothing, and leaving it standing would be worse than evidence without words."""
    cast = await new_cast(database, urls)
    platforms = {**PLATFORMS, "x": Blind()}
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT, platforms=platforms) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "published")).values()
        act = await taken_down(database, cast.press, row["id"])
        await service.until(saved.draft_id, "removal_unknown")
        (kept,) = evidence(service, act)
        assert "answered 500" in kept["stood"]["unread"]
    assert [post["deleted_at"] is not None for post in x["x"].posts()] == [True]


async def test_a_post_that_nobody_could_read_back_is_shown_to_people_while_it_is_tried_on(
    database: Database, urls: Urls, client: Client, x: dict[str, Sandbox], tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    platforms = {**PLATFORMS, "x": Blind()}
    async with running_service(urls, client, x, tmp_path / "media", patience=SHORT, platforms=platforms) as service:
        saved = await authorised_soon(database, cast, 3)
        (row,) = (await service.until(saved.draft_id, "published")).values()
        service.change("UPDATE publication SET moved_at = now() - interval '20 minutes' WHERE id = %(id)s", id=row["id"])
        service.change("INSERT INTO outbox (kind, subject_id) VALUES ('publication', %(id)s)", id=row["id"])
        shown = "SELECT 1 FROM publication WHERE id = %(id)s AND note LIKE '%%could not be read back yet%%'"
        await service.rows_appear(shown, 1, id=row["id"])
        assert service.states(saved.draft_id) == {"x": "published"}
