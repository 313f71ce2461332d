"""Publishing one claimed publication: prepare, wait at the gate, dispatch, one call, record."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from core.domain.outcome import Result
from core.domain.publication import State
from core.domain.verdict import Refused, TargetSeen
from core.records.publications import Publication, claim, follow_schedule, move, publication
from workflows.activities.calling import Calling, NotReady, Ready
from workflows.activities.judging import Case, judge_publication
from workflows.activities.means import Means
from workflows.activities.targets import with_target_read
from workflows.points import Point


class Sending:
    """One publication under one claim. Every step re-reads the rows; only dispatch() lets the call be made."""

    def __init__(self, means: Means, publication_id: UUID) -> None:
        self._means = means
        self._id = publication_id
        self._calling = Calling(means, publication_id)
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
        ready = await self._or_let_go(self._calling.prepare(case.account, case.rendition))
        if ready is None:
            return "let go"
        self._reach(Point.PREPARED)
        while True:
            ready = await self._or_let_go(with_target_read(self._means, ready, now=case.facts.now))
            if ready is None:
                return "let go"
            case = await self._judge(ready.target)
            if case is None or case.account is None or case.rendition is None or isinstance(case.finding, Refused):
                return "let go"
            self._reach(Point.JUDGED)
            self._means.gate.judged(self._id, epoch=self._epoch, draft_revision=case.facts.revision)
            self._reach(Point.AT_THE_GATE)
            due = await self._means.gate.wait(self._id, case.facts.schedule.publish_at, epoch=self._epoch)
            if not due and self._means.gate.closed:
                return await self._let_go()
            same = replace(ready, rendition=case.rendition)
            answered = await self._calling.leave(same, case.finding.data, epoch=self._epoch)
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

    async def _judge(self, target: TargetSeen | None = None) -> Case | None:
        """The case as it stands; None after a refusal, which is recorded, or if the claim is no longer ours."""
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
            if row is None or row.state is not State.CLAIMED or row.epoch != self._epoch:
                return None
            case = await judge_publication(session, row, target)
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

    async def _or_let_go(self, getting_ready: Awaitable[Ready]) -> Ready | None:
        """Everything the call is made with. None: it was let go, for later or for a person."""
        try:
            return await getting_ready
        except NotReady as failed:
            outcome = failed.outcome
            after = State.REJECTED if outcome.result is Result.REFUSED else State.SCHEDULED
            # Asked before, as every retry_at: one connection per publication, or a burst that fails waits for itself.
            retry = await self._calling.retry_at(outcome, self._epoch) if after is State.SCHEDULED else None
            async with self._means.database.transaction() as session:
                await move(
                    session, self._id, before=State.CLAIMED, after=after, epoch=self._epoch, note=outcome.detail, retry_at=retry
                )
            return None

    def _reach(self, point: Point) -> None:
        self._means.reached(point, str(self._id))


def _moved_away(case: Case, row: Publication) -> bool:
    """Re-timed to well after this claim: let it go, so that nothing waits at the gate for hours."""
    return (case.facts.schedule.publish_at - row.now) > timedelta(minutes=5)
