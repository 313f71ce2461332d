"""What the model knows at one instant: the row, two workers, every call, the clock, holds and people's words.

Time has no numbers here. What matters of it are events in any order: the publish time comes, the window ends, a worker is
stopped for longer than a call may wait, a lease runs out, the settle time passes, a platform forgets a key.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from core.domain.publication import SENT_OR_MAYBE, State

# Plain strings: an Enum's hash is slow, and every state is hashed.
SCHEDULED, CLAIMED, SENDING = State.SCHEDULED.value, State.CLAIMED.value, State.SENDING.value
PROCESSING, PUBLISHED, VERIFIED = State.PROCESSING.value, State.PUBLISHED.value, State.VERIFIED.value
MISMATCH, UNKNOWN, ABANDONED = State.MISMATCH.value, State.UNKNOWN.value, State.ABANDONED.value
HELD, REVOKED, EXPIRED = State.HELD.value, State.REVOKED.value, State.EXPIRED.value
REJECTED, STALE, WITHDRAWN = State.REJECTED.value, State.STALE.value, State.WITHDRAWN.value
REMOVING, REMOVED, REMOVAL_UNKNOWN = State.REMOVING.value, State.REMOVED.value, State.REMOVAL_UNKNOWN.value

SAYS_NOT_SENT = frozenset(state.value for state in set(State) - SENT_OR_MAYBE)

# One letter per attempt's call: not made, in the air, taken in and not public yet, stands, recognised by its key as one that
# stands, refused, turned away by a rate limit, dropped, removed.
NOT_MADE, IN_AIR, IN_WORK, STANDS, SAME, TURNED_DOWN, LIMITED, LOST, GONE = ".AWSKRLDX"
UNPROVEN, PROVEN_NOT_SENT = "?n"

BEFORE, DUE, OVER = 0, 1, 2
NONE, STANDING, LIFTED = 0, 1, 2


class Guard(StrEnum):
    """Everything that keeps a promise. The model without any one of them breaks it."""

    CLAIMS_ONLY_SCHEDULED = "only a scheduled publication is claimed"
    FENCED = "dispatch() sends only what is claimed, for whoever claimed it last"
    FENCED_BY_EPOCH = "dispatch() sends for whoever claimed it last"
    CLAIM_LEASE = "a claim ends with its lease"
    SENDING_LEASE = "sending ends with its lease"
    ENDED_LEASE_IS_UNKNOWN = "sending whose lease ends is unknown, never scheduled"
    STARTS_WITHIN_2_S = "a call that did not start within 2 s is not made"
    NO_RETRY = "a call is made once"
    NOT_BEFORE_ITS_TIME = "dispatch() compares its clock with the publish time"
    NOT_AFTER_ITS_WINDOW = "dispatch() compares its clock with the window's end"
    COUNTS_AUTHORISATIONS = "dispatch() counts the authorisations"
    SEES_WITHDRAWAL = "dispatch() looks for a withdrawal"
    SEES_NEWER_VERSION = "dispatch() looks for a newer version"
    LOCKS_ROWS = "dispatch() locks draft and grants while it looks"
    LOOKS_FOR_HOLDS = "dispatch() looks for holds"
    LOCKS_SCOPES = "dispatch() locks the scopes that a hold is placed on"
    LOOKS_AFTER_THE_LOCK = "dispatch() looks for holds after it has the lock"
    PERSON_GIVES_A_TIME = "what a hold stopped goes on only by a person's new time"
    ANSWER_BOUND_TO_ITS_ATTEMPT = "an answer moves the row only under its own epoch"
    EVERY_ATTEMPT_PROVEN = "back to scheduled only if every attempt is proven not sent"
    SETTLE_TIME = "a resend is offered only after the settle time"
    WORD_FOR_ONE_SEND = "two people's word is good for one send"
    AGAIN_NEEDS_WORD_OR_KEY = "an unknown outcome is sent again only by two people's word or by its key"
    SAME_KEY = "an automatic repeat uses the same key"
    WITHIN_KEY_LIFE = "an automatic repeat happens within the key's life"


class Wrong(StrEnum):
    """What must never be seen."""

    TWO_POSTS = "two posts stand, and people asked for one"
    IN_A_HOLD = "dispatched after a hold was placed"
    EARLY = "dispatched before its time"
    LATE = "dispatched after its window"
    UNAUTHORISED = "dispatched though an authorisation was revoked"
    WITHDRAWN = "dispatched though it was withdrawn"
    SUPERSEDED = "dispatched though a newer version exists"
    FENCED_OFF = "dispatched by a worker whose claim had ended"
    RELEASED_ALONE = "released by the end of a hold, by nobody"
    NOT_ITS_ANSWER = "moved by the answer to another attempt"
    UNTRUE = "the record says not sent, and it may stand"
    AGAIN_BY_NOBODY = "sent again on nobody's word and without a key"
    ILLEGAL = "a move that is not in LEGAL_MOVES"
    NO_EXIT = "nobody can ever move it on"


NOTHING_YET = (-1, "")


class Hand(NamedTuple):
    """One worker: what it does, under which epoch, for which attempt, whether that is again, and what dispatch() saw."""

    doing: str
    epoch: int = 0
    attempt: int = -1
    again: bool = False
    saw: tuple[int, str] = NOTHING_YET


IDLE = Hand("idle")


class Now(NamedTuple):
    """One state of the whole model."""

    row: str = SCHEDULED
    epoch: int = 0
    hands: tuple[Hand, Hand] = (IDLE, IDLE)
    calls: str = ""
    proofs: str = ""
    clock: int = BEFORE
    hold: int = NONE
    stop: str = ""
    new_times: int = 0
    timed_since_stopped: bool = False
    settled: bool = False
    word: int = 0
    """The epoch whose unknown outcome two people saw when they said: send it again."""
    words_given: int = 0
    asked_for: int = 1
    key_forgotten: bool = False
    wrong: str = ""


@dataclass(frozen=True)
class Scenario:
    """What may happen, and how often. Everything that may happen is explored in every order."""

    name: str
    most_epochs: int = 2
    starts: int = BEFORE
    keyed: bool = False
    holds: bool = False
    stops: tuple[str, ...] = ()
    new_times: int = 0
    resends: int = 0
    mistakes: bool = False
    in_work: bool = False
    unfit: bool = False
    """An upload is refused before the call."""
    afterwards: bool = False
    """Read back, accepted with differences, taken down."""
    written_twice: bool = False
    """A worker that does not hear that its receipt was kept writes it again."""
    long_window: bool = False
    """The window ends only for what still waits to be claimed: what else its end does is explored elsewhere."""
    left_to_others: frozenset[str] = frozenset()
    """States that another scenario leads on from."""
    without: Guard | None = None


class Act(NamedTuple):
    """One thing that happens. `fair`: it happens by itself sooner or later if it can (no fault, and no person's choice)."""

    what: str
    fair: bool
    then: Now


def put(letters: str, place: int, letter: str) -> str:
    return letters[:place] + letter + letters[place + 1 :]


def with_hand(now: Now, number: int, hand: Hand) -> tuple[Hand, Hand]:
    return (hand, now.hands[1]) if number == 0 else (now.hands[0], hand)


def standing(calls: str) -> bool:
    return STANDS in calls or IN_WORK in calls
