"""Where a draft stands, case by case: one pure function that pages, API and activities share."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.domain.content import Window
from core.domain.publication import State
from core.domain.route import Answer, Decision, Plan, Step
from core.domain.standing import DraftRows, ScheduleRow, Standing, SubmissionRow, stand_of

T0 = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = Window(T0, T0 + timedelta(hours=10))
PLAN = Plan((Step(1, "press_office", "Press office", 1),), ())
DIGEST = "v1:sha256:" + "a" * 64
S = State


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def decided(answer: Answer = Answer.AUTHORISE, *, hours: float = 1) -> tuple[Decision, ...]:
    return (Decision(1, uuid4(), answer, DIGEST, uuid4(), at(hours)),)


def rows(*states: State, **changes: Any) -> DraftRows:
    """A submitted draft for 11:00 (T0 + 2 h), written before it was submitted at T0."""
    newest_version = changes.pop("newest_version", 1)
    schedule = ScheduleRow(1, changes.pop("publish_at", at(2)), changes.pop("set_at", at(-1)))
    usual: dict[str, Any] = {
        "version_number": 1,
        "digest": DIGEST,
        "plan": PLAN,
        "submitted_at": T0,
        "withdrawn_at": None,
        "decisions": (),
    }
    submission = None if changes.pop("never", False) else SubmissionRow(**{**usual, **changes})
    return DraftRows(newest_version, WINDOW, submission, schedule, states)


CASES: list[tuple[str, DraftRows, float, Standing, bool, bool]] = [
    ("never submitted", rows(never=True), 1, Standing.DRAFT, False, False),
    ("waiting", rows(), 1, Standing.AWAITING, True, False),
    ("waiting past its time", rows(), 3, Standing.AWAITING, True, False),
    ("waiting past its window", rows(), 10, Standing.EXPIRED, False, False),
    ("withdrawn while waiting", rows(withdrawn_at=at(0.5)), 1, Standing.WITHDRAWN, False, False),
    ("asked for changes", rows(decisions=decided(Answer.ASK_FOR_CHANGES)), 2, Standing.CHANGES_ASKED, False, False),
    ("rejected", rows(decisions=decided(Answer.REJECT)), 2, Standing.REJECTED, False, False),
    ("rejected, window over", rows(decisions=decided(Answer.REJECT)), 11, Standing.REJECTED, False, False),
    ("authorised in time", rows(decisions=decided()), 1.5, Standing.AUTHORISED, True, True),
    ("authorised in time, delayed inside the window", rows(decisions=decided()), 5, Standing.AUTHORISED, True, True),
    ("authorised at the very instant", rows(decisions=decided(hours=2)), 2, Standing.AUTHORISED, True, True),
    ("authorised after its slot", rows(decisions=decided(hours=3)), 3, Standing.NEEDS_NEW_TIME, True, False),
    (
        "authorised late, then given a new time",
        rows(decisions=decided(hours=3), publish_at=at(4), set_at=at(3.5)),
        3.5,
        Standing.AUTHORISED,
        True,
        True,
    ),
    (
        "authorised late, new time given before that",
        rows(decisions=decided(hours=3), publish_at=at(2.5), set_at=at(2)),
        3,
        Standing.NEEDS_NEW_TIME,
        True,
        False,
    ),
    ("its time outside the window", rows(decisions=decided(), publish_at=at(10)), 2, Standing.NEEDS_NEW_TIME, True, False),
    ("authorised, window over", rows(decisions=decided()), 10, Standing.EXPIRED, False, False),
    ("a new version voids it", rows(decisions=decided(), newest_version=2), 1.5, Standing.DRAFT, False, False),
    ("a new version ends the waiting", rows(newest_version=2), 1, Standing.DRAFT, False, False),
    ("a new version after a no", rows(decisions=decided(Answer.REJECT), newest_version=2), 2, Standing.DRAFT, False, False),
    ("withdrawn once authorised", rows(decisions=decided(), withdrawn_at=at(1.2)), 1.5, Standing.WITHDRAWN, False, False),
    ("scheduled", rows(S.SCHEDULED, decisions=decided()), 1.5, Standing.AUTHORISED, True, True),
    ("claimed", rows(S.CLAIMED, S.SCHEDULED, decisions=decided()), 1.9, Standing.AUTHORISED, True, True),
    *(
        (f"stopped: {state}", rows(state, decisions=decided()), 2, Standing.NEEDS_ATTENTION, True, True)
        for state in (S.HELD, S.REVOKED, S.EXPIRED, S.REJECTED)
    ),
    ("sending", rows(S.SENDING, decisions=decided()), 2, Standing.PUBLISHING, True, True),
    ("still encoding", rows(S.PROCESSING, decisions=decided()), 2, Standing.PUBLISHING, True, True),
    ("one out, one to come", rows(S.PUBLISHED, S.SCHEDULED, decisions=decided()), 2, Standing.PUBLISHING, True, True),
    ("published", rows(S.PUBLISHED, decisions=decided()), 2, Standing.PUBLISHED, True, True),
    ("verified after its window", rows(S.VERIFIED, S.PUBLISHED, decisions=decided()), 99, Standing.PUBLISHED, True, True),
    ("unknown", rows(S.UNKNOWN, S.VERIFIED, decisions=decided()), 2, Standing.NEEDS_ATTENTION, True, True),
    ("mismatch", rows(S.MISMATCH, decisions=decided()), 2, Standing.NEEDS_ATTENTION, True, True),
    ("removal unknown", rows(S.REMOVAL_UNKNOWN, decisions=decided()), 2, Standing.NEEDS_ATTENTION, True, True),
    ("one out, one held", rows(S.VERIFIED, S.HELD, decisions=decided()), 2, Standing.PARTLY_PUBLISHED, True, True),
    ("one out, one withdrawn", rows(S.VERIFIED, S.WITHDRAWN, decisions=decided()), 2, Standing.PARTLY_PUBLISHED, True, True),
    (
        "one out, the rest withdrawn by a person",
        rows(S.VERIFIED, S.WITHDRAWN, decisions=decided(), withdrawn_at=at(2.1)),
        3,
        Standing.PARTLY_PUBLISHED,
        False,
        False,
    ),
    ("one out, one given up", rows(S.VERIFIED, S.ABANDONED, decisions=decided()), 2, Standing.PARTLY_PUBLISHED, True, True),
    ("taken down", rows(S.REMOVED, S.REMOVED, decisions=decided()), 2, Standing.TAKEN_DOWN, True, True),
    ("taken down, one given up", rows(S.REMOVED, S.ABANDONED, decisions=decided()), 2, Standing.TAKEN_DOWN, True, True),
    ("one taken down, one stands", rows(S.REMOVED, S.VERIFIED, decisions=decided()), 2, Standing.PARTLY_PUBLISHED, True, True),
    ("one taken down, one withdrawn", rows(S.REMOVED, S.WITHDRAWN, decisions=decided()), 2, Standing.TAKEN_DOWN, True, True),
    ("coming down", rows(S.REMOVING, S.VERIFIED, decisions=decided()), 2, Standing.PUBLISHED, True, True),
    ("waits for the word of a person", rows(S.PROCESSING, S.VERIFIED, decisions=decided()), 2, Standing.PUBLISHING, True, True),
    ("given up", rows(S.ABANDONED, decisions=decided()), 2, Standing.WITHDRAWN, True, True),
]


@pytest.mark.parametrize(("case", "standing", "live", "due"), [(c[1:3], *c[3:]) for c in CASES], ids=[c[0] for c in CASES])
def test_where_a_draft_stands(case: tuple[DraftRows, float], standing: Standing, live: bool, due: bool) -> None:
    stand = stand_of(case[0], at(case[1]))
    assert (stand.standing, stand.live, stand.due) == (standing, live, due)


def test_a_window_ends_before_its_last_instant() -> None:
    assert WINDOW.contains(WINDOW.start)
    assert not WINDOW.contains(WINDOW.end)
    assert stand_of(rows(), WINDOW.end - timedelta(microseconds=1)).standing is Standing.AWAITING
    assert stand_of(rows(), WINDOW.end).standing is Standing.EXPIRED


@pytest.mark.parametrize("state", State)
def test_every_state_of_a_publication_leaves_the_draft_somewhere(state: State) -> None:
    stand = stand_of(rows(state, decisions=decided()), at(2))
    assert stand.standing not in (Standing.DRAFT, Standing.AWAITING)
