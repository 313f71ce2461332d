"""What a publication needs next once a call was made for it: a look, a repeat, a removal, or people."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.publication import BY_HAND, State
from core.records.asked import Asked
from core.records.facts import draft_facts
from core.records.looks import CallsMade, calls_made
from core.records.publications import Publication, move
from integrations.platforms.base import Platform
from workflows.activities.patience import Patience
from workflows.activities.settling import STANDING
from workflows.messages import PublicationStand

# dispatch() lets no resend through sooner after the last call; a second more, for the clocks.
RESEND_AFTER_SECONDS = 61.0
STILL_PREPARING = "The platform took it in and did not show it in time. Look on the platform before anything else."
NOBODY_SAID = "Nobody said in time whether it was posted. Ask the person named for this account before anything else."


async def next_act(
    session: AsyncSession, row: Publication, asked: tuple[Asked, ...], platform: Platform, patience: Patience
) -> PublicationStand:
    """By the rows alone; moves only what has waited past its limit."""
    if row.state is State.UNKNOWN:
        return await _unknown(session, row, asked, platform, patience)
    if row.state is State.PROCESSING:
        return await _processing(session, row, patience)
    removing = row.state is State.REMOVING or any(one.kind == "take_down" for one in asked)
    if removing and row.state in STANDING | {State.REMOVING, State.REMOVAL_UNKNOWN}:
        return PublicationStand(str(row.state), "remove", row.not_before.timestamp() if row.not_before else None)
    if row.state is State.PUBLISHED and row.platform != BY_HAND:
        return PublicationStand(str(row.state), "read_back")
    return PublicationStand(str(row.state), "nothing")


async def _unknown(
    session: AsyncSession, row: Publication, asked: tuple[Asked, ...], platform: Platform, patience: Patience
) -> PublicationStand:
    """What people named is looked for first, then what they want sent again is sent; else it is looked for, for a while."""
    state, calls = str(row.state), await calls_made(session, row.id)
    kinds = {one.kind: one for one in asked}
    if calls is None:
        return PublicationStand(state, "nothing")
    if (named := kinds.get("adopt")) is not None:
        looked = calls.last_look is not None and calls.last_look > named.at
        return PublicationStand(state, "look_up", row.now.timestamp() + patience.again if looked else None)
    if "resend" in kinds:
        return PublicationStand(state, "send_again", calls.last_at.timestamp() + RESEND_AFTER_SECONDS)
    if row.platform == BY_HAND:
        return PublicationStand(state, "nothing")
    if calls.looks == 1 and repeatable(row, calls, platform):
        return PublicationStand(state, "send_again")
    if calls.looks < len(patience.looks):
        return PublicationStand(state, "look_up", row.moved_at.timestamp() + patience.looks[calls.looks])
    return PublicationStand(state, "nothing")


def repeatable(row: Publication, calls: CallsMade, platform: Platform) -> bool:
    """Whether the platform surely still knows the first call by its key; dispatch() asks the same of its own table."""
    return platform.keeps_keys is not None and calls.key.at + platform.keeps_keys > row.now + timedelta(minutes=1)


async def _processing(session: AsyncSession, row: Publication, patience: Patience) -> PublicationStand:
    """A platform that still prepares it is asked again; a release by hand waits for the word of whoever posts it."""
    by_hand = row.platform == BY_HAND
    limit = row.moved_at.timestamp() + patience.processing
    if by_hand:
        facts = await draft_facts(session, row.draft_id)
        if facts is not None:
            limit = max(facts.window.end.timestamp(), row.moved_at.timestamp()) + patience.release
    if row.now.timestamp() >= limit:
        note = NOBODY_SAID if by_hand else STILL_PREPARING
        await move(session, row.id, before=row.state, after=State.UNKNOWN, epoch=row.epoch, note=note)
        return PublicationStand(str(State.UNKNOWN), "look_up" if not by_hand else "nothing")
    if by_hand:
        return PublicationStand(str(row.state), "wait", limit)
    return PublicationStand(str(row.state), "look_up", row.now.timestamp() + patience.again)
