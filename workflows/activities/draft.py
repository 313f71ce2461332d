"""What the draft's workflow has done: step clocks started, publications made, superseded ones closed."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.domain.publication import FINAL, NOT_LIVE, State
from core.domain.standing import Stand, Standing, stand_of
from core.records.database import Database
from core.records.facts import DraftFacts, draft_facts
from core.records.publications import Publication, insert_publication, move, publications_of
from workflows.contracts import DraftContract
from workflows.messages import DraftStand

# What a newer submission or a withdrawal closes here. CLAIMED is its worker's to let go of, at dispatch or when its lease ends.
CLOSABLE = frozenset({State.SCHEDULED, State.HELD, State.REVOKED, State.EXPIRED, State.REJECTED})


class DraftActivities(DraftContract):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="carry_draft_on")
    async def carry_on(self, draft_id: str) -> DraftStand:
        """Open what is open, start what is due, close what is over: by the rows, and safe to repeat."""
        async with self._database.transaction() as session:
            facts = await _named(session, draft_id)
            if facts is None:
                # A forged message names no draft: there is nothing to do, and nothing it could authorise.
                return DraftStand("unknown", True)
            stand = stand_of(facts.rows, facts.now)
            await _start_clocks(session, facts, stand)
            busy = await _close_superseded(session, facts)
            if stand.due and stand.standing in (Standing.AUTHORISED, Standing.NEEDS_ATTENTION, Standing.PUBLISHING):
                await _make_publications(session, facts)
        return _told(facts, stand, busy=busy)


async def _named(session: AsyncSession, draft_id: str) -> DraftFacts | None:
    try:
        return await draft_facts(session, UUID(draft_id))
    except ValueError:
        return None


def _told(facts: DraftFacts, stand: Stand, *, busy: bool) -> DraftStand:
    """Busy: an older publication is still claimed, so look again soon. An awaiting draft is looked at when its window ends."""
    if busy:
        return DraftStand(str(stand.standing), False, facts.now.timestamp() + 2)
    if stand.standing in (Standing.AWAITING, Standing.NEEDS_NEW_TIME):
        return DraftStand(str(stand.standing), False, facts.window.end.timestamp() + 1)
    waiting = stand.standing in (Standing.AUTHORISED, Standing.PUBLISHING)
    return DraftStand(str(stand.standing), not waiting)


async def _start_clocks(session: AsyncSession, facts: DraftFacts, stand: Stand) -> None:
    if stand.progress is None or facts.submission is None or not stand.live:
        return
    for step in stand.progress.open_steps:
        await session.execute(
            text("INSERT INTO step_clock (submission_id, step) VALUES (:submission, :step) ON CONFLICT DO NOTHING"),
            {"submission": facts.submission.id, "step": step.number},
        )


async def _close_superseded(session: AsyncSession, facts: DraftFacts) -> bool:
    """Close publications of older submissions, or of one withdrawn or overtaken by a new version. True: one is still claimed."""
    busy = False
    for publication in await publications_of(session, facts.id):
        after = _closed_as(facts, publication)
        if after is None:
            continue
        if publication.state in CLOSABLE:
            note = "It was withdrawn." if after is State.WITHDRAWN else "A newer version or submission took its place."
            await move(session, publication.id, before=publication.state, after=after, epoch=publication.epoch, note=note)
        elif publication.state is State.CLAIMED:
            busy = True
    return busy


def _closed_as(facts: DraftFacts, publication: Publication) -> State | None:
    """What a publication that no longer counts becomes, or None while it counts or is over."""
    if publication.state in NOT_LIVE | FINAL:
        return None
    submission = facts.submission
    if submission is None or submission.id != publication.submission_id:
        return State.STALE
    if submission.version_number != facts.version_number:
        return State.STALE
    return State.WITHDRAWN if submission.withdrawn_at is not None else None


async def _make_publications(session: AsyncSession, facts: DraftFacts) -> None:
    if facts.submission is None:
        return
    for account_id in facts.account_ids:
        await insert_publication(
            session,
            draft_id=facts.id,
            account_id=account_id,
            submission_id=facts.submission.id,
            digest=facts.digest,
            schedule_revision=facts.schedule.revision,
            publish_at=facts.schedule.publish_at,
        )
