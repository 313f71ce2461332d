"""The runs that are explored: together they make every move, and each is small enough to be explored to its end."""

from dataclasses import replace

from core.domain.publication import State
from tests.model.states import DUE, Guard, Scenario, Wrong

S = State

STOPS = Scenario(
    "Stopped in time or told the truth",
    holds=True,
    stops=("withdrawn", "stale", "revoked"),
    new_times=1,
    unfit=True,
    left_to_others=frozenset({S.PUBLISHED.value}),
)
UNSENT = frozenset(state.value for state in (S.PUBLISHED, S.EXPIRED, S.REVOKED, S.REJECTED, S.HELD))
UNKNOWN = Scenario(
    "Unknown, sent again by two people",
    most_epochs=3,
    starts=DUE,
    resends=2,
    mistakes=True,
    written_twice=True,
    long_window=True,
    left_to_others=UNSENT,
)
IN_WORK = Scenario("Taken in and worked on", starts=DUE, resends=1, in_work=True, written_twice=True, left_to_others=UNSENT)
KEYED = Scenario(
    "Unknown, on a platform that keeps keys", most_epochs=3, starts=DUE, keyed=True, long_window=True, left_to_others=UNSENT
)
STOPPED_AGAIN = Scenario(
    "Stopped before it is sent again", starts=DUE, resends=1, holds=True, stops=("revoked",), left_to_others=UNSENT
)
AFTERWARDS = Scenario(
    "Read back and taken down", most_epochs=1, starts=DUE, afterwards=True, left_to_others=UNSENT - {S.PUBLISHED.value}
)

SCENARIOS = (STOPS, UNKNOWN, IN_WORK, KEYED, STOPPED_AGAIN, AFTERWARDS)

# Legal, and made by nobody: why they are in the table all the same.
NOT_MADE_BY_ANYBODY = {
    ("held", "expired"): "what a hold stopped goes back to scheduled at a new time first, and is judged there",
    ("held", "revoked"): "as above",
}

G, W = Guard, Wrong
# Each guard, where its absence shows, and as what.
BREAKS: dict[Guard, tuple[Scenario, Wrong]] = {
    G.CLAIMS_ONLY_SCHEDULED: (UNKNOWN, W.ILLEGAL),
    G.FENCED: (UNKNOWN, W.TWO_POSTS),
    G.FENCED_BY_EPOCH: (STOPS, W.FENCED_OFF),
    G.CLAIM_LEASE: (STOPS, W.NO_EXIT),
    G.SENDING_LEASE: (UNKNOWN, W.NO_EXIT),
    G.ENDED_LEASE_IS_UNKNOWN: (UNKNOWN, W.TWO_POSTS),
    G.STARTS_WITHIN_2_S: (UNKNOWN, W.TWO_POSTS),
    G.NO_RETRY: (UNKNOWN, W.TWO_POSTS),
    G.NOT_BEFORE_ITS_TIME: (STOPS, W.EARLY),
    G.NOT_AFTER_ITS_WINDOW: (STOPS, W.LATE),
    G.COUNTS_AUTHORISATIONS: (STOPS, W.UNAUTHORISED),
    G.SEES_WITHDRAWAL: (STOPS, W.WITHDRAWN),
    G.SEES_NEWER_VERSION: (STOPS, W.SUPERSEDED),
    G.LOCKS_ROWS: (STOPS, W.UNAUTHORISED),
    G.LOOKS_FOR_HOLDS: (STOPS, W.IN_A_HOLD),
    G.LOCKS_SCOPES: (STOPS, W.IN_A_HOLD),
    G.LOOKS_AFTER_THE_LOCK: (STOPS, W.IN_A_HOLD),
    G.PERSON_GIVES_A_TIME: (STOPS, W.RELEASED_ALONE),
    G.ANSWER_BOUND_TO_ITS_ATTEMPT: (UNKNOWN, W.NOT_ITS_ANSWER),
    G.EVERY_ATTEMPT_PROVEN: (KEYED, W.TWO_POSTS),
    G.SETTLE_TIME: (UNKNOWN, W.TWO_POSTS),
    G.WORD_FOR_ONE_SEND: (UNKNOWN, W.TWO_POSTS),
    G.AGAIN_NEEDS_WORD_OR_KEY: (UNKNOWN, W.TWO_POSTS),
    G.SAME_KEY: (KEYED, W.TWO_POSTS),
    G.WITHIN_KEY_LIFE: (KEYED, W.TWO_POSTS),
}


def without(guard: Guard) -> Scenario:
    return replace(BREAKS[guard][0], without=guard)
