"""Sending a post of unknown outcome again: under its first call's key, or because two people said so. Never otherwise."""

from uuid import UUID

import structlog

from core.domain.publication import State
from core.domain.verdict import Refused, TargetSeen
from core.records.asked import Asked, asked_of, carry_out
from core.records.calls import Dispatched
from core.records.looks import renote, write_look
from core.records.publications import Publication, publication
from workflows.activities.calling import Calling, NotReady, Ready
from workflows.activities.judging import Case, judge_publication
from workflows.activities.means import Means
from workflows.activities.readings import DATABASE_AWAY
from workflows.activities.targets import with_target_read
from workflows.points import Point

log = structlog.get_logger(__name__)

JUDGED_AT_MOST = 3
NOT_READY = "It could not be got ready: something went wrong in the service itself. Tell whoever runs it."
_WHY = {
    "early": "It was given a later time.",
    "limited": "The platform takes no more posts from this account for now.",
    "judge_again": "Something about it changed while it was got ready.",
}


class SendingAgain:
    """UNKNOWN → SENDING, through dispatch() alone. Whatever stands in the way, it stays UNKNOWN and people are told why.

    A word of two people that could not be followed at once is used up: what they looked at may have changed.
    """

    def __init__(self, means: Means, publication_id: UUID) -> None:
        self._means = means
        self._id = publication_id
        self._calling = Calling(means, publication_id)
        self._epoch: int | None = None

    async def run(self) -> str:
        """What became of it, for the workflow's own history."""
        try:
            return await self._run()
        except DATABASE_AWAY:
            raise
        except Exception as fault:
            log.warning("publication.not_sent_again", publication=str(self._id), fault=type(fault).__name__)
            if not await self._stayed():
                raise
            return "stays unknown"

    async def _stayed(self) -> bool:
        """Said to people, and a word used up or a look written, so that it is not tried over and over. False: it moved on."""
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
            if row is None or row.state is not State.UNKNOWN or self._epoch not in (None, row.epoch):
                return False
            resend = next((one for one in await asked_of(session, row.id) if one.kind == "resend"), None)
        await self._stays(row, resend, NOT_READY)
        return True

    async def _run(self) -> str:
        row, case, resend = await self._judge()
        if row is None or case is None:
            return "let go"
        self._epoch = row.epoch
        if case.account is None or case.rendition is None or isinstance(case.finding, Refused):
            note = case.finding.note if isinstance(case.finding, Refused) else "Its words are no longer as they were authorised."
            return await self._stays(row, resend, note)
        try:
            ready = await self._calling.prepare(case.account, case.rendition)
        except NotReady as failed:
            return await self._stays(row, resend, str(failed))
        self._means.reached(Point.PREPARED, str(self._id))
        return await self._leave(ready, row, resend)

    async def _leave(self, ready: Ready, first: Publication, resend: Asked | None) -> str:
        answered = Dispatched("judge_again", None, None, None)
        for _ in range(JUDGED_AT_MOST):
            try:
                ready = await with_target_read(self._means, ready, now=first.now)
            except NotReady as failed:
                return await self._stays(first, resend, str(failed))
            row, case, _ = await self._judge(ready.target)
            if row is None or case is None or row.epoch != first.epoch:
                return "let go"
            if isinstance(case.finding, Refused):
                return await self._stays(row, resend, case.finding.note)
            answered = await self._calling.leave(
                ready, case.finding.data, epoch=row.epoch, again=True, resend=resend.id if resend else None
            )
            if answered.result != "judge_again":
                break
        if answered.attempt_id is not None or answered.result == "fenced":
            return answered.result
        if answered.result in _WHY:
            return await self._stays(first, resend, _WHY[answered.result])
        if resend is None:
            # dispatch() has said why; a look on the record keeps the repeat from being tried over and over.
            await self._looked(first)
        return "stays unknown"

    async def _judge(self, target: TargetSeen | None = None) -> tuple[Publication | None, Case | None, Asked | None]:
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
            if row is None or row.state is not State.UNKNOWN:
                return None, None, None
            resend = next((one for one in await asked_of(session, row.id) if one.kind == "resend"), None)
            return row, await judge_publication(session, row, target), resend

    async def _stays(self, row: Publication, resend: Asked | None, why: str) -> str:
        note = f"It was not sent again, and its outcome is still not known. {why}"
        async with self._means.database.transaction() as session:
            if resend is None:
                await write_look(session, row, found=[], sentence=note)
            else:
                await renote(session, row, note)
                await carry_out(session, resend, row.id, result="void", note=why)
        return "stays unknown"

    async def _looked(self, row: Publication) -> None:
        async with self._means.database.transaction() as session:
            now = await publication(session, row.id)
            if now is not None and now.state is State.UNKNOWN:
                await write_look(session, now, found=[], sentence=now.note)
