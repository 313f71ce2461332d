"""What a platform's answer means, in the only four words the publication machine acts on (see `platforms`' one rule)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """ACCEPTED: it stands, `post_id` names it. NOT_SENT: provably never accepted, may be tried again.
    REFUSED: the platform said no, a person must look. UNKNOWN: anything else; never resent automatically."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """One call's outcome. `detail` is a sentence for people, no secrets; `retry_at` (UTC) when the platform named a reset."""

    result: Result
    detail: str
    post_id: str | None = None
    permalink: str | None = None
    status: int | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True)
class ReadBack:
    """What stands at the platform now, as its adapter normalises it. `found` False: it is not there."""

    found: bool
    text: str = ""
    link: str | None = None
    alts: tuple[str, ...] = ()
    permalink: str | None = None
