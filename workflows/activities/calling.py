"""One call to a platform, first or again: what it is made with, dispatch, the call itself, its answer on the record."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.domain.content import Rendition
from core.domain.outcome import Outcome, Quota, Result, SendKey
from core.domain.verdict import TargetSeen
from core.records.calls import LIMIT_AT_MOST, Dispatched, dispatch, keep_quota
from core.records.departures import Departure, Receipt
from core.records.facts import AccountFacts
from core.records.publications import publication
from integrations.platforms.values import Access, NoAccess, Prepared, PrepareFailed, TokenRefused
from integrations.store import MediaCorrupted, MediaMissing
from workflows.activities.means import Means
from workflows.departures import Leave, Place, boottime
from workflows.points import Point

log = structlog.get_logger(__name__)

# A request that did not start this long after dispatch is recorded as not sent (design: one publication's life).
START_WITHIN_SECONDS = 2.0
RETRY_MOST_SECONDS = 300.0
# Written down only when little is left: at a due instant a row that a thousand posts write is a queue.
LITTLE_LEFT = 20
NO_IMAGE = "An authorised image is missing from the media store, or is no longer the one that was authorised. Restore it."


@dataclass(frozen=True)
class Ready:
    """What the one call is made with: everything that could fail before it has been done."""

    account: AccountFacts
    access: Access
    rendition: Rendition
    prepared: Prepared
    target: TargetSeen | None = None


class NotReady(Exception):
    """Nothing was sent. `outcome` is NOT_SENT (later) or REFUSED (to a person)."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class Calling:
    """The calls of one publication. Only what dispatch() lets through is made."""

    def __init__(self, means: Means, publication_id: UUID) -> None:
        self._means = means
        self._id = publication_id

    async def prepare(self, account: AccountFacts, rendition: Rendition) -> Ready:
        """Open the token and upload the images: harmless to repeat. Raises NotReady."""
        try:
            access = await self._means.access_for(account)
            files = {image.sha256: await self._means.store.get(image.sha256) for image in rendition.images}
            access, prepared = await self._uploaded(account, access, rendition, files)
        except PrepareFailed as failed:
            raise NotReady(failed.outcome) from failed
        except (NoAccess, MediaMissing, MediaCorrupted) as failed:
            raise NotReady(Outcome(Result.REFUSED, str(failed) if isinstance(failed, NoAccess) else NO_IMAGE)) from failed
        return Ready(account, access, rendition, prepared)

    async def _uploaded(
        self, account: AccountFacts, access: Access, rendition: Rendition, files: dict[str, bytes]
    ) -> tuple[Access, Prepared]:
        """A token that is not taken is refreshed once; after that it is for a person."""
        platform = self._means.platforms[rendition.platform]
        try:
            return access, await platform.prepare(access, rendition, files)
        except TokenRefused:
            if self._means.renew is None:
                raise
            access = await self._means.renew(account, access)
            return access, await platform.prepare(access, rendition, files)

    async def leave(
        self, ready: Ready, verdict: dict[str, Any], *, epoch: int, again: bool = False, resend: UUID | None = None
    ) -> Dispatched:
        """Dispatch and, if that allows it, the one call: one piece, whole even if we are told to stop in the middle."""
        return await _whole(self._leave(ready, verdict, epoch, again, resend))

    async def _leave(self, ready: Ready, verdict: dict[str, Any], epoch: int, again: bool, resend: UUID | None) -> Dispatched:
        async with self._means.departures.place(ready.rendition.platform) as place:
            left = await self._dispatch(verdict, epoch, again, resend)
            answered = left.answered
            if answered.attempt_id is None or answered.key is None or answered.epoch is None:
                return answered
            outcome = await self._send(ready, answered.key, left.since, place)
        await self._record(answered.attempt_id, answered.epoch, ready.account.id, outcome)
        self._reach(Point.RECORDED)
        return replace(answered, result=str(outcome.result))

    async def _dispatch(self, verdict: dict[str, Any], epoch: int, again: bool, resend: UUID | None) -> Leave:
        if not again:
            return await self._means.departures.dispatch(Departure(self._id, epoch, verdict))
        async with self._means.database.single() as connection:
            asked_at = boottime()
            answered = await dispatch(connection, self._id, epoch=epoch, verdict=verdict, again=True, resend=resend)
        return Leave(answered, asked_at)

    async def _send(self, ready: Ready, key: SendKey, since: float, place: Place) -> Outcome:
        """One call, no hidden retries. The session is closed: nothing is locked while the platform answers."""
        self._reach(Point.DISPATCHED)

        def may_start() -> bool:
            place.give_back()
            return boottime() - since <= START_WITHIN_SECONDS

        outcome = await self._means.platforms[ready.rendition.platform].send(
            ready.access, ready.rendition, ready.prepared, key=key, may_start=may_start
        )
        self._reach(Point.ANSWERED)
        return outcome

    async def _record(self, attempt_id: UUID, epoch: int, account_id: UUID, outcome: Outcome) -> None:
        """Until it is written down: the answer exists nowhere else. If the lease ends meanwhile it settles UNKNOWN later."""
        receipt_id, answered_at = uuid4(), boottime()
        while True:
            try:
                retry = await self.retry_at(outcome, epoch) if outcome.result is Result.NOT_SENT else None
                await self._means.departures.record(Receipt(receipt_id, attempt_id, outcome, retry))
                quota = _worth_keeping(outcome)
                if quota is not None:
                    async with self._means.database.single() as connection:
                        age = timedelta(seconds=boottime() - answered_at)
                        await keep_quota(connection, account_id, quota, age=age)
                return
            except (OperationalError, InterfaceError, PoolTimeout, OSError) as fault:
                log.warning("publication.receipt_waits", publication=str(self._id), fault=type(fault).__name__)
                await asyncio.sleep(1)

    async def retry_at(self, outcome: Outcome, epoch: int) -> datetime:
        """The platform's own reset, else a distance that grows with every claim, up to five minutes."""
        if outcome.retry_at is not None:
            return min(outcome.retry_at, datetime.now(UTC) + LIMIT_AT_MOST)
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
        if row is None:
            raise LookupError(f"Publication {self._id} is gone.")
        return row.now + timedelta(seconds=min(RETRY_MOST_SECONDS, 5.0 * 2 ** min(epoch - 1, 8)))

    def _reach(self, point: Point) -> None:
        self._means.reached(point, str(self._id))


def _worth_keeping(outcome: Outcome) -> Quota | None:
    """What other workers must know before they send for this account: that little is left, or nothing until a reset."""
    if outcome.result is Result.NOT_SENT and outcome.status == 429 and outcome.retry_at is not None:
        return Quota(outcome.quota.bucket if outcome.quota else "posts", 0, outcome.retry_at)
    return outcome.quota if outcome.quota and outcome.quota.remaining <= LITTLE_LEFT else None


async def _whole(act: Coroutine[Any, Any, Dispatched]) -> Dispatched:
    """All of `act`, even if we are told to stop in the middle: a call that is out must have its answer written down."""
    under_way = asyncio.ensure_future(act)
    try:
        return await asyncio.shield(under_way)
    except asyncio.CancelledError:
        await asyncio.wait([under_way])
        raise
