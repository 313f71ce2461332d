"""The verdict: everything judged in CLAIMED, with every row revision it was judged by, for dispatch() to find unchanged."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.domain.authority import Authority
from core.domain.calendar import stamp
from core.domain.publication import State
from core.domain.standing import DraftRows, Stand, Standing, slot_is_good, stand_of

# Whatever was judged is judged again after this long, however little changed.
GOOD_FOR = timedelta(seconds=90)
RULES = "rules-1"
TARGET_CHANGED = (
    "The post it answers has changed or is gone since it was authorised (paragraph 38). Look at it, edit the draft "
    "to have it fetched again, and submit the new version; or withdraw this one."
)


@dataclass(frozen=True)
class TargetSeen:
    """The post that this one answers, read again not before `at`: whether it still is what was captured and authorised."""

    stands: bool
    at: datetime


@dataclass(frozen=True)
class Judged:
    """What a publication is judged by: its draft's rows, its own submission, digest and account, and the deciders' grants."""

    rows: DraftRows
    draft_revision: int
    submission_id: UUID
    newest_submission_id: UUID | None
    digest: str
    account_id: UUID
    account_revision: int
    account_connected: bool
    contributors: frozenset[UUID]
    authorities: tuple[Authority, ...]
    renders_the_same: bool
    answers_a_post: bool = False
    target: TargetSeen | None = None


@dataclass(frozen=True)
class Verdict:
    """It may be sent at its time while every revision in `data` stands."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """It may not be sent: the state it goes to, and the sentence for the person who owns that state."""

    state: State
    note: str


def judge(judged: Judged, now: datetime) -> Verdict | Refused:
    """Authorised or silent (promise 1): every required person authorised this digest and still may (paragraphs 36 and 37)."""
    refused = _refusal(judged, now)
    if refused is not None:
        return refused
    named = _named(judged)
    until = min([judged.rows.window.end, _target_good_until(judged, now), *(grant.valid_until for grant in named)])
    return Verdict(
        {
            "rules": RULES,
            "draft_revision": judged.draft_revision,
            "schedule_revision": judged.rows.schedule.revision,
            "submission": str(judged.submission_id),
            "digest": judged.digest,
            "account_revision": judged.account_revision,
            "authorities": {str(grant.id): grant.revision for grant in named},
            "judged_at": stamp(now),
            "valid_until": stamp(until),
        }
    )


def _target_good_until(judged: Judged, now: datetime) -> datetime:
    """While its target has not been read again the verdict is good for no time at all: dispatch() has it judged again."""
    if not judged.answers_a_post:
        return now + GOOD_FOR
    return judged.target.at + GOOD_FOR if judged.target else now


def _refusal(judged: Judged, now: datetime) -> Refused | None:
    submission = judged.rows.submission
    if submission is not None and submission.withdrawn_at is not None and judged.newest_submission_id == judged.submission_id:
        return Refused(State.WITHDRAWN, "It was withdrawn before it was sent.")
    if (
        submission is None
        or judged.newest_submission_id != judged.submission_id
        or submission.version_number != judged.rows.newest_version
        or submission.digest != judged.digest
    ):
        return Refused(State.STALE, "A newer version or submission exists.")
    if now >= judged.rows.window.end:
        return Refused(State.EXPIRED, "Its authorised window has passed.")
    if not judged.renders_the_same:
        return Refused(State.REVOKED, "What would be sent is no longer what was authorised. Save it again and submit that.")
    if judged.target is not None and not judged.target.stands:
        return Refused(State.REVOKED, TARGET_CHANGED)
    if not judged.account_connected:
        return Refused(State.REVOKED, "Its account is disconnected.")
    stand = stand_of(judged.rows, now)
    if stand.progress is None or not _authorised_now(judged, stand, now):
        return Refused(State.REVOKED, "An authorisation it needs no longer stands.")
    if not slot_is_good(judged.rows, stand.progress, now):
        return Refused(State.HELD, "It was authorised after its time. Give it a new time inside its window.")
    return None


def _named(judged: Judged) -> tuple[Authority, ...]:
    """The grants that the decisions rest on by name."""
    decisions = judged.rows.submission.decisions if judged.rows.submission else ()
    ids = {decision.authority_id for decision in decisions}
    return tuple(grant for grant in judged.authorities if grant.id in ids)


def _authorised_now(judged: Judged, stand: Stand, now: datetime) -> bool:
    """Every step met by people who touched nothing, whose named grants stand and who still hold one for this account."""
    submission = judged.rows.submission
    if submission is None or stand.progress is None or stand.standing in (Standing.REJECTED, Standing.CHANGES_ASKED):
        return False
    live = {g.id: g for g in judged.authorities if not g.revoked and g.valid_from <= now < g.valid_until}
    covering = {(g.person_id, g.role) for g in live.values() if g.account_id in (None, judged.account_id)}
    for step in submission.plan.steps:
        people = {
            decision.person_id
            for decision in submission.decisions
            if decision.step == step.number
            and decision.digest == submission.digest
            and decision.person_id not in judged.contributors
            and (grant := live.get(decision.authority_id)) is not None
            and (grant.person_id, grant.role) == (decision.person_id, step.role)
            and (grant.person_id, grant.role) in covering
        }
        if len(people) < max(1, step.quorum):
            return False
    return bool(submission.plan.steps) and stand.progress.authorised_at is not None
