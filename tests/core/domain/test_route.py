"""A plan is met step by step, by different people, over one digest; and nothing is authorised by nobody."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.route import Answer, Decision, Plan, Stage, Step, plan_as_data, plan_from, plan_in, progress

T0 = datetime(2026, 11, 24, 9, tzinfo=UTC)
DIGEST = "v1:sha256:" + "a" * 64
PRESS, POLICY = Step(1, "press_office", "Press office", 1), Step(2, "policy_owner", "Policy owner", 2)
PLAN = Plan((PRESS, POLICY), ("Default v1",))


def yes(
    step: int, person: UUID | None = None, *, minute: int = 0, digest: str = DIGEST, answer: Answer = Answer.AUTHORISE
) -> Decision:
    return Decision(step, person or uuid4(), answer, digest, uuid4(), T0 + timedelta(minutes=minute))


def test_the_first_step_waits_first() -> None:
    moved = progress(PLAN, (), DIGEST)
    assert (moved.stage, moved.open_steps, moved.met, moved.authorised_at) == (Stage.OPEN, (PRESS,), (), None)


def test_the_next_step_opens_when_the_one_before_is_met() -> None:
    assert progress(PLAN, (yes(1),), DIGEST).open_steps == (POLICY,)


def test_a_later_step_answered_first_opens_nothing() -> None:
    moved = progress(PLAN, (yes(2), yes(2)), DIGEST)
    assert (moved.stage, moved.open_steps) == (Stage.OPEN, (PRESS,))


def test_a_quorum_counts_people_not_decisions() -> None:
    person = uuid4()
    assert progress(PLAN, (yes(1), yes(2, person), yes(2, person)), DIGEST).stage is Stage.OPEN
    assert progress(PLAN, (yes(1), yes(2, person), yes(2)), DIGEST).stage is Stage.AUTHORISED


def test_authorised_when_the_last_step_was_met() -> None:
    moved = progress(PLAN, (yes(1, minute=1), yes(2, minute=5), yes(2, minute=9)), DIGEST)
    assert (moved.met, moved.authorised_at) == ((1, 2), T0 + timedelta(minutes=9))


@pytest.mark.parametrize(("answer", "stage"), [(Answer.REJECT, Stage.REJECTED), (Answer.ASK_FOR_CHANGES, Stage.CHANGES_ASKED)])
def test_one_no_ends_it_whatever_else_was_said(answer: Answer, stage: Stage) -> None:
    for decisions in ((yes(1, answer=answer),), (yes(1), yes(2), yes(2), yes(2, answer=answer))):
        moved = progress(PLAN, decisions, DIGEST)
        assert (moved.stage, moved.open_steps, moved.authorised_at) == (stage, (), None)


def test_a_rejection_weighs_more_than_asking_for_changes() -> None:
    both = (yes(1, answer=Answer.ASK_FOR_CHANGES), yes(1, answer=Answer.REJECT))
    assert progress(PLAN, both, DIGEST).stage is Stage.REJECTED


def test_decisions_over_another_digest_count_for_nothing() -> None:
    others = tuple(yes(step, digest="v1:sha256:" + "b" * 64) for step in (1, 2, 2))
    assert progress(PLAN, others, DIGEST) == progress(PLAN, (), DIGEST)
    no = yes(1, digest="v1:sha256:" + "b" * 64, answer=Answer.REJECT)
    assert progress(PLAN, (no,), DIGEST).stage is Stage.OPEN


def test_an_empty_plan_authorises_nothing() -> None:
    assert progress(Plan((), ()), (), DIGEST).stage is Stage.OPEN


@pytest.mark.parametrize("quorum", [0, -1])
def test_no_step_is_met_by_nobody(quorum: int) -> None:
    plan = Plan((Step(1, "press_office", "Press office", quorum),), ())
    assert progress(plan, (), DIGEST).stage is Stage.OPEN
    assert progress(plan, (yes(1),), DIGEST).stage is Stage.AUTHORISED


DECISIONS = st.lists(
    st.builds(
        yes,
        st.integers(0, 3),
        st.sampled_from([UUID(int=n) for n in range(4)]),
        minute=st.integers(0, 99),
        digest=st.sampled_from([DIGEST, "other"]),
        answer=st.sampled_from(Answer),
    ),
    max_size=8,
).map(tuple)


@given(DECISIONS, st.randoms())
def test_the_order_of_rows_changes_nothing(decisions: tuple[Decision, ...], chance: object) -> None:
    shuffled = list(decisions)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert progress(PLAN, tuple(shuffled), DIGEST) == progress(PLAN, decisions, DIGEST)


@given(DECISIONS)
def test_authorised_means_every_quorum_and_no_no(decisions: tuple[Decision, ...]) -> None:
    counted = [decision for decision in decisions if decision.digest == DIGEST]
    met = all(len({d.person_id for d in counted if d.step == step.number}) >= step.quorum for step in PLAN.steps)
    expected = met and all(d.answer is Answer.AUTHORISE for d in counted)
    assert (progress(PLAN, decisions, DIGEST).stage is Stage.AUTHORISED) == expected


def test_several_routes_make_one_plan_with_each_role_once_and_the_highest_quorum() -> None:
    press = {"role": "press_office", "label": "Press office", "quorum": 1}
    legal = {"role": "legal", "label": "Legal", "quorum": 1, "paragraph": 37}
    plan = plan_from([[press], [legal, {**press, "quorum": 2}]], ("A v1", "B v3"))
    assert plan.steps == (Step(1, "press_office", "Press office", 2), Step(2, "legal", "Legal", 1, 37))
    assert press["quorum"] == 1, "the routes themselves stay as they are"


def test_a_plan_survives_being_kept() -> None:
    assert plan_in(plan_as_data(PLAN)) == PLAN
