"""Who may decide: a dated grant that lasts to the window's end, for every account; never a hand that touched the draft."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.domain.authority import (
    Authority,
    NoAuthority,
    OneStepEach,
    SameHandTwice,
    StepNotOpen,
    authority_for,
    step_for_decision,
)
from core.domain.content import Window
from core.domain.route import Answer, Decision, Plan, Step

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = Window(NOW, NOW + timedelta(days=2))
STEP, SECOND = Step(1, "press_office", "Press office", 1), Step(2, "policy_owner", "Policy owner", 1)
PLAN = Plan((STEP, SECOND), ())
ME, X, LINKEDIN = UUID(int=1), UUID(int=10), UUID(int=11)


def held(**changes: Any) -> Authority:
    usual: dict[str, Any] = {
        "id": uuid4(),
        "person_id": ME,
        "role": "press_office",
        "account_id": None,
        "valid_from": NOW - timedelta(days=1),
        "valid_until": WINDOW.end,
        "revision": 1,
    }
    return Authority(**{**usual, **changes})


def asked(*grants: Authority, accounts: tuple[UUID, ...] = (X,)) -> Authority:
    return authority_for(STEP, person_id=ME, account_ids=accounts, window=WINDOW, now=NOW, grants=grants)


def test_a_grant_that_ends_with_the_window_is_enough() -> None:
    grant = held()
    assert asked(grant) is grant


def test_a_grant_that_begins_this_instant_counts() -> None:
    assert asked(held(valid_from=NOW))


@pytest.mark.parametrize(
    "changes",
    [
        {"person_id": UUID(int=2)},
        {"role": "policy_owner"},
        {"revoked": True},
        {"valid_from": NOW + timedelta(microseconds=1)},
        {"valid_until": WINDOW.end - timedelta(microseconds=1)},
        {"account_id": LINKEDIN},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_any_other_grant_gives_no_authority(changes: dict[str, Any]) -> None:
    with pytest.raises(NoAuthority) as refused:
        asked(held(**changes))
    assert refused.value.paragraph == 36
    assert "Press office" in str(refused.value)


def test_no_grant_and_no_account_give_no_authority() -> None:
    with pytest.raises(NoAuthority):
        asked()
    with pytest.raises(NoAuthority):
        asked(held(account_id=X), accounts=())


def test_every_account_must_be_covered() -> None:
    with pytest.raises(NoAuthority):
        asked(held(account_id=X), accounts=(X, LINKEDIN))
    sooner = held(account_id=X)
    later = held(account_id=LINKEDIN, valid_until=WINDOW.end + timedelta(days=1))
    assert asked(later, sooner, accounts=(X, LINKEDIN)) is sooner, "the one that ends first is named"


def test_a_grant_for_everything_is_named_before_narrow_ones() -> None:
    wide = held()
    assert asked(held(account_id=X), wide) is wide


def fill(number: int = 1, *, contributors: tuple[UUID, ...] = (), decided: tuple[UUID, ...] = ()) -> Step:
    decisions = tuple(Decision(1, person, Answer.AUTHORISE, "d", uuid4(), NOW) for person in decided)
    return step_for_decision(
        PLAN, open_steps=(STEP,), number=number, person_id=ME, contributors=frozenset(contributors), decisions=decisions
    )


def test_the_open_step_is_anybodys_who_touched_nothing() -> None:
    assert fill() is STEP


def test_two_pairs_of_eyes_come_before_everything_else() -> None:
    with pytest.raises(SameHandTwice):
        fill(contributors=(ME,))
    with pytest.raises(SameHandTwice):
        fill(9, contributors=(ME,), decided=(ME,))


def test_nobody_decides_twice_on_one_submission() -> None:
    with pytest.raises(OneStepEach):
        fill(decided=(ME,))


@pytest.mark.parametrize("number", [0, 2, 3, -1])
def test_only_an_open_step_is_filled(number: int) -> None:
    with pytest.raises(StepNotOpen):
        fill(number)
