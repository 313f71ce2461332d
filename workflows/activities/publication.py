"""The activities of a publication's workflow: look, publish, read back."""

import asyncio
from datetime import timedelta
from uuid import UUID
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.domain.publication import State
from core.domain.standing import stand_of
from core.domain.verdict import Refused
from core.records.facts import draft_facts
from core.records.publications import Publication, follow_schedule, move, publication
from integrations.platforms.values import NoAccess, ReadFailed
from workflows.activities.judging import Case, judge_publication
from workflows.activities.means import Means
from workflows.activities.sending import Sending
from workflows.contracts import PublicationContract
from workflows.messages import PublicationStand
from workflows.points import Point

# Claims spread over the minute before the due instant; the earliest still leaves time to upload images.
EARLIEST_SECONDS = 60
LATEST_SECONDS = 10
HEARTBEAT_SECONDS = 3.0
# A timeline may lag: for this long a post that is not found yet is looked for again before people are told.
SETTLES_WITHIN = timedelta(minutes=2)
READ_AGAIN_SECONDS = 5.0
READ_LATER_SECONDS = 300.0

NOTHING = frozenset(set(State) - {State.SCHEDULED, State.CLAIMED, State.SENDING, State.PUBLISHED, State.HELD, State.REJECTED})


class PublicationActivities(PublicationContract):
    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn(name="look_at_publication")
    async def look(self, publication_id: str) -> PublicationStand:
        """Settle what needs no platform (withdrawn, stale, expired, re-timed) and say what comes next."""
        async with self._means.database.transaction() as session:
            row = await _named(session, publication_id)
            if row is None or row.state in NOTHING:
                return PublicationStand(str(row.state) if row else "unknown", "nothing")
            if row.state is State.PUBLISHED:
                return PublicationStand(str(row.state), "read_back")
            if row.state in (State.CLAIMED, State.SENDING):
                # The courier ends leases; asking again in a second costs less than asking until it has.
                until = max(row.lease_until or row.now, row.now)
                return PublicationStand(str(row.state), "wait", until.timestamp() + 1)
            facts = await draft_facts(session, row.draft_id)
            if facts is None:
                return PublicationStand(str(row.state), "nothing")
            if row.state is not State.SCHEDULED:
                # Lifting a hold releases nothing by itself: only a time that a person gave after it was stopped does.
                if not (facts.schedule.set_at > row.moved_at and stand_of(facts.rows, facts.now).due):
                    return PublicationStand(str(row.state), "nothing")
                await move(session, row.id, before=row.state, after=State.SCHEDULED, epoch=row.epoch)
            if facts.schedule.revision > row.schedule_revision:
                await follow_schedule(session, row.id, revision=facts.schedule.revision, publish_at=facts.schedule.publish_at)
            return await self._scheduled(session, row)

    async def _scheduled(self, session: AsyncSession, row: Publication) -> PublicationStand:
        case: Case = await judge_publication(session, row)
        if isinstance(case.finding, Refused):
            await move(session, row.id, before=State.SCHEDULED, after=case.finding.state, epoch=row.epoch, note=case.finding.note)
            return PublicationStand(str(case.finding.state), "nothing")
        at = case.facts.schedule.publish_at.timestamp() - _lead(str(row.id))
        if row.not_before is not None:
            at = max(at, row.not_before.timestamp())
        ends = case.facts.window.end.timestamp()
        if at >= ends:
            # The platform takes nothing before the window ends: it goes back to a person then, not when the platform would.
            return PublicationStand(str(State.SCHEDULED), "wait", ends + 1)
        return PublicationStand(str(State.SCHEDULED), "publish", at)

    @activity.defn(name="publish")
    async def publish(self, publication_id: str) -> str:
        """See `Sending`. Heartbeats while it waits, so that a dead worker is noticed within ten seconds."""
        beating = asyncio.create_task(_beat())
        try:
            result = await Sending(self._means, UUID(publication_id)).run()
            await self._means.gate.after_the_burst()
            return result
        finally:
            beating.cancel()

    @activity.defn(name="read_publication_back")
    async def read_back(self, publication_id: str) -> PublicationStand:
        """PUBLISHED → VERIFIED when what stands there is what was authorised, → MISMATCH, to two people, when it is not."""
        beating = asyncio.create_task(_beat())
        try:
            return await self._read_back(publication_id)
        finally:
            beating.cancel()

    async def _read_back(self, publication_id: str) -> PublicationStand:
        async with self._means.database.transaction() as session:
            row = await _named(session, publication_id)
            if row is None or row.state is not State.PUBLISHED or row.post_id is None:
                return PublicationStand(str(row.state) if row else "unknown", "nothing")
            case = await judge_publication(session, row)
        if case.account is None or case.rendition is None:
            return PublicationStand(str(row.state), "nothing")
        platform = self._means.platforms[case.rendition.platform]
        try:
            found = await platform.read_back(await self._means.access_for(case.account), row.post_id)
        except (NoAccess, ReadFailed) as failed:
            named = failed.retry_at if isinstance(failed, ReadFailed) else None
            later = named.timestamp() if named else row.now.timestamp() + READ_LATER_SECONDS
            return PublicationStand(str(row.state), "read_back", later)
        self._means.reached(Point.READ_BACK, publication_id)
        if not found.found and row.now - row.moved_at < SETTLES_WITHIN:
            return PublicationStand(str(row.state), "read_back", row.now.timestamp() + READ_AGAIN_SECONDS)
        differences = platform.matches(case.rendition, found)
        after = State.MISMATCH if differences else State.VERIFIED
        async with self._means.database.transaction() as session:
            await move(
                session,
                row.id,
                before=State.PUBLISHED,
                after=after,
                epoch=row.epoch,
                note=" ".join(differences),
                permalink=found.permalink,
            )
        return PublicationStand(str(after), "nothing")


async def _named(session: AsyncSession, publication_id: str) -> Publication | None:
    """The publication a message names; None if it names none, as a forged one may."""
    try:
        return await publication(session, UUID(publication_id))
    except ValueError:
        return None


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_SECONDS)


def _lead(publication_id: str) -> float:
    """How long before its instant this publication is claimed: spread evenly, the same every time it is asked."""
    return LATEST_SECONDS + crc32(publication_id.encode()) % (EARLIEST_SECONDS - LATEST_SECONDS)
