"""One publication's life: its states, the legal moves between them, and who owns each state that is not final.

The database enforces the same moves (table `legal_move`); a test compares the two.
"""

from enum import StrEnum


class State(StrEnum):
    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    SENDING = "sending"
    PROCESSING = "processing"
    PUBLISHED = "published"
    VERIFIED = "verified"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"
    HELD = "held"
    REVOKED = "revoked"
    EXPIRED = "expired"
    REJECTED = "rejected"
    STALE = "stale"
    WITHDRAWN = "withdrawn"
    ABANDONED = "abandoned"
    REMOVING = "removing"
    REMOVAL_UNKNOWN = "removal_unknown"
    REMOVED = "removed"


S = State

BY_HAND = "manual"
"""The platform of accounts on which a named person posts by hand and says so."""

LEGAL_MOVES: frozenset[tuple[State, State]] = frozenset(
    {(S.SCHEDULED, to) for to in (S.CLAIMED, S.HELD, S.REVOKED, S.EXPIRED, S.STALE, S.WITHDRAWN)}
    | {(S.CLAIMED, to) for to in (S.SCHEDULED, S.SENDING, S.HELD, S.REVOKED, S.EXPIRED, S.STALE, S.WITHDRAWN, S.REJECTED)}
    | {(S.SENDING, to) for to in (S.PROCESSING, S.PUBLISHED, S.REJECTED, S.SCHEDULED, S.UNKNOWN)}
    | {(S.PROCESSING, to) for to in (S.PUBLISHED, S.REJECTED, S.UNKNOWN)}
    | {(S.UNKNOWN, to) for to in (S.PUBLISHED, S.SENDING, S.SCHEDULED, S.REJECTED, S.ABANDONED)}
    | {(S.PUBLISHED, to) for to in (S.VERIFIED, S.MISMATCH, S.REMOVING)}
    | {(S.MISMATCH, to) for to in (S.VERIFIED, S.REMOVING)}
    | {(S.VERIFIED, S.REMOVING)}
    | {(S.REMOVING, to) for to in (S.REMOVED, S.REMOVAL_UNKNOWN)}
    | {(S.REMOVAL_UNKNOWN, to) for to in (S.REMOVED, S.REMOVING)}
    | {(S.HELD, to) for to in (S.SCHEDULED, S.EXPIRED, S.STALE, S.WITHDRAWN, S.REVOKED)}
    | {(S.REVOKED, to) for to in (S.STALE, S.WITHDRAWN)}
    | {(S.EXPIRED, to) for to in (S.STALE, S.WITHDRAWN)}
    | {(S.REJECTED, to) for to in (S.SCHEDULED, S.ABANDONED, S.STALE, S.WITHDRAWN)}
)

FINAL: frozenset[State] = frozenset({S.STALE, S.WITHDRAWN, S.ABANDONED, S.REMOVED, S.VERIFIED})

# A draft whose publication ever came this far takes no new version: a correction is a linked draft. ABANDONED is among them:
# what people gave up after an unknown outcome may stand on the platform.
SENT_OR_MAYBE: frozenset[State] = frozenset(
    {
        S.SENDING,
        S.PROCESSING,
        S.PUBLISHED,
        S.VERIFIED,
        S.MISMATCH,
        S.UNKNOWN,
        S.ABANDONED,
        S.REMOVING,
        S.REMOVAL_UNKNOWN,
        S.REMOVED,
    }
)

# At most one publication per (draft, account) may be in none of these (partial unique index `one_live_publication`).
NOT_LIVE: frozenset[State] = frozenset({S.STALE, S.WITHDRAWN, S.ABANDONED, S.REMOVED})

# States from which withdrawing or a new version still wins.
STOPPABLE: frozenset[State] = frozenset({S.SCHEDULED, S.CLAIMED, S.HELD, S.REVOKED, S.EXPIRED, S.REJECTED})

# Whoever must act next on each state that is not final: the service itself, or a person by role.
OWNER: dict[State, str] = {
    S.SCHEDULED: "service",
    S.CLAIMED: "service",
    S.SENDING: "service",
    S.PROCESSING: "service",
    S.PUBLISHED: "service",
    S.REMOVING: "service",
    S.HELD: "officer",
    S.REVOKED: "officer",
    S.EXPIRED: "officer",
    S.REJECTED: "officer",
    S.UNKNOWN: "authoriser",
    S.MISMATCH: "authoriser",
    S.REMOVAL_UNKNOWN: "authoriser",
}


def may_move(before: State, after: State) -> bool:
    return (before, after) in LEGAL_MOVES
