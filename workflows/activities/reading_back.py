"""Reading back what stands at the platform and comparing it with what was authorised (promise 2)."""

from datetime import timedelta
from uuid import UUID

from core.domain.publication import State
from core.records.looks import renote
from core.records.publications import Publication, move, publication
from integrations.platforms.values import NoAccess, ReadFailed
from workflows.activities.judging import judge_publication
from workflows.activities.means import Means
from workflows.activities.readings import answered, differences, failed_reading
from workflows.messages import PublicationStand
from workflows.points import Point

# A timeline may lag: for this long a post that is not found yet is looked for again before people are told.
SETTLES_WITHIN = timedelta(minutes=2)
READ_AGAIN_SECONDS = 5.0
READ_LATER_SECONDS = 300.0


class ReadingBack:
    """PUBLISHED → VERIFIED when what stands there is what was authorised, → MISMATCH, to two people, when it is not."""

    def __init__(self, means: Means, publication_id: UUID) -> None:
        self._means = means
        self._id = publication_id

    async def run(self) -> PublicationStand:
        async with self._means.database.transaction() as session:
            row = await publication(session, self._id)
            if row is None or row.state is not State.PUBLISHED or row.post_id is None:
                return PublicationStand(str(row.state) if row else "unknown", "nothing")
            case = await judge_publication(session, row)
        if case.account is None or case.rendition is None:
            return PublicationStand(str(row.state), "nothing")
        platform = self._means.platforms[case.rendition.platform]
        try:
            access = await self._means.access_for(case.account)
            found = await answered(platform.read_back(access, row.post_id))
            differing = differences(platform, case.rendition, found)
        except Exception as fault:
            return await self._later(row, failed_reading(fault))
        self._means.reached(Point.READ_BACK, str(self._id))
        if not found.found and row.now - row.moved_at < SETTLES_WITHIN:
            return PublicationStand(str(row.state), "read_back", row.now.timestamp() + READ_AGAIN_SECONDS)
        after = State.MISMATCH if differing else State.VERIFIED
        async with self._means.database.transaction() as session:
            await move(
                session,
                row.id,
                before=State.PUBLISHED,
                after=after,
                epoch=row.epoch,
                note=" ".join(differing),
                permalink=found.permalink,
            )
        return PublicationStand(str(after), "nothing")

    async def _later(self, row: Publication, failed: NoAccess | ReadFailed) -> PublicationStand:
        """It goes on; after a while people are told that nobody has seen the post yet, and why."""
        if row.now - row.moved_at >= timedelta(seconds=self._means.patience.unread):
            note = f"It was published, and could not be read back yet: look at it yourself. {failed}"
            async with self._means.database.transaction() as session:
                await renote(session, row, note)
        named = failed.retry_at if isinstance(failed, ReadFailed) else None
        # However late a time the platform names, people are told once patience is over.
        most = row.now.timestamp() + max(READ_LATER_SECONDS, self._means.patience.unread)
        later = min(named.timestamp(), most) if named else row.now.timestamp() + READ_LATER_SECONDS
        return PublicationStand(str(row.state), "read_back", later)
