"""What people said about a publication, done: every move that needs no platform. What no longer fits is said to be void."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.outcome import Outcome, Result
from core.domain.publication import BY_HAND, State
from core.records.asked import Asked, asked_of, carry_out
from core.records.calls import record_receipt
from core.records.looks import calls_made
from core.records.publications import Publication, move, publication

S = State
STANDING = frozenset({S.PUBLISHED, S.VERIFIED, S.MISMATCH})
# In these states somebody may have asked for something.
ASKABLE = STANDING | {S.PROCESSING, S.UNKNOWN, S.REJECTED, S.REMOVING, S.REMOVAL_UNKNOWN}
VOID = "It was no longer as they saw it when they said so."

# Where each kind fits. What asks for a call (adopt, resend, take_down) is only voided here; its activity does it.
_FITS: dict[str, frozenset[State]] = {
    "abandon": frozenset({S.UNKNOWN}),
    "adopt": frozenset({S.UNKNOWN}),
    "resend": frozenset({S.UNKNOWN}),
    "accept": frozenset({S.MISMATCH}),
    "removed": frozenset({S.REMOVAL_UNKNOWN}),
    "give_up": frozenset({S.REJECTED}),
    "posted": frozenset({S.PROCESSING, S.UNKNOWN}),
    "not_posted": frozenset({S.PROCESSING, S.UNKNOWN}),
    "seen_same": frozenset({S.PUBLISHED}),
    "seen_different": frozenset({S.PUBLISHED}),
    "take_down": STANDING | {S.REMOVING, S.REMOVAL_UNKNOWN},
}
_MOVES = {
    "abandon": S.ABANDONED,
    "give_up": S.ABANDONED,
    "accept": S.VERIFIED,
    "removed": S.REMOVED,
    "seen_same": S.VERIFIED,
    "seen_different": S.MISMATCH,
}


async def settle(session: AsyncSession, row: Publication) -> tuple[Publication, tuple[Asked, ...]]:
    """The publication after everything people said that needs no call, and what they said that does."""
    for one in await asked_of(session, row.id):
        fits = row.state in _FITS.get(one.kind, frozenset())
        if fits and one.kind != "take_down":
            fits = one.epoch == row.epoch
        if not fits:
            await carry_out(session, one, row.id, result="void", note=VOID)
            continue
        act = _ACTS.get(one.kind)
        if act is not None:
            await act(session, row, one)
            row = await _again(session, row)
    return row, await asked_of(session, row.id)


async def _again(session: AsyncSession, row: Publication) -> Publication:
    found = await publication(session, row.id)
    if found is None:
        raise LookupError(f"Publication {row.id} is gone.")
    return found


async def _move(session: AsyncSession, row: Publication, one: Asked) -> None:
    after = _MOVES[one.kind]
    if one.kind.startswith("seen_") and row.platform != BY_HAND:
        await carry_out(session, one, row.id, result="void", note="The service reads this platform itself.")
        return
    # Moved first: the database asks for the word that is not carried out yet.
    if await move(session, row.id, before=row.state, after=after, epoch=row.epoch, note=one.reason):
        await carry_out(session, one, row.id, result=str(after))


async def _posted(session: AsyncSession, row: Publication, one: Asked) -> None:
    """The releaser's word is the receipt of the release; where nothing is released by hand, nobody's word is a receipt."""
    if row.platform != BY_HAND:
        await carry_out(session, one, row.id, result="void", note="Nobody posts by hand on this account.")
        return
    calls = await calls_made(session, row.id)
    if calls is None:
        return
    outcome = (
        Outcome(Result.ACCEPTED, "The person named for this account posted it.", post_id=one.link, permalink=one.link)
        if one.kind == "posted"
        else Outcome(Result.REFUSED, f"The person named for this account did not post it: {one.reason}")
    )
    after = await record_receipt(session, attempt_id=calls.last_attempt, outcome=outcome)
    await carry_out(session, one, row.id, result=after)


_ACTS: dict[str, Callable[[AsyncSession, Publication, Asked], Awaitable[None]]] = {
    **dict.fromkeys(_MOVES, _move),
    "posted": _posted,
    "not_posted": _posted,
}
