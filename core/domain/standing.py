"""Where a draft stands: one pure function of rows, for pages, API and activities alike."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.content import Window
from core.domain.publication import SENT_OR_MAYBE, STOPPABLE, State
from core.domain.route import Decision, Plan, Progress, Stage, progress


class Standing(StrEnum):
    DRAFT = "draft"
    AWAITING = "awaiting"
    CHANGES_ASKED = "changes_asked"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    AUTHORISED = "authorised"
    NEEDS_NEW_TIME = "needs_new_time"
    EXPIRED = "expired"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    PARTLY_PUBLISHED = "partly_published"
    TAKEN_DOWN = "taken_down"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True)
class ScheduleRow:
    """When to publish: a row with a revision, outside the digest. `set_at` is when a person chose it."""

    revision: int
    publish_at: datetime
    set_at: datetime


@dataclass(frozen=True)
class SubmissionRow:
    version_number: int
    digest: str
    plan: Plan
    submitted_at: datetime
    withdrawn_at: datetime | None
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class DraftRows:
    """Everything a draft's standing depends on. `submission` is the newest one, `schedule` the newest row."""

    newest_version: int
    window: Window
    submission: SubmissionRow | None
    schedule: ScheduleRow
    publications: tuple[State, ...]


@dataclass(frozen=True)
class Stand:
    """`live` says that the newest submission still counts; `due` says that the service may publish it at its time."""

    standing: Standing
    progress: Progress | None
    live: bool
    due: bool


def stand_of(rows: DraftRows, now: datetime) -> Stand:
    """The draft's standing at `now` (UTC)."""
    submission = rows.submission
    if submission is None:
        return Stand(Standing.DRAFT, None, False, False)
    if submission.version_number != rows.newest_version:
        # A new version voids every authorisation and starts the plan again once it is submitted.
        return Stand(_after_publication(rows.publications) or Standing.DRAFT, None, False, False)
    moved = progress(submission.plan, submission.decisions, submission.digest)
    sent = _after_publication(rows.publications)
    if sent is not None:
        # What was sent stays sent: partly sent drafts still publish their other accounts unless withdrawn.
        alive = submission.withdrawn_at is None and moved.stage is Stage.AUTHORISED
        return Stand(sent, moved, alive, alive and slot_is_good(rows, moved, now))
    if submission.withdrawn_at is not None:
        return Stand(Standing.WITHDRAWN, moved, False, False)
    if moved.stage is Stage.REJECTED:
        return Stand(Standing.REJECTED, moved, False, False)
    if moved.stage is Stage.CHANGES_ASKED:
        return Stand(Standing.CHANGES_ASKED, moved, False, False)
    if now >= rows.window.end:
        return Stand(Standing.EXPIRED, moved, False, False)
    if moved.stage is Stage.OPEN:
        return Stand(Standing.AWAITING, moved, True, False)
    return _authorised(rows, moved, now)


def _authorised(rows: DraftRows, moved: Progress, now: datetime) -> Stand:
    if any(state not in (State.SCHEDULED, State.CLAIMED) for state in rows.publications if state in STOPPABLE):
        return Stand(Standing.NEEDS_ATTENTION, moved, True, slot_is_good(rows, moved, now))
    if not slot_is_good(rows, moved, now):
        return Stand(Standing.NEEDS_NEW_TIME, moved, True, False)
    return Stand(Standing.AUTHORISED, moved, True, True)


def slot_is_good(rows: DraftRows, moved: Progress, now: datetime) -> bool:
    """Late authorisation never goes out silently: the time must lie at or after the authorisation and inside the window."""
    if moved.authorised_at is None or not rows.window.contains(rows.schedule.publish_at):
        return False
    chosen_after = rows.schedule.set_at >= moved.authorised_at
    return chosen_after or rows.schedule.publish_at >= moved.authorised_at


def _after_publication(states: tuple[State, ...]) -> Standing | None:
    """The standing once anything may have left; None while nothing has."""
    counted = [state for state in states if state not in (State.STALE, State.WITHDRAWN)]
    if not any(state in SENT_OR_MAYBE for state in counted):
        return None
    if any(state in (State.UNKNOWN, State.MISMATCH, State.REMOVAL_UNKNOWN) for state in counted):
        return Standing.NEEDS_ATTENTION
    if all(state is State.ABANDONED for state in counted):
        return Standing.WITHDRAWN
    if all(state in (State.REMOVED, State.ABANDONED) for state in counted):
        return Standing.TAKEN_DOWN
    # What is being removed stands until it is gone.
    standing = (State.PUBLISHED, State.VERIFIED, State.REMOVING)
    if all(state in standing for state in counted) and len(counted) == len(states):
        return Standing.PUBLISHED
    if any(state in (State.SENDING, State.PROCESSING, State.SCHEDULED, State.CLAIMED) for state in counted):
        return Standing.PUBLISHING
    return Standing.PARTLY_PUBLISHED
