"""The activities of a publication's workflow: look, publish, send again, look up, read back, remove."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.domain.publication import State
from core.domain.standing import stand_of
from core.domain.verdict import Refused
from core.records.calls import limited_until
from core.records.facts import draft_facts
from core.records.looks import renote
from core.records.publications import Publication, follow_schedule, move, publication
from workflows.activities.judging import Case, judge_publication
from workflows.activities.looking import Looking
from workflows.activities.means import Means
from workflows.activities.next_acts import next_act
from workflows.activities.reading_back import ReadingBack
from workflows.activities.removing import Removing
from workflows.activities.sending import Sending
from workflows.activities.sending_again import SendingAgain
from workflows.activities.settling import ASKABLE, settle
from workflows.contracts import PublicationContract
from workflows.messages import PublicationStand

# Claims spread over the minute before the due instant; the earliest still leaves time to upload images.
EARLIEST_SECONDS = 60
LATEST_SECONDS = 10
HEARTBEAT_SECONDS, HEARTBEAT_AT_THE_GATE_SECONDS = 3.0, 20.0

TOO_LATE = (
    "The platform takes no more posts from this account before the authorised window ends, so this one will not be published. "
    "Withdraw it and submit it with a later window, or choose another account."
)
WAITS_FOR_ITS_TIME = frozenset({State.SCHEDULED, State.HELD, State.REJECTED})

Answer = TypeVar("Answer")


class PublicationActivities(PublicationContract):
    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn(name="look_at_publication")
    async def look(self, publication_id: str) -> PublicationStand:
        """Settle what needs no platform (what people said, withdrawn, stale, expired, re-timed) and say what comes next."""
        async with self._means.database.transaction() as session:
            row = await _named(session, publication_id)
            if row is None:
                return PublicationStand("unknown", "nothing")
            return replace(await self._look(session, row), epoch=row.epoch)

    async def _look(self, session: AsyncSession, row: Publication) -> PublicationStand:
        if row.state in (State.CLAIMED, State.SENDING):
            # The housekeeper ends leases; asking again in a second costs less than asking until it has.
            until = max(row.lease_until or row.now, row.now)
            return PublicationStand(str(row.state), "wait", until.timestamp() + 1)
        if row.state in ASKABLE:
            row, asked = await settle(session, row)
            if row.state in ASKABLE - {State.REJECTED}:
                return await next_act(session, row, asked, self._means.platforms[row.platform], self._means.patience)
        if row.state in WAITS_FOR_ITS_TIME:
            return await self._waits(session, row)
        return PublicationStand(str(row.state), "nothing")

    async def _waits(self, session: AsyncSession, row: Publication) -> PublicationStand:
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
        # A limit that is used up takes no place at the gate from posts of other accounts.
        for later in (row.not_before, await limited_until(session, row.account_id)):
            at = max(at, later.timestamp()) if later is not None else at
        ends = case.facts.window.end.timestamp()
        if at >= ends:
            # The platform takes nothing before the window ends: it goes back to a person then, not when the platform would.
            await renote(session, replace(row, state=State.SCHEDULED), TOO_LATE)
            return PublicationStand(str(State.SCHEDULED), "wait", ends + 1)
        return PublicationStand(str(State.SCHEDULED), "publish", at)

    @activity.defn(name="publish")
    async def publish(self, publication_id: str) -> str:
        """See `Sending`. While it waits its lease says that this worker lives; the heartbeat is for the engine's own books."""
        return await _with_heartbeat(self._publish(UUID(publication_id)), every=HEARTBEAT_AT_THE_GATE_SECONDS)

    async def _publish(self, publication_id: UUID) -> str:
        result = await Sending(self._means, publication_id).run()
        await self._means.gate.after_the_burst()
        return result

    @activity.defn(name="send_publication_again")
    async def send_again(self, publication_id: str) -> str:
        """See `SendingAgain`."""
        return await _with_heartbeat(SendingAgain(self._means, UUID(publication_id)).run())

    @activity.defn(name="look_publication_up")
    async def look_up(self, publication_id: str) -> PublicationStand:
        """See `Looking`."""
        return await _with_heartbeat(self._look_up(UUID(publication_id)))

    async def _look_up(self, publication_id: UUID) -> PublicationStand:
        looking = await Looking.at(self._means, publication_id)
        return await looking.run() if looking is not None else PublicationStand("", "nothing")

    @activity.defn(name="read_publication_back")
    async def read_back(self, publication_id: str) -> PublicationStand:
        """See `ReadingBack`."""
        return await _with_heartbeat(ReadingBack(self._means, UUID(publication_id)).run())

    @activity.defn(name="remove_publication")
    async def remove(self, publication_id: str) -> PublicationStand:
        """See `Removing`."""
        return await _with_heartbeat(self._remove(UUID(publication_id)))

    async def _remove(self, publication_id: UUID) -> PublicationStand:
        removing = await Removing.of(self._means, publication_id)
        return await removing.run() if removing is not None else PublicationStand("", "nothing")


async def _named(session: AsyncSession, publication_id: str) -> Publication | None:
    """The publication a message names; None if it names none, as a forged one may."""
    try:
        return await publication(session, UUID(publication_id))
    except ValueError:
        return None


async def _with_heartbeat(act: Coroutine[Any, Any, Answer], *, every: float = HEARTBEAT_SECONDS) -> Answer:
    beating = asyncio.create_task(_beat(every))
    try:
        return await act
    finally:
        beating.cancel()


async def _beat(every: float) -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(every)


def _lead(publication_id: str) -> float:
    """How long before its instant this publication is claimed: spread evenly, the same every time it is asked."""
    return LATEST_SECONDS + crc32(publication_id.encode()) % (EARLIEST_SECONDS - LATEST_SECONDS)
