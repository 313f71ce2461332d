"""Publishing one claimed publication: prepare, wait at the gate, dispatch, one call, record."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.domain.content import Rendition
from core.domain.outcome import Outcome, Result, SendKey
from core.domain.publication import State
from core.domain.verdict import Refused
from core.records.database import Database
from core.records.facts import AccountFacts
from core.records.publications import (
    Dispatched,
    Publication,
    claim,
    dispatch,
    follow_schedule,
    move,
    publication,
    record_receipt,
)
from integrations.platforms.base import Platform
from integrations.platforms.values import Access, NoAccess, Prepared, PrepareFailed
from integrations.store import MediaCorrupted, MediaMissing, MediaStore
from workflows.activities.judging import Case, judge_publication
from workflows.gate import Gate
from workflows.points import Point, Reached

log = structlog.get_logger(__name__)

# A request that did not start this long after dispatch is recorded as not sent (design: one publication's life).
START_WITHIN_SECONDS = 2.0
RETRY_MOST_SECONDS = 300.0
NO_IMAGE = "An authorised image is missing from the media store, or is no longer the one that was authorised. Restore it."

AccessFor = Callable[[AccountFacts], Awaitable[Access]]
"""One account's way in, its token opened for this use. Raises NoAccess where there is none that works."""


@dataclass(frozen=True)
class Means:
    """What publishing needs: the worker's database, the media store, the platforms, the tokens, the gate."""

    database: Database
    store: MediaStore
    platforms: Mapping[str, Platform]
    access_for: AccessFor
    gate: Gate
    worker: str
    reached: Reached


@dataclass(frozen=True)
class _Ready:
    """What the one call is made with: everything that could fail before it has been done."""

    access: Access
    rendition: Rendition
    prepared: Prepared


class Sending:
    """One publication under one claim. Every step re-reads the rows; only dispatch() lets the call be made."""

    def __init__(self, means: Means, publication_id: UUID) -> None:
        self._means = means
        self._id = publication_id
        self._epoch = 0

    async def run(self) -> str:
        """The state it was left in, for the workflow's own history."""
        async with self._means.database.transaction() as session:
            epoch = await claim(session, self._id, worker=self._means.worker, lease_seconds=self._means.gate.lease_seconds)
        if epoch is None:
            return "not claimed"
        self._epoch = epoch
        self._means.gate.enter(self._id, epoch=epoch, draft_revision=-1)
        try:
            self._reach(Point.CLAIMED)
            return await self._claimed()
        finally:
            self._means.gate.leave(self._id, epoch=epoch)

    async def _claimed(self) -> str:
        case = await self._judge()
        if case is None or case.account is None or case.rendition is None:
            return "let go"
        ready = await self._prepare(case.account, case.rendition)
        if ready is None:
            return "let go"
        self._reach(Point.PREPARED)
        while True:
            case = await self._judge()
            if case is None or case.account is None or case.rendition is None or isinstance(case.finding, Refused):
                return "let go"
            self._reach(Point.JUDGED)
            self._means.gate.judged(self._id, epoch=self._epoch, draft_revision=case.facts.revision)
            self._reach(Point.AT_THE_GATE)
            due = await self._means.gate.wait(self._id, case.facts.schedule.publish_at, epoch=self._epoch)
            if not due and self._means.gate.closed:
                return await self._let_go()
            answered = await _whole(self._leave(replace(ready, rendition=case.rendition), case.finding.data))
            if answered.result not in ("early", "judge_again"):
                return answered.result
            if answered.result == "early" and answered.publish_at and answered.at:
                # Never early: our clock ran ahead of the database's. A later schedule waits at the gate again.
                await asyncio.sleep(min(1.0, max(0.0, (answered.publish_at - answered.at).total_seconds())))

    async def _let_go(self) -> str:
        """Anybody's again at once, instead of when the lease ends."""
        async with self._means.database.transaction() as session:
            await move(session, self._id, before=State.CLAIMED, after=State.SCHEDULED, epoch=self._epoch)
        return "let go"

    async def _judge(self) -> Case | None:
        """The case as it stands; None after a refusal, which is recorded, or if the claim is no longer ours."""
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
            if row is None or row.state is not State.CLAIMED or row.epoch != self._epoch:
                return None
            case = await judge_publication(session, row)
            if isinstance(case.finding, Refused):
                finding = case.finding
                await move(session, self._id, before=State.CLAIMED, after=finding.state, epoch=self._epoch, note=finding.note)
                return None
            if _moved_away(case, row):
                await move(session, self._id, before=State.CLAIMED, after=State.SCHEDULED, epoch=self._epoch)
                return None
            if case.facts.schedule.revision > row.schedule_revision:
                at = case.facts.schedule.publish_at
                await follow_schedule(session, self._id, revision=case.facts.schedule.revision, publish_at=at)
        return case

    async def _prepare(self, account: AccountFacts, rendition: Rendition) -> _Ready | None:
        """Open the token and upload the images: harmless to repeat. None: it was let go, for later or for a person."""
        try:
            access = await self._means.access_for(account)
            files = {image.sha256: await self._means.store.get(image.sha256) for image in rendition.images}
            return _Ready(access, rendition, await self._means.platforms[rendition.platform].prepare(access, rendition, files))
        except (NoAccess, PrepareFailed, MediaMissing, MediaCorrupted) as failed:
            outcome = _as_outcome(failed)
            after = State.REJECTED if outcome.result is Result.REFUSED else State.SCHEDULED
            # Asked before, as every _retry_at: one connection per publication, or a burst that fails waits for itself.
            retry = await self._retry_at(outcome) if after is State.SCHEDULED else None
            async with self._means.database.transaction() as session:
                await move(
                    session, self._id, before=State.CLAIMED, after=after, epoch=self._epoch, note=outcome.detail, retry_at=retry
                )
            return None

    async def _leave(self, ready: _Ready, verdict: dict[str, object]) -> Dispatched:
        """Dispatch and, if that allows it, the one call: from the first to the receipt it is one piece."""
        async with self._means.database.single() as connection:
            # A wait for a connection is no part of the time between dispatch and the call.
            started = _boottime()
            answered = await dispatch(connection, self._id, epoch=self._epoch, verdict=verdict)
        if answered.result != "sending" or answered.attempt_id is None or answered.at is None:
            return answered
        sent = await self._send(ready, answered.attempt_id, SendKey(self._id, answered.at), started)
        return replace(answered, result=sent)

    async def _send(self, ready: _Ready, attempt_id: UUID, key: SendKey, started: float) -> str:
        """One call, no hidden retries. The session is closed: nothing is locked while the platform answers."""
        self._reach(Point.DISPATCHED)
        outcome = await self._means.platforms[ready.rendition.platform].send(
            ready.access,
            ready.rendition,
            ready.prepared,
            key=key,
            may_start=lambda: _boottime() - started <= START_WITHIN_SECONDS,
        )
        self._reach(Point.ANSWERED)
        await self._record(attempt_id, outcome)
        self._reach(Point.RECORDED)
        return str(outcome.result)

    async def _record(self, attempt_id: UUID, outcome: Outcome) -> None:
        """Until it is written down: the answer exists nowhere else. If the lease ends meanwhile it settles UNKNOWN later."""
        while True:
            try:
                retry = await self._retry_at(outcome) if outcome.result is Result.NOT_SENT else None
                async with self._means.database.single() as connection:
                    await record_receipt(
                        connection,
                        publication_id=self._id,
                        attempt_id=attempt_id,
                        epoch=self._epoch,
                        outcome=outcome,
                        retry_at=retry,
                    )
                return
            except (OperationalError, InterfaceError, PoolTimeout, OSError) as fault:
                log.warning("publication.receipt_waits", publication=str(self._id), fault=type(fault).__name__)
                await asyncio.sleep(1)

    async def _retry_at(self, outcome: Outcome) -> datetime:
        """The platform's own reset, else a distance that grows with every claim, up to five minutes."""
        if outcome.retry_at is not None:
            return outcome.retry_at
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
        if row is None:
            raise LookupError(f"Publication {self._id} is gone.")
        return row.now + timedelta(seconds=min(RETRY_MOST_SECONDS, 5.0 * 2 ** min(self._epoch - 1, 8)))

    def _reach(self, point: Point) -> None:
        self._means.reached(point, str(self._id))


def _as_outcome(failed: Exception) -> Outcome:
    """What a failure before the call means: of all of them nothing was sent."""
    if isinstance(failed, PrepareFailed):
        return failed.outcome
    return Outcome(Result.REFUSED, str(failed) if isinstance(failed, NoAccess) else NO_IMAGE)


def _moved_away(case: Case, row: Publication) -> bool:
    """Re-timed to well after this claim: let it go, so that nothing waits at the gate for hours."""
    return (case.facts.schedule.publish_at - row.now) > timedelta(minutes=5)


async def _whole(act: Coroutine[Any, Any, Dispatched]) -> Dispatched:
    """All of `act`, even if we are told to stop in the middle: a call that is out must have its answer written down."""
    under_way = asyncio.ensure_future(act)
    try:
        return await asyncio.shield(under_way)
    except asyncio.CancelledError:
        await asyncio.wait([under_way])
        raise


def _boottime() -> float:
    """Seconds that also pass while the machine sleeps or the process is stopped."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
