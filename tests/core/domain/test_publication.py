"""The publication machine: the design's moves and no others, no state without a way out and somebody who owns it."""

import pytest

from core.domain.people import Role
from core.domain.publication import FINAL, LEGAL_MOVES, NOT_LIVE, OWNER, SENT_OR_MAYBE, STOPPABLE, State, may_move

# Written out a second time, from the design's picture of one publication's life.
ALLOWED = {
    "scheduled": "claimed held revoked expired stale withdrawn",
    "claimed": "scheduled sending held revoked expired stale withdrawn rejected",
    "sending": "processing published rejected scheduled unknown",
    "processing": "published rejected unknown",
    "unknown": "published sending scheduled rejected abandoned",
    "published": "verified mismatch removing",
    "verified": "removing",
    "mismatch": "verified removing",
    "held": "scheduled expired stale withdrawn revoked",
    "revoked": "stale withdrawn",
    "expired": "stale withdrawn",
    "rejected": "scheduled abandoned stale withdrawn",
    "removing": "removed removal_unknown",
    "removal_unknown": "removed removing",
    "stale": "",
    "withdrawn": "",
    "abandoned": "",
    "removed": "",
}


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_only_the_listed_moves_are_legal(before: State, after: State) -> None:
    assert may_move(before, after) == (after in ALLOWED[before].split())


def test_no_move_leads_nowhere() -> None:
    assert not any(before is after for before, after in LEGAL_MOVES)


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_every_state_that_is_not_final_has_an_exit_and_an_owner(state: State) -> None:
    assert any(before is state for before, _ in LEGAL_MOVES)
    assert OWNER[state] in {"service", *Role}


def test_final_states_have_no_owner_and_only_a_takedown_leaves_one() -> None:
    assert not FINAL & OWNER.keys()
    assert {move for move in LEGAL_MOVES if move[0] in FINAL} == {(State.VERIFIED, State.REMOVING)}


def reachable(start: State, without: frozenset[State] = frozenset()) -> set[State]:
    found, edge = {start}, [start]
    while edge:
        here = edge.pop()
        ways = {after for before, after in LEGAL_MOVES if before is here} - found - without
        found |= ways
        edge += ways
    return found


def test_every_state_can_be_reached() -> None:
    assert reachable(State.SCHEDULED) == set(State)


@pytest.mark.parametrize("state", State)
def test_every_state_can_come_to_an_end(state: State) -> None:
    assert reachable(state) & FINAL


def test_nothing_stands_on_a_platform_without_having_been_dispatched() -> None:
    before_sending = reachable(State.SCHEDULED, without=frozenset({State.SENDING}))
    assert before_sending & SENT_OR_MAYBE <= {State.ABANDONED}, "a refused upload may be given up"


def test_only_a_claimed_publication_is_sent_and_an_unknown_one_again() -> None:
    """Both through dispatch() alone, which lets an unknown one out only under a kept key or on two people's word."""
    assert {before for before, after in LEGAL_MOVES if after is State.SENDING} == {State.CLAIMED, State.UNKNOWN}


def test_an_unknown_outcome_is_never_claimed() -> None:
    """Back to SCHEDULED is the proof that nothing was sent: never straight to a claim."""
    assert not may_move(State.UNKNOWN, State.CLAIMED)
    assert OWNER[State.UNKNOWN] == Role.AUTHORISER


def test_what_may_have_been_sent_cannot_be_stopped() -> None:
    assert not SENT_OR_MAYBE & STOPPABLE
    assert SENT_OR_MAYBE | STOPPABLE | {State.STALE, State.WITHDRAWN} == set(State)


def test_what_is_over_for_good_is_not_live() -> None:
    assert FINAL - {State.VERIFIED} | {State.REMOVED} == NOT_LIVE
