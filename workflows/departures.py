"""Leaving: dispatches and receipts of what is due at one instant share their transactions; calls of one platform queue apart.

Alone a post pays for its own; a thousand due together would pay a thousand round trips and commits.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.records.calls import Dispatched, dispatch, record_receipt
from core.records.database import Database
from core.records.departures import Departure, Receipt, dispatch_all, record_receipts
from workflows.together import Together

TOGETHER = 20
# How many of one platform may be dispatched and not yet begun: what is dispatched must start within two seconds, and a
# platform that is slow to connect holds up its own posts alone.
BEGUN_AT_ONCE = 40
RECEIPTS_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Leave:
    """dispatch()'s answer, and an instant (CLOCK_BOOTTIME, seconds) that surely lies before it dispatched: the call must start
    soon after."""

    answered: Dispatched
    since: float


class Departures:
    """One per worker process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dispatches: Together[Departure, Leave] = Together(self._dispatch, most=TOGETHER, at_once=2)
        self._receipts: Together[Receipt, str] = Together(self._record, most=TOGETHER)
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(BEGUN_AT_ONCE))
        self._queued = 0

    @asynccontextmanager
    async def place(self, platform: str) -> AsyncIterator["Place"]:
        """A place among those of this platform that leave now; given back when the call has begun, at the latest at the end."""
        place = Place(self._places[platform])
        self._queued += 1
        try:
            await place.take()
        finally:
            self._queued -= 1
        try:
            yield place
        finally:
            place.give_back()

    async def dispatch(self, departure: Departure) -> Leave:
        """The last act before a post leaves. Committed when it returns."""
        return await self._dispatches.ask(departure)

    async def record(self, receipt: Receipt) -> str:
        """Keep what came back; the state the publication is left in."""
        return await self._receipts.ask(receipt)

    async def _dispatch(self, departures: list[Departure]) -> list[Leave]:
        if len(departures) == 1:
            [one] = departures
            async with self._database.single() as connection:
                # A wait for a connection is no part of the time between dispatch and the call.
                asked_at = boottime()
                return [Leave(await dispatch(connection, one.publication_id, epoch=one.epoch, verdict=one.verdict), asked_at)]
        async with self._database.transaction() as session:
            asked_at = boottime()
            answers = await dispatch_all(session, departures)
        # The first of them was dispatched after it was asked for; the others as long after the first as the database says.
        first = min((answered.at for answered in answers if answered.at), default=None)
        later = [(answered.at - first).total_seconds() if first and answered.at else 0.0 for answered in answers]
        return [Leave(answered, asked_at + after) for answered, after in zip(answers, later, strict=True)]

    async def _record(self, receipts: list[Receipt]) -> list[str]:
        await self._after_dispatches()
        if len(receipts) == 1:
            [one] = receipts
            async with self._database.single() as connection:
                return [
                    await record_receipt(
                        connection,
                        attempt_id=one.attempt_id,
                        outcome=one.outcome,
                        retry_at=one.retry_at,
                        receipt_id=one.id,
                    )
                ]
        async with self._database.transaction() as session:
            return await record_receipts(session, receipts)

    async def _after_dispatches(self) -> None:
        """What is due leaves first; what came back is written down within a second all the same."""
        until = time.monotonic() + RECEIPTS_WAIT_SECONDS
        while (self._queued or self._dispatches.waiting) and time.monotonic() < until:  # noqa: ASYNC110 - a bounded wait
            await asyncio.sleep(0.02)


class Place:
    """One place, given back once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._taken = False

    async def take(self) -> None:
        await self._places.acquire()
        self._taken = True

    def give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._places.release()


def boottime() -> float:
    """Seconds that also pass while the machine sleeps or the process is stopped."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
