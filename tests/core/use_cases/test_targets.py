"""Which post a draft may answer, and from which accounts (paragraph 38)."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from core.domain.content import Target
from core.domain.manifest import renditions_in
from core.domain.people import Person
from core.domain.refusals import Several
from core.records.database import Database
from core.records.targets import take_requests, write_capture
from core.use_cases.correcting import correct
from core.use_cases.targets import TargetElsewhere, ask_for_target
from integrations.platforms.values import RepostHasWords, TargetNotOffered
from tests.core.publishing import as_admin, scheduled
from tests.kit import ACCOUNTS, Urls, authorised, new_cast, new_person, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]
ELSEWHERE = UUID("00000000-0000-4000-8000-0000000000b1")
THERE = "https://www.linkedin.com/feed/update/urn:li:share:7/"


@pytest.fixture
async def officer(database: Database) -> Person:
    return await new_person(database, "officer")


async def captured(
    database: Database, worker: Database, officer: Person, kind: str, *, platform: str = "linkedin", text: str = "Theirs."
) -> str:
    async with database.transaction() as session:
        request = await ask_for_target(session, by=officer, account_ids=(ACCOUNTS[platform],), kind=kind, address=THERE)
    async with worker.transaction() as session:
        (taken,) = await take_requests(session)
        await write_capture(session, taken.id, Target(kind, "urn:li:share:7", THERE, "A charity", text))
    return str(request)


async def refusals(database: Database, officer: Person, **changes: Any) -> list[type[Exception]]:
    with pytest.raises(Several) as refused:
        await written(database, officer, **changes)
    return [type(one) for one in refused.value.refusals]


async def test_a_repost_is_the_other_post_and_nothing_of_ours(
    database: Database, worker_database: Database, officer: Person, urls: Urls
) -> None:
    target = await captured(database, worker_database, officer, "repost")
    linkedin: dict[str, Any] = {"account_ids": (str(ACCOUNTS["linkedin"]),), "target": target}
    saved = await written(database, officer, text="", **linkedin)
    (row,) = as_admin(urls, "SELECT canonical FROM manifest WHERE digest = %s", saved.digest)
    (rendition,) = renditions_in(bytes(row["canonical"]))
    assert (rendition.text, rendition.target and rendition.target.text) == ("", "Theirs.")
    assert await refusals(database, officer, text="Our words.", **linkedin) == [RepostHasWords]


async def test_what_was_captured_is_in_the_digest(database: Database, worker_database: Database, officer: Person) -> None:
    linkedin = (str(ACCOUNTS["linkedin"]),)
    digests = set()
    for text in ("Theirs.", "Theirs, edited."):
        target = await captured(database, worker_database, officer, "quote", text=text)
        digests.add((await written(database, officer, text="Ours.", account_ids=linkedin, target=target)).digest)
    assert len(digests) == 2


async def test_a_captured_post_is_answered_only_where_it_stands(
    database: Database, worker_database: Database, officer: Person
) -> None:
    target = await captured(database, worker_database, officer, "quote")
    both = (str(ACCOUNTS["linkedin"]), str(ACCOUNTS["x"]))
    assert await refusals(database, officer, account_ids=both, target=target) == [TargetElsewhere]
    assert await refusals(database, officer, account_ids=(str(ACCOUNTS["facebook"]),), target=target) == [TargetElsewhere]


async def test_an_id_means_another_post_on_another_server(
    database: Database, worker_database: Database, officer: Person, urls: Urls
) -> None:
    as_admin(
        urls,
        "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, server, status) "
        "VALUES (%s, 'linkedin', 'elsewhere', 'elsewhere', 'Elsewhere', 'Press office', 'https://other.example', 'connected')",
        ELSEWHERE,
    )
    target = await captured(database, worker_database, officer, "quote")
    both = (str(ACCOUNTS["linkedin"]), str(ELSEWHERE))
    assert await refusals(database, officer, account_ids=both, target=target) == [TargetElsewhere]


async def test_what_a_platform_does_not_offer_is_refused_again_when_it_is_rendered(
    database: Database, worker_database: Database, officer: Person, urls: Urls
) -> None:
    """Whatever stands in the rows: a request that no door would have taken."""
    target = await captured(database, worker_database, officer, "quote")
    as_admin(urls, "UPDATE target_request SET kind = 'reply' WHERE id = %s", UUID(target))
    assert await refusals(database, officer, account_ids=(str(ACCOUNTS["linkedin"]),), target=target) == [TargetNotOffered]


@pytest.mark.parametrize("kind", ["quote", "repost"])
async def test_a_correction_answers_the_same_captured_post(
    database: Database, worker_database: Database, urls: Urls, kind: str
) -> None:
    """As it was captured then: who corrects is to see what was answered, and may take it out or name another."""
    cast = await new_cast(database, urls)
    words = "Ours." if kind == "quote" else ""
    target = await captured(database, worker_database, cast.officer, kind)
    await captured(database, worker_database, cast.officer, kind, text="Theirs, edited since.")
    saved = await authorised(database, cast, text=words, account_ids=(str(ACCOUNTS["linkedin"]),), target=target)
    publication = await scheduled(worker_database, saved, account=ACCOUNTS["linkedin"])
    sent_long_ago(urls, publication)
    async with database.transaction() as session:
        correction = await correct(session, by=cast.officer, publication_id=publication)
    rows = as_admin(
        urls,
        "SELECT v.source ->> 'target' AS target, m.canonical FROM version v JOIN manifest m ON m.digest = v.digest "
        "WHERE v.draft_id = ANY(%s)",
        [saved.draft_id, correction.draft_id],
    )
    assert [row["target"] for row in rows] == [target, target]
    answered = [renditions_in(bytes(row["canonical"]))[0].target for row in rows]
    assert answered[0] is not None
    assert answered[0].text == "Theirs."
    assert answered[0] == answered[1]
    [asked_for] = as_admin(urls, "SELECT count(*) FROM submission WHERE draft_id = %s", correction.draft_id)
    assert asked_for["count"] == 0, "and it is authorised anew"


def sent_long_ago(urls: Urls, publication: UUID) -> None:
    """As if its life had led there, before anything that was captured since."""
    with psycopg.connect(urls.admin) as connection:
        connection.execute("SET LOCAL session_replication_role = 'replica'")
        connection.execute("UPDATE publication SET state = 'verified', post_id = '1' WHERE id = %s", (publication,))
