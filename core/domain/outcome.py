"""What passes between the publication machine and a platform: keys, outcomes, what stands there, what quota is left."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Result(StrEnum):
    """ACCEPTED: it stands, `post_id` names it. PROCESSING: taken in and not public yet, `post_id` names what to ask about.
    NOT_SENT: provably never accepted, may be tried again. REFUSED: the platform said no, a person must look.
    UNKNOWN: anything else; never resent automatically."""

    ACCEPTED = "accepted"
    PROCESSING = "processing"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SendKey:
    """The name under which one call may be made again: the same key always makes the same call, byte for byte.

    `at` (UTC) is frozen with it: what a platform wants as the post's own time. A platform that keeps keys answers the
    second call with the first one's post; others ignore it.
    """

    id: UUID
    at: datetime


@dataclass(frozen=True)
class Quota:
    """What a platform's own headers say is left of one limit of one account, until `reset_at` (UTC)."""

    bucket: str
    remaining: int
    reset_at: datetime


@dataclass(frozen=True)
class Outcome:
    """One call's outcome. `detail` is a sentence for people, no secrets; `retry_at` (UTC) when the platform named a reset."""

    result: Result
    detail: str
    post_id: str | None = None
    permalink: str | None = None
    status: int | None = None
    retry_at: datetime | None = None
    quota: Quota | None = None


@dataclass(frozen=True)
class ReadBack:
    """What stands at the platform now, as its adapter normalises it. `found` False: it is not there.

    `target_id` is the platform's id of the post it replies to, quotes or reposts. `metrics`: what the platform counts of it.
    """

    found: bool
    text: str = ""
    link: str | None = None
    alts: tuple[str, ...] = ()
    permalink: str | None = None
    target_id: str | None = None
    metrics: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class SeenPost:
    """One post of an account's own timeline; `at` (UTC) is when the platform says it was posted."""

    post_id: str
    at: datetime
    content: ReadBack
