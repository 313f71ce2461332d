"""What only people can settle: unknown outcomes, differences, refusals and removals that nobody could confirm.

Two people each, who did not touch the draft; the worker carries out what they said, and says so on the record.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.publication import State
from core.domain.refusals import BadInput, Conflict, NotAllowed, NotFound
from core.use_cases import second_person
from core.use_cases.access import WRITERS, require
from core.use_cases.people import require_fresh
from core.use_cases.publication_acts import (
    Concerned,
    given_reason,
    locked_publication,
    record_act,
    require_resolver,
    subject_of,
    tell,
)
from core.use_cases.releasing import require_not_the_hand

RESEND_AFTER = timedelta(minutes=1)
"""How long after the last call a resend may be asked for: by then the call has ended and its answer would be here."""


class Act(StrEnum):
    """What two people may say. RESEND: send it again, once, over the remaining risk. ABANDON: leave it as it is, for good.
    ADOPT: this post is ours. ACCEPT: it differs and may stand. REMOVED: it is gone from the platform, we looked."""

    RESEND = "resend"
    ABANDON = "abandon"
    ADOPT = "adopt"
    ACCEPT = "accept"
    REMOVED = "removed"

    @property
    def kind(self) -> str:
        """Its name among proposals and on the record."""
        return f"publication.{self}"


STANDS_AT: dict[Act, State] = {
    Act.RESEND: State.UNKNOWN,
    Act.ABANDON: State.UNKNOWN,
    Act.ADOPT: State.UNKNOWN,
    Act.ACCEPT: State.MISMATCH,
    Act.REMOVED: State.REMOVAL_UNKNOWN,
}


class TooSoonToResend(Conflict):
    code = "too_soon_to_resend"
    sentence = "The last call was made less than a minute ago and its answer may still come. Wait a minute, then look again."


class TooLateToResend(Conflict):
    code = "too_late_to_resend"
    sentence = (
        "Its authorised window has passed, so it cannot be sent again. Name the post if it stands, or give it up and write a "
        "new draft."
    )


async def ask(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    publication_id: UUID,
    act: Act,
    reason: str,
    post: str = "",
    epoch: int | None = None,
    request: str = "",
) -> UUID:
    """The first person's word; the proposal's id. `post`: for ADOPT, the post's id or public address.

    `epoch`: what the page showed. Raises MovedOn, NotYours, TouchedIt, SomebodyElseCompares, StepUpNeeded, TooSoonToResend,
    TooLateToResend, AlreadyAsked, BadInput.
    """
    one = await locked_publication(session, by, publication_id, STANDS_AT[act], epoch=epoch)
    await _require_settler(session, by, one, act)
    require_fresh(authenticated_at, one.now)
    detail: dict[str, object] = {"epoch": one.row.epoch}
    if act is Act.RESEND:
        refusal = await too_late_or_soon(session, one)
        if refusal is not None:
            raise refusal
    if act is Act.ADOPT:
        detail["post"] = tidied(post)
        if not detail["post"]:
            raise BadInput("Name the post: its address on the platform, or its id.", field="post")
    return await second_person.propose(
        session, by=by, kind=act.kind, subject=subject_of(publication_id), reason=reason, detail=detail, request=request
    )


async def confirm(
    session: AsyncSession, *, by: Person, authenticated_at: datetime | None, proposal_id: UUID, act: Act, request: str = ""
) -> UUID:
    """The second person's word; the publication's id. The worker acts on it once this commits.

    Raises SecondPersonNeeded, NothingToConfirm, MovedOn if it is no longer what the first person saw, NotYours, TouchedIt,
    SomebodyElseCompares, AskerMayNoMore if the first person may no longer say it, StepUpNeeded.
    """
    publication_id, epoch = await _subject(session, proposal_id, act)
    one = await locked_publication(session, by, publication_id, STANDS_AT[act], epoch=epoch)
    await _require_settler(session, by, one, act)
    require_fresh(authenticated_at, one.now)
    if act is Act.RESEND:
        refusal = await too_late_or_soon(session, one)
        if refusal is not None:
            raise refusal
    said = await second_person.confirm(session, by=by, proposal_id=proposal_id, kind=act.kind, request=request)
    first = await second_person.require_asker(session, said, Role.ACCOUNT_MANAGER, Role.AUTHORISER)
    try:
        await _require_settler(session, first, one, act)
    except NotAllowed as refused:
        raise second_person.AskerMayNoMore() from refused
    await tell(session, one)
    return publication_id


async def take_back(session: AsyncSession, *, by: Person, proposal_id: UUID, act: Act, request: str = "") -> UUID:
    """Nobody confirms it any more; the publication's id. Anybody who could confirm it may say no."""
    publication_id, _ = await _subject(session, proposal_id, act)
    one = await locked_publication(session, by, publication_id, *State)
    await require_resolver(session, by, one)
    await second_person.take_back(session, by=by, proposal_id=proposal_id, kind=act.kind, request=request)
    return publication_id


async def give_up(session: AsyncSession, *, by: Person, publication_id: UUID, reason: str, request: str = "") -> None:
    """A post that the platform refused is not tried again: one officer or authoriser says so. Nothing was published."""
    require(by, *WRITERS)
    reason = given_reason(reason, "Say why it is given up: whoever wrote it will read it.")
    one = await locked_publication(session, by, publication_id, State.REJECTED)
    await record_act(session, by=by, one=one, kind="give_up", reason=reason, request=request)


async def too_late_or_soon(session: AsyncSession, one: Concerned) -> Conflict | None:
    """Why it may not be sent again at this moment, whoever asks; or None."""
    if one.now >= one.facts.window.end:
        return TooLateToResend()
    recent = await session.execute(
        text("SELECT 1 FROM attempt WHERE publication_id = :id AND dispatched_at > :since LIMIT 1"),
        {"id": one.row.id, "since": one.now - RESEND_AFTER},
    )
    return TooSoonToResend() if recent.first() is not None else None


async def _require_settler(session: AsyncSession, by: Person, one: Concerned, act: Act) -> None:
    """Whether this person may be one of the two. Raises NotYours, TouchedIt; SomebodyElseCompares for what they post by hand."""
    await require_resolver(session, by, one)
    if act is Act.ACCEPT:
        await require_not_the_hand(session, by, one)


async def _subject(session: AsyncSession, proposal_id: UUID, act: Act) -> tuple[UUID, int]:
    """The publication a proposal is about, and what of it the first person saw."""
    row = (
        await session.execute(
            text("SELECT subject, detail FROM proposal WHERE id = :id AND kind = :kind"), {"id": proposal_id, "kind": act.kind}
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return UUID(row.subject.removeprefix("publication:")), int(row.detail["epoch"])
