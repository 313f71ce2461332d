"""What people do around a publication, and waiting for instants, as short calls."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image

from core.domain.content import SourceImage
from core.domain.people import Person
from core.domain.refusals import AlreadySent, Several, TimePast
from core.records.audit import verify
from core.records.database import Database
from core.use_cases.drafting import Saved, reschedule, save_draft
from core.use_cases.holding import lift_hold, place_hold
from core.use_cases.media import upload_image
from core.use_cases.resolving import Act, ask, confirm
from core.use_cases.submitting import submit, withdraw
from integrations.store import MediaStore
from tests.kit import Cast, authorised, source


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def past(instant: datetime) -> None:
    """Return once `instant` has passed."""
    await asyncio.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()) + 0.05)


def received_at(post: dict[str, str]) -> datetime:
    return datetime.fromisoformat(post["received_at"])


async def re_timed(database: Database, by: Person, draft_id: UUID, publish_at: datetime) -> None:
    async with database.transaction() as session:
        await reschedule(session, by=by, draft_id=draft_id, publish_at=publish_at)


async def authorised_soon(database: Database, cast: Cast, seconds: float, **changes: Any) -> Saved:
    """Authorised and due in about `seconds`. On a busy machine that instant may pass while people still click: then later."""
    for lead in _later(seconds):
        due = in_seconds(lead)
        with _unless_it_passed():
            saved = await authorised(database, cast, publish_at=due, **changes)
            if datetime.now(UTC) >= due:
                # Authorised too late, it waits for a new time; in time after all, it is on its way.
                with contextlib.suppress(AlreadySent):
                    await re_timed_soon(database, cast.officer, saved.draft_id, seconds)
            return saved
    raise AssertionError("Nothing can be authorised on this machine before it is due.")


async def re_timed_soon(database: Database, by: Person, draft_id: UUID, seconds: float) -> None:
    """A new time in about `seconds`; later where that passed before it was written down."""
    for lead in _later(seconds):
        with _unless_it_passed():
            return await re_timed(database, by, draft_id, in_seconds(lead))
    raise AssertionError("No new time can be written down on this machine before it has passed.")


@contextlib.contextmanager
def _unless_it_passed() -> Iterator[None]:
    """Swallows that the time has passed, and nothing else that may be wrong."""
    try:
        yield
    except Several as refused:
        if [type(one) for one in refused.refusals] != [TimePast]:
            raise
    except TimePast:
        pass


def _later(seconds: float) -> tuple[float, ...]:
    return seconds, 2 * seconds + 2, 4 * seconds + 8


async def withdrawn(database: Database, by: Person, draft_id: UUID) -> None:
    async with database.transaction() as session:
        await withdraw(session, by=by, draft_id=draft_id, reason="No longer wanted.")


async def submitted_again(database: Database, by: Person, saved: Saved) -> None:
    async with database.transaction() as session:
        await submit(session, by=by, draft_id=saved.draft_id, digest=saved.digest)


async def edited(database: Database, by: Person, saved: Saved, *, publish_at: datetime) -> Saved:
    async with database.transaction() as session:
        return await save_draft(
            session,
            by=by,
            draft_id=saved.draft_id,
            seen_version=saved.version,
            source=source(text="Other words, seen by nobody."),
            publish_at=publish_at,
        )


async def two_say(database: Database, cast: Cast, publication_id: UUID, act: Act, *, post: str = "") -> UUID:
    """The two authorisers say it, one after the other; the proposal's id."""
    async with database.transaction() as session:
        asked = await ask(
            session,
            authenticated_at=datetime.now(UTC),
            by=cast.press,
            publication_id=publication_id,
            act=act,
            reason="We looked.",
            post=post,
        )
    async with database.transaction() as session:
        await confirm(session, authenticated_at=datetime.now(UTC), by=cast.policy, proposal_id=asked, act=act)
    return asked


async def held(database: Database, scope: str = "all", target: str = "") -> UUID:
    async with database.transaction() as session:
        return await place_hold(session, actor="operator|somebody", scope=scope, target=target, reason="An incident.")


async def lifted(database: Database, hold_id: UUID) -> None:
    async with database.transaction() as session:
        await lift_hold(session, hold_id=hold_id, first="operator|one", second="operator|two")


async def chains_hold(database: Database) -> bool:
    async with database.transaction() as session:
        report = await verify(session)
    return report.events > 0 and report.faults == ()


async def with_image(database: Database, by: Person, media: Path, *, alt: str = "A navy field") -> SourceImage:
    """A picture uploaded into the store at `media`."""
    picture = BytesIO()
    Image.new("RGB", (640, 360), "navy").save(picture, "PNG")
    image = await upload_image(database, MediaStore.at(str(media)), by=by, raw=picture.getvalue())
    return SourceImage(image.sha256, image.mime, image.width, image.height, alt)
