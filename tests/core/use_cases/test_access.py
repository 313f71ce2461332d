"""What one may not see is not there; without a role there is nothing at all; images follow the drafts they stand in."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import SourceImage
from core.domain.people import Person
from core.domain.refusals import MediaTooLarge, MediaUnreadable, MediaWrongType, NoRole, NotFound
from core.domain.route import Answer
from core.records.database import Database
from core.use_cases.deciding import decide
from core.use_cases.drafting import Saved, reschedule, save_draft
from core.use_cases.looking import look
from core.use_cases.media import read_image, upload_image
from core.use_cases.record import audit_list, publication_record
from core.use_cases.submitting import submit, withdraw
from core.use_cases.versions import editable, renditions_since, version_view
from integrations.store import MediaStore
from tests.core.publishing import as_admin, scheduled
from tests.kit import ALL_PROMPTS, Urls, authorised, in_minutes, new_authoriser, new_cast, new_person, source, submitted, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]

Act = Callable[[AsyncSession, Person, Saved], Awaitable[Any]]
READS: dict[str, Act] = {
    "look": lambda s, by, d: look(s, by=by, draft_id=d.draft_id),
    "editable": lambda s, by, d: editable(s, by=by, draft_id=d.draft_id),
    "version": lambda s, by, d: version_view(s, by=by, draft_id=d.draft_id, number=1),
    "since": lambda s, by, d: renditions_since(s, by=by, draft_id=d.draft_id),
    "audit": lambda s, by, d: audit_list(s, by=by, subject=f"draft:{d.draft_id}"),
}
WRITES: dict[str, Act] = {
    "save": lambda s, by, d: save_draft(
        s, by=by, draft_id=d.draft_id, seen_version=1, source=source(text="Mine."), publish_at=in_minutes(9)
    ),
    "submit": lambda s, by, d: submit(s, by=by, draft_id=d.draft_id, digest=d.digest),
    "withdraw": lambda s, by, d: withdraw(s, by=by, draft_id=d.draft_id, reason=""),
    "reschedule": lambda s, by, d: reschedule(s, by=by, draft_id=d.draft_id, publish_at=in_minutes(9)),
    "decide": lambda s, by, d: decide(
        s,
        by=by,
        authenticated_at=datetime.now(UTC),
        draft_id=d.draft_id,
        step=1,
        digest=d.digest,
        answer=Answer.AUTHORISE,
        confirmed=ALL_PROMPTS,
    ),
}
ACTS = pytest.mark.parametrize("act", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])


async def act_as(database: Database, act: Act, by: Person, saved: Saved) -> Any:
    async with database.transaction() as session:
        return await act(session, by, saved)


@ACTS
async def test_a_draft_not_submitted_yet_is_not_there_for_an_authoriser(database: Database, urls: Urls, act: Act) -> None:
    cast = await new_cast(database, urls)
    saved = await written(database, cast.officer)
    with pytest.raises(NotFound) as invisible:
        await act_as(database, act, cast.press, saved)
    with pytest.raises(NotFound) as unknown:
        await act_as(database, act, cast.press, Saved(uuid4(), 1, saved.digest, True))
    assert str(invisible.value) == str(unknown.value), "invisible and unknown are the same answer"


@ACTS
async def test_without_a_role_there_is_nothing(database: Database, urls: Urls, act: Act) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    with pytest.raises((NotFound, NoRole)):
        await act_as(database, act, await new_person(database), saved)


@pytest.mark.parametrize("act", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("role", ["authoriser", "account_manager", "auditor", "officer"])
async def test_what_was_submitted_is_seen_by_everybody_with_a_role(database: Database, urls: Urls, act: Act, role: str) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    await act_as(database, act, await new_person(database, role), saved)


@pytest.mark.parametrize("act", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("role", ["auditor", "account_manager"])
async def test_who_only_reads_changes_nothing(database: Database, urls: Urls, act: Act, role: str) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    with pytest.raises(NoRole):
        await act_as(database, act, await new_person(database, role), saved)


async def test_who_lost_every_role_sees_their_own_draft_no_more(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    left = Person(cast.officer.id, cast.officer.issuer, cast.officer.subject, cast.officer.name, frozenset())
    with pytest.raises(NotFound):
        await act_as(database, READS["look"], left, saved)


async def test_an_author_without_the_officers_role_sees_what_they_touched(database: Database, urls: Urls) -> None:
    author = await new_authoriser(database, urls, "press_office")
    saved = await written(database, author)
    await act_as(database, READS["look"], author, saved)


async def test_the_whole_audit_list_is_for_auditors(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    auditor = await new_person(database, "auditor")
    async with database.transaction() as session:
        assert (await audit_list(session, by=auditor)).items
        for after in ("²", "x", "-1", "9" * 30):
            await audit_list(session, by=auditor, after=after)
        for by in (cast.officer, cast.press):
            with pytest.raises(NoRole):
                await audit_list(session, by=by)
        with pytest.raises(NotFound):
            await audit_list(session, by=auditor, subject="draft:nonsense")


async def test_the_audit_list_pages_over_every_event_once(database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    numbers: list[int] = []
    after: str | None = None
    while True:
        async with database.transaction() as session:
            page = await audit_list(session, by=cast.officer, subject=f"draft:{saved.draft_id}", after=after, limit=2)
        numbers += [item.number for item in page.items]
        after = page.next
        if after is None:
            break
    assert numbers == [4, 3, 2, 1]


async def test_a_publication_is_seen_by_whoever_sees_its_draft(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    made = await scheduled(worker_database, await authorised(database, cast))
    async with database.transaction() as session:
        record = await publication_record(session, by=cast.press, publication_id=made)
        assert (record.state, record.owner, len(record.transitions)) == ("scheduled", "service", 1)
        for by, wanted in ((await new_person(database), made), (cast.officer, uuid4())):
            with pytest.raises(NotFound):
                await publication_record(session, by=by, publication_id=wanted)


def png(colour: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (50, 40), colour).save(out, "PNG")
    return out.getvalue()


async def test_an_image_is_seen_by_its_uploader_and_then_by_whoever_sees_the_draft(
    database: Database, urls: Urls, tmp_path: Path
) -> None:
    cast = await new_cast(database, urls)
    store = MediaStore.at(str(tmp_path))
    image = await upload_image(database, store, by=cast.officer, raw=png("crimson"))
    attached = SourceImage(image.sha256, image.mime, image.width, image.height, "A crimson square")
    for by in (cast.press, await new_person(database, "officer")):
        with pytest.raises(NotFound):
            await read_image(database, store, by=by, sha256=image.sha256)
    data, mime = await read_image(database, store, by=cast.officer, sha256=image.sha256)
    assert (mime, len(data)) == (image.mime, image.size)
    saved = await written(database, cast.officer, images=(attached,))
    with pytest.raises(NotFound):
        await read_image(database, store, by=cast.press, sha256=image.sha256)
    async with database.transaction() as session:
        await submit(session, by=cast.officer, draft_id=saved.draft_id, digest=saved.digest)
    for row in as_admin(urls, "SELECT sha256 FROM draft_image WHERE draft_id = %s", saved.draft_id):
        assert await read_image(database, store, by=cast.press, sha256=row["sha256"]), "derivatives as well"
    with pytest.raises(NotFound):
        await read_image(database, store, by=await new_person(database), sha256=image.sha256)


@pytest.mark.parametrize("sha256", ["0" * 64, "", "../../etc/passwd", "x" * 999])
async def test_an_unknown_image_is_not_there(database: Database, tmp_path: Path, sha256: str) -> None:
    with pytest.raises(NotFound):
        await read_image(database, MediaStore.at(str(tmp_path)), by=await new_person(database, "officer"), sha256=sha256)


async def test_uploading_the_same_twice_keeps_one_and_remembers_both(database: Database, urls: Urls, tmp_path: Path) -> None:
    store = MediaStore.at(str(tmp_path))
    people = [await new_person(database, "officer") for _ in range(2)]
    one, two = [await upload_image(database, store, by=person, raw=png("gold")) for person in people]
    assert one == two
    rows = as_admin(urls, "SELECT person_id FROM upload WHERE sha256 = %s", one.sha256)
    assert {row["person_id"] for row in rows} == {person.id for person in people}


async def test_what_is_no_image_leaves_nothing(database: Database, tmp_path: Path) -> None:
    by = await new_person(database, "officer")
    bad = {b"<svg/>": MediaWrongType, png("red")[:60]: MediaUnreadable, b"\x89PNG" + b"0" * 11_000_000: MediaTooLarge}
    for raw, refusal in bad.items():
        with pytest.raises(refusal):
            await upload_image(database, MediaStore.at(str(tmp_path)), by=by, raw=raw)
    assert os.listdir(tmp_path) == []


async def test_only_writers_upload(database: Database, tmp_path: Path) -> None:
    with pytest.raises(NoRole):
        await upload_image(database, MediaStore.at(str(tmp_path)), by=await new_person(database, "auditor"), raw=png("red"))
