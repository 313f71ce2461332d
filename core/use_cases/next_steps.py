"""What can be done about one publication now: who must act, what this person may do, and what waits for a second one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.publication import BY_HAND, OWNER, SENT_OR_MAYBE, State
from core.use_cases.access import WRITERS
from core.use_cases.publication_acts import Concerned, refusal_to_resolve, seen_publication, subject_of
from core.use_cases.releasing import SomebodyElseCompares
from core.use_cases.resolving import STANDS_AT, Act, too_late_or_soon
from core.use_cases.second_person import Proposal, open_proposals
from core.use_cases.taking_down import REMOVABLE

RETIMED = (State.SCHEDULED, State.CLAIMED, State.HELD, State.REJECTED)
STOPPED = (State.HELD, State.REVOKED, State.EXPIRED, State.REJECTED)

# One sentence per state: what it waits for, and what whoever owns it can do.
SENTENCES: dict[State, str] = {
    State.SCHEDULED: "The service sends it at its time. It can still be moved, changed or withdrawn.",
    State.CLAIMED: "The service is about to send it. It can still be moved, changed or withdrawn.",
    State.SENDING: "The call is out. Wait for its answer: it cannot be stopped any more.",
    State.PROCESSING: "The platform took it in and has not shown it yet. The service looks until it does.",
    State.PUBLISHED: "It stands. The service reads it back and compares it with what was authorised.",
    State.VERIFIED: "It stands as it was authorised. An authoriser can take it down; a correction is a new, linked draft.",
    State.MISMATCH: "It stands and differs from what was authorised. Two people accept it, or an authoriser takes it down.",
    State.UNKNOWN: (
        "Nobody knows yet whether it stands. By itself the service sends it again only where that cannot make a second post. "
        "Look at the evidence: two people name the post, have it sent again, or give it up."
    ),
    State.HELD: "A hold or a late authorisation stopped it. Give it a new time inside its window, or withdraw it.",
    State.REVOKED: "It was not authorised any more when its time came. Submit it again, or withdraw it.",
    State.EXPIRED: "Its window passed before it could be sent. Give it a new window and submit it again, or withdraw it.",
    State.REJECTED: "It was refused and nothing was published. Give it a new time to try again, or give it up.",
    State.REMOVING: "The service removes it and looks until it is gone.",
    State.REMOVAL_UNKNOWN: (
        "It could not be confirmed that the post is gone. An authoriser has it removed again, or two people look and "
        "confirm that it is gone."
    ),
    State.STALE: "A newer version or submission took its place. It was not sent.",
    State.WITHDRAWN: "It was withdrawn before it was sent.",
    State.ABANDONED: "People gave it up. It is not sent again.",
    State.REMOVED: "It was taken down. The evidence is kept.",
}
OUT_BY_HAND = (
    "The exact text and files were issued to the person named for this account. They post it and give its link, or say that they "
    "did not post it."
)
STANDS_BY_HAND = "It was posted by hand. Somebody else compares what stands there with what was authorised."


@dataclass(frozen=True)
class Waiting:
    """What one person asked for and another must confirm. `cannot` says why this person is not the other one."""

    act: Act
    proposal: Proposal
    cannot: str | None


@dataclass(frozen=True)
class NextSteps:
    """`owner`: service, officer, authoriser, releaser, or None where nothing is left to do.

    `acts`, those open to this person: reschedule, withdraw, submit, give_up, take_down, correct, post, compare; resend, abandon,
    adopt, accept, removed are to be asked for and confirmed by another. `cannot`: why not, for acts that wait or are others'.
    """

    publication_id: UUID
    state: State
    epoch: int
    owner: str | None
    sentence: str
    acts: frozenset[str]
    waiting: tuple[Waiting, ...]
    cannot: str | None


async def next_steps(session: AsyncSession, *, by: Person, publication_id: UUID) -> NextSteps:
    """For this person, or NotFound."""
    one = await seen_publication(session, by, publication_id)
    hand = await _hand(session, one)
    acts = _own_acts(by, one, hand)
    refusal = await refusal_to_resolve(session, by, one)
    if one.row.state is State.MISMATCH and hand is not None and by.id in (hand.releaser, hand.posted_by):
        refusal = refusal or SomebodyElseCompares()
    resolvable = {act for act, state in STANDS_AT.items() if state is one.row.state}
    if hand is not None:
        # Nothing can be looked up there: whoever posts by hand gives the link, or says that it was not posted.
        resolvable.discard(Act.ADOPT)
    untimely = await too_late_or_soon(session, one) if Act.RESEND in resolvable else None
    if refusal is None:
        acts |= {str(act) for act in resolvable if act is not Act.RESEND or untimely is None}
    why = refusal or untimely
    return NextSteps(
        publication_id=publication_id,
        state=one.row.state,
        epoch=one.row.epoch,
        owner=_owner(one.row.state, hand),
        sentence=_sentence(one.row.state, hand),
        acts=frozenset(acts),
        waiting=await _waiting(session, by, one, str(refusal) if refusal else None),
        cannot=str(why) if resolvable and why else None,
    )


def _own_acts(by: Person, one: Concerned, hand: "_Hand | None") -> set[str]:
    """What this person may do alone."""
    state, acts = one.row.state, set[str]()
    live = one.facts.submission is not None and one.facts.submission.id == one.row.submission_id
    if by.has(*WRITERS):
        if state in RETIMED and one.now < one.facts.window.end:
            acts.add("reschedule")
        if live and state in (*STOPPED, State.SCHEDULED, State.CLAIMED):
            acts.add("withdraw")
        if state in (State.REVOKED, State.EXPIRED):
            acts.add("submit")
        if state is State.REJECTED:
            acts.add("give_up")
        if state in SENT_OR_MAYBE:
            acts.add("correct")
    if by.has(Role.AUTHORISER) and state in REMOVABLE:
        acts.add("take_down")
    if hand is not None and state in (State.PROCESSING, State.UNKNOWN) and by.id == hand.releaser:
        acts.add("post")
    if hand is not None and state is State.PUBLISHED and by.id not in (hand.releaser, hand.posted_by):
        acts.add("compare")
    return acts


def _owner(state: State, hand: "_Hand | None") -> str | None:
    if hand is not None and state is State.PROCESSING:
        return "releaser"
    if hand is not None and state is State.PUBLISHED:
        return str(Role.AUTHORISER)
    return OWNER.get(state)


def _sentence(state: State, hand: "_Hand | None") -> str:
    if hand is not None and state in (State.PROCESSING, State.PUBLISHED):
        return OUT_BY_HAND if state is State.PROCESSING else STANDS_BY_HAND
    return SENTENCES[state]


async def _waiting(session: AsyncSession, by: Person, one: Concerned, cannot: str | None) -> tuple[Waiting, ...]:
    """Only what is about this state as it stands: anything older can no longer be confirmed."""
    found = await open_proposals(session, subject=subject_of(one.row.id))
    kinds = {act.kind: act for act, state in STANDS_AT.items() if state is one.row.state}
    return tuple(
        Waiting(kinds[p.kind], p, "You asked for this; somebody else confirms it." if p.asked_by == by.id else cannot)
        for p in found
        if p.kind in kinds and p.detail.get("epoch") == one.row.epoch
    )


@dataclass(frozen=True)
class _Hand:
    """Who posts by hand on the account, and who said that they did."""

    releaser: UUID | None
    posted_by: UUID | None


async def _hand(session: AsyncSession, one: Concerned) -> _Hand | None:
    row = (
        await session.execute(
            text(
                "SELECT a.releaser, (SELECT person_id FROM publication_act WHERE publication_id = :id AND kind = 'posted' "
                "ORDER BY at DESC LIMIT 1) AS posted_by FROM account a WHERE a.id = :account AND a.platform = :by_hand"
            ),
            {"id": one.row.id, "account": one.row.account_id, "by_hand": BY_HAND},
        )
    ).one_or_none()
    return _Hand(row.releaser, row.posted_by) if row else None
