"""Every interleaving of two workers, kills, pauses, drops, holds and people, over the real table of legal moves.

What the model takes for granted: a platform that accepts a call does so before the settle time is over; "refused" and
"limited" prove that nothing was accepted; people who say "send it again" say so after the settle time. Whether dispatch() and
the use-cases are as the model has them is for tests/core/records and for `make faults`.
"""

import pytest

from core.domain.publication import State
from tests.model.exploring import AT_AN_END, LEGAL, explore, without_exit
from tests.model.scenarios import BREAKS, NOT_MADE_BY_ANYBODY, SCENARIOS, without
from tests.model.states import STANDS, Guard, Wrong


def test_whatever_happens_in_any_order_every_promise_is_kept() -> None:
    """One test, so that one process explores each scenario once. An exit: to an end if people act, and out of whatever the
    service owns even if nobody does."""
    made: set[tuple[str, str]] = set()
    led_on: set[str] = set()
    for scenario in SCENARIOS:
        found = explore(scenario)
        assert not found.wrongs, "\n\n".join(found.story(wrong) for wrong in found.wrongs)
        assert not (stuck := without_exit(found)), f"{scenario.name}: nobody can ever move on {stuck[0]}"
        if scenario.keyed:
            assert max(len(now.calls) for now in found.states) == 3
            assert max(now.calls.count(STANDS) for now in found.states) == 1, "a kept key makes one post of many calls"
        made |= found.moves
        led_on |= {before for before, _ in found.moves if before not in scenario.left_to_others}
    assert made <= LEGAL
    assert made.isdisjoint(NOT_MADE_BY_ANYBODY)
    assert made | NOT_MADE_BY_ANYBODY.keys() == LEGAL, "every legal move is made, or there is a reason why not"
    assert {after for _, after in made} | {"scheduled"} == {state.value for state in State}
    assert led_on | AT_AN_END == {state.value for state in State}, "what one scenario leaves to others is led on in one of them"


@pytest.mark.parametrize("guard", Guard, ids=lambda guard: guard.name.lower())
def test_each_guard_taken_away_breaks_its_promise(guard: Guard) -> None:
    _, expected = BREAKS[guard]
    if expected is Wrong.NO_EXIT:
        assert without_exit(explore(without(guard)))
        return
    found = explore(without(guard), until=expected)
    assert expected in found.wrongs, f"without “{guard}” nothing went wrong in {len(found.states)} states"


def test_a_run_that_goes_wrong_is_told_so_that_it_can_be_read() -> None:
    found = explore(without(Guard.STARTS_WITHIN_2_S), until=Wrong.TWO_POSTS)
    told = found.story(Wrong.TWO_POSTS).splitlines()
    assert told[0] == (
        "Unknown, sent again by two people, without “a call that did not start within 2 s is not made”: "
        "two posts stand, and people asked for one"
    )
    assert any("the lease of sending runs out" in line for line in told)
    assert any("two people look, see nothing there, and say: send it again" in line for line in told)
    assert told[-1].endswith("2 posts stand)")
    assert all(line.lstrip()[0].isdigit() for line in told[1:])
