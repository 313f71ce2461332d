"""Taking a post down: its evidence first, then the removal, then a look whether it is gone. Removing again is harmless."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.domain.outcome import Outcome, Result
from core.domain.publication import BY_HAND, State
from core.records.asked import Asked, carry_out
from core.records.publications import Publication, move, publication
from core.records.removals import evidence_kept, keep_answer, keep_evidence, wait_with_removal
from integrations.platforms.base import Platform
from integrations.platforms.values import Access, NoAccess, ReadFailed
from workflows.activities.judging import Case, judge_publication
from workflows.activities.means import Means
from workflows.activities.readings import answered, failed_reading
from workflows.activities.settling import STANDING, settle
from workflows.messages import PublicationStand
from workflows.points import Point

BY_HAND_NOTE = "A person posted this by hand, so a person must remove it. Two people then confirm that it is gone."
NO_ANSWER = "It could not be confirmed that the post is gone."


class Removing:
    """One go at the removal that somebody asked for."""

    def __init__(self, means: Means, row: Publication, case: Case, asked: Asked, *, kept: bool) -> None:
        self._means, self._row, self._case, self._asked, self._kept = means, row, case, asked, kept

    @classmethod
    async def of(cls, means: Means, publication_id: UUID) -> "Removing | None":
        """None where nobody asked for one, or it is done."""
        async with means.database.transaction() as session:
            row = await publication(session, publication_id)
            if row is None or row.state not in STANDING | {State.REMOVING, State.REMOVAL_UNKNOWN}:
                return None
            row, asked = await settle(session, row)
            wanted = next((one for one in asked if one.kind == "take_down"), None)
            if wanted is None:
                return None
            kept = await evidence_kept(session, wanted.id)
            return cls(means, row, await judge_publication(session, row), wanted, kept=kept)

    async def run(self) -> PublicationStand:
        rendition, account, post_id = self._case.rendition, self._case.account, self._row.post_id
        if self._row.platform == BY_HAND or rendition is None or account is None or post_id is None:
            await self._keep({"unread": BY_HAND_NOTE if self._row.platform == BY_HAND else "It is not known which post it is."})
            return await self._to_people(BY_HAND_NOTE if self._row.platform == BY_HAND else NO_ANSWER)
        platform = self._means.platforms[rendition.platform]
        try:
            access = await self._means.access_for(account)
        except Exception as fault:
            failed = failed_reading(fault)
            if isinstance(failed, ReadFailed) and self._row.now - self._asked.at < timedelta(
                seconds=self._means.patience.removal
            ):
                return self._later(failed.retry_at)
            await self._keep({"unread": str(failed)})
            return await self._to_people(f"{NO_ANSWER} {failed}")
        if not self._kept and not await self._capture(platform, access, post_id):
            return self._later(None)
        return await self._remove(platform, access, post_id)

    async def _capture(self, platform: Platform, access: Access, post_id: str) -> bool:
        """What stands there, kept before anything is removed. False: not yet; a post that must come down does not wait long."""
        try:
            stood: dict[str, Any] = asdict(await answered(platform.read_back(access, post_id)))
        except (NoAccess, ReadFailed) as failed:
            if self._row.now - self._asked.at < timedelta(seconds=self._means.patience.evidence):
                return False
            stood = {"unread": str(failed)}
        return await self._keep(stood)

    async def _keep(self, stood: dict[str, Any]) -> bool:
        """The evidence, and REMOVING, in one transaction. False if the publication moved meanwhile: look again."""
        if self._row.state is State.REMOVING:
            return True
        async with self._means.database.transaction() as session:
            row = await publication(session, self._row.id)
            if row is None or row.state is not self._row.state:
                return False
            await keep_evidence(session, act_id=self._asked.id, publication_id=row.id, post_id=row.post_id or "", stood=stood)
            if not await move(session, row.id, before=row.state, after=State.REMOVING, epoch=row.epoch, note=self._asked.reason):
                raise LookupError(f"Publication {row.id} moved while its evidence was kept.")
        self._means.reached(Point.EVIDENCE_KEPT, str(self._row.id))
        return True

    async def _remove(self, platform: Platform, access: Access, post_id: str) -> PublicationStand:
        try:
            outcome = await answered(platform.delete(access, post_id))
        except (NoAccess, ReadFailed) as failed:
            outcome = Outcome(Result.UNKNOWN, str(failed))
        self._means.reached(Point.REMOVAL_ANSWERED, str(self._row.id))
        async with self._means.database.transaction() as session:
            await keep_answer(session, act_id=self._asked.id, outcome=outcome)
        if outcome.result is Result.NOT_SENT:
            return await self._wait(outcome)
        try:
            gone = not (await answered(platform.read_back(access, post_id))).found
        except (NoAccess, ReadFailed) as failed:
            return (
                self._later(getattr(failed, "retry_at", None))
                if self._goes_on()
                else await self._to_people(f"{NO_ANSWER} {failed}")
            )
        if gone:
            return await self._end(State.REMOVED, "")
        if outcome.result is Result.REFUSED or not self._goes_on():
            return await self._to_people(f"{NO_ANSWER} {outcome.detail}")
        return self._later(None)

    async def _wait(self, outcome: Outcome) -> PublicationStand:
        """A limit of the platform is waited out, for every worker; for so long that people need not wait for ever."""
        if not self._goes_on(self._means.patience.removal_limited):
            return await self._to_people(f"{NO_ANSWER} {outcome.detail}")
        until = min(self._latest(), outcome.retry_at or self._row.now + timedelta(seconds=self._means.patience.again))
        async with self._means.database.transaction() as session:
            await wait_with_removal(session, self._row.id, until)
        return self._later(until)

    def _goes_on(self, seconds: float | None = None) -> bool:
        limit = self._means.patience.removal if seconds is None else seconds
        since = self._row.moved_at if self._row.state is State.REMOVING else self._row.now
        return self._row.now - since < timedelta(seconds=limit)

    def _latest(self) -> datetime:
        """However late a time the platform names, people are told once patience is over."""
        return self._row.now + timedelta(seconds=self._means.patience.removal_limited)

    def _later(self, at: datetime | None) -> PublicationStand:
        at = min(at, self._latest()) if at else None
        again = self._row.now.timestamp() + self._means.patience.again
        return PublicationStand(str(State.REMOVING), "remove", max(at.timestamp(), again) if at else again)

    async def _to_people(self, note: str) -> PublicationStand:
        return await self._end(State.REMOVAL_UNKNOWN, note)

    async def _end(self, after: State, note: str) -> PublicationStand:
        async with self._means.database.transaction() as session:
            if not await move(session, self._row.id, before=State.REMOVING, after=after, epoch=self._row.epoch, note=note):
                # Somebody else ended it meanwhile, and what came of it is theirs to say: look again.
                return PublicationStand(str(self._row.state), "nothing")
            await carry_out(session, self._asked, self._row.id, result=str(after), note=note)
            ended = await publication(session, self._row.id)
            if ended is not None:
                # Whoever else asked for the same need not wait.
                await settle(session, ended)
        return PublicationStand(str(after), "nothing")
