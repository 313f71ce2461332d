"""Authorised or silent: everything that can stop a post, one at a time, and the verdict that dispatch() must find unchanged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.domain.authority import Authority
from core.domain.calendar import stamp
from core.domain.content import Window
from core.domain.publication import State
from core.domain.route import Answer, Decision, Plan, Step
from core.domain.standing import DraftRows, ScheduleRow, SubmissionRow
from core.domain.verdict import GOOD_FOR, Judged, Refused, TargetSeen, Verdict, judge

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=8))
DIGEST = "v1:sha256:" + "a" * 64
OTHER = "v1:sha256:" + "b" * 64
PRESS, POLICY, X, LINKEDIN = UUID(int=1), UUID(int=2), UUID(int=10), UUID(int=11)
PRESS_GRANT, POLICY_GRANT, SUBMISSION = UUID(int=21), UUID(int=22), UUID(int=30)
PLAN = Plan((Step(1, "press_office", "Press office", 1), Step(2, "policy_owner", "Policy owner", 1)), ())


def grant(grant_id: UUID, person: UUID, role: str, **changes: Any) -> Authority:
    usual: dict[str, Any] = {"account_id": None, "valid_from": NOW - timedelta(days=1), "valid_until": WINDOW.end, "revision": 3}
    return Authority(grant_id, person, role, **{**usual, **changes})


PRESS_HELD = grant(PRESS_GRANT, PRESS, "press_office")
POLICY_HELD = grant(POLICY_GRANT, POLICY, "policy_owner")


def yes(step: int, person: UUID, authority: UUID, **changes: Any) -> Decision:
    usual: dict[str, Any] = {"answer": Answer.AUTHORISE, "digest": DIGEST, "at": NOW - timedelta(minutes=30)}
    return Decision(step=step, person_id=person, authority_id=authority, **{**usual, **changes})


BOTH = (yes(1, PRESS, PRESS_GRANT), yes(2, POLICY, POLICY_GRANT))


def judged(**changes: Any) -> Judged:
    submission = SubmissionRow(1, DIGEST, PLAN, NOW - timedelta(hours=1), None, BOTH)
    submission = replace(submission, **changes.pop("submission", {}))
    schedule = replace(ScheduleRow(4, NOW + timedelta(minutes=1), NOW - timedelta(hours=2)), **changes.pop("schedule", {}))
    rows = DraftRows(changes.pop("newest_version", 1), WINDOW, submission, schedule, (State.CLAIMED,))
    usual: dict[str, Any] = {
        "rows": rows,
        "draft_revision": 7,
        "submission_id": SUBMISSION,
        "newest_submission_id": SUBMISSION,
        "digest": DIGEST,
        "account_id": X,
        "account_revision": 2,
        "account_connected": True,
        "contributors": frozenset({UUID(int=5)}),
        "authorities": (PRESS_HELD, POLICY_HELD),
        "renders_the_same": True,
    }
    return Judged(**{**usual, **changes})


def test_a_verdict_names_every_revision_it_rests_on() -> None:
    found = judge(judged(), NOW)
    assert isinstance(found, Verdict)
    assert found.data == {
        "rules": "rules-1",
        "draft_revision": 7,
        "schedule_revision": 4,
        "submission": str(SUBMISSION),
        "digest": DIGEST,
        "account_revision": 2,
        "authorities": {str(PRESS_GRANT): 3, str(POLICY_GRANT): 3},
        "judged_at": stamp(NOW),
        "valid_until": stamp(NOW + GOOD_FOR),
    }


@pytest.mark.parametrize(
    ("case", "until"),
    [
        (judged(), NOW + GOOD_FOR),
        (
            judged(authorities=(replace(PRESS_HELD, valid_until=NOW + timedelta(seconds=9)), POLICY_HELD)),
            NOW + timedelta(seconds=9),
        ),
        (
            judged(answers_a_post=True, target=TargetSeen(True, NOW - timedelta(seconds=40))),
            NOW + timedelta(seconds=50),
        ),
        (judged(answers_a_post=True), NOW),
    ],
    ids=["ninety seconds", "a grant that ends sooner", "a target read a while ago", "a target not read again: no time at all"],
)
def test_a_verdict_lasts_no_longer_than_anything_in_it(case: Judged, until: datetime) -> None:
    found = judge(case, NOW)
    assert isinstance(found, Verdict)
    assert found.data["valid_until"] == stamp(until)


def test_a_verdict_never_outlasts_the_window() -> None:
    now = WINDOW.end - timedelta(seconds=5)
    held = tuple(replace(g, valid_until=WINDOW.end + timedelta(days=1)) for g in (PRESS_HELD, POLICY_HELD))
    found = judge(judged(authorities=held), now)
    assert isinstance(found, Verdict)
    assert found.data["valid_until"] == stamp(WINDOW.end)


def test_an_old_grant_of_the_same_person_does_not_shorten_the_verdict() -> None:
    old = grant(UUID(int=99), PRESS, "press_office", valid_until=NOW - timedelta(days=1), valid_from=NOW - timedelta(days=9))
    found = judge(judged(authorities=(old, PRESS_HELD, POLICY_HELD)), NOW)
    assert isinstance(found, Verdict)
    assert found.data["valid_until"] == stamp(NOW + GOOD_FOR)


REVOKED = [
    ("what would be sent differs", {"renders_the_same": False}),
    ("its account is disconnected", {"account_connected": False}),
    ("a grant was revoked", {"authorities": (replace(PRESS_HELD, revoked=True), POLICY_HELD)}),
    ("a grant ended", {"authorities": (replace(PRESS_HELD, valid_until=NOW), POLICY_HELD)}),
    ("a grant begins later", {"authorities": (replace(PRESS_HELD, valid_from=NOW + timedelta(seconds=1)), POLICY_HELD)}),
    ("a grant is gone", {"authorities": (POLICY_HELD,)}),
    ("a grant is somebody else's", {"authorities": (replace(PRESS_HELD, person_id=POLICY), POLICY_HELD)}),
    ("a grant is for another role", {"authorities": (replace(PRESS_HELD, role="legal"), POLICY_HELD)}),
    ("a grant is for another account", {"authorities": (replace(PRESS_HELD, account_id=LINKEDIN), POLICY_HELD)}),
    ("a decider touched the draft", {"contributors": frozenset({PRESS})}),
    ("a step has no decision", {"submission": {"decisions": BOTH[:1]}}),
    ("nobody decided", {"submission": {"decisions": ()}}),
    ("somebody said no", {"submission": {"decisions": (*BOTH, yes(2, UUID(int=3), POLICY_GRANT, answer=Answer.REJECT))}}),
    ("a decision names another digest", {"submission": {"decisions": (BOTH[0], yes(2, POLICY, POLICY_GRANT, digest=OTHER))}}),
    ("one person filled both steps", {"submission": {"decisions": (BOTH[0], yes(2, PRESS, PRESS_GRANT))}}),
    ("the plan is empty", {"submission": {"plan": Plan((), ())}}),
]


@pytest.mark.parametrize("changes", [case[1] for case in REVOKED], ids=[case[0] for case in REVOKED])
def test_what_is_not_authorised_now_is_revoked(changes: dict[str, Any]) -> None:
    found = judge(judged(**changes), NOW)
    assert isinstance(found, Refused)
    assert found.state is State.REVOKED


OTHERS: list[tuple[str, dict[str, Any], State]] = [
    ("withdrawn", {"submission": {"withdrawn_at": NOW}}, State.WITHDRAWN),
    ("a newer version", {"newest_version": 2}, State.STALE),
    ("a newer submission", {"newest_submission_id": UUID(int=31)}, State.STALE),
    ("a newer submission, withdrawn", {"newest_submission_id": UUID(int=31), "submission": {"withdrawn_at": NOW}}, State.STALE),
    ("another digest", {"digest": OTHER}, State.STALE),
    ("authorised after its slot", {"schedule": {"publish_at": NOW - timedelta(minutes=31)}}, State.HELD),
    ("its time left the window", {"schedule": {"publish_at": WINDOW.end}}, State.HELD),
]


@pytest.mark.parametrize(("changes", "state"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_each_other_refusal_goes_to_the_state_whose_owner_can_act(changes: dict[str, Any], state: State) -> None:
    found = judge(judged(**changes), NOW)
    assert isinstance(found, Refused)
    assert found.state is state
    assert found.note.endswith(".")


def test_a_target_that_is_no_longer_what_was_authorised_stops_it() -> None:
    found = judge(judged(answers_a_post=True, target=TargetSeen(False, NOW)), NOW)
    assert isinstance(found, Refused)
    assert (found.state, "has changed or is gone" in found.note) == (State.REVOKED, True)


def test_nothing_is_sent_once_the_window_has_passed() -> None:
    assert isinstance(judge(judged(), WINDOW.end - timedelta(microseconds=1)), Verdict)
    found = judge(judged(), WINDOW.end)
    assert isinstance(found, Refused)
    assert found.state is State.EXPIRED


def test_another_grant_covers_the_account_when_the_named_one_is_narrow() -> None:
    """Decided for two accounts on two grants: the one named ends first, the other must still stand for its account."""
    narrow = replace(PRESS_HELD, account_id=LINKEDIN)
    for_x = grant(UUID(int=23), PRESS, "press_office", account_id=X)
    assert isinstance(judge(judged(authorities=(narrow, for_x, POLICY_HELD)), NOW), Verdict)
    found = judge(judged(authorities=(narrow, replace(for_x, revoked=True), POLICY_HELD)), NOW)
    assert isinstance(found, Refused)
    assert found.state is State.REVOKED
