"""Times as people in London type them, kept in UTC. A time that does not exist is refused; one that occurs twice is asked."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.domain.refusals import BadInput

LONDON = ZoneInfo("Europe/London")
# Later or earlier is a slip of the hand; a timer for the year 9999 is one that engines and programs disagree about.
YEARS = range(2000, 2200)


class TimeDoesNotExist(BadInput):
    code = "time_does_not_exist"
    sentence = "This time does not exist: the clocks go forward in that hour. Choose a time before 1am or from 2am."


class TimeHappensTwice(BadInput):
    code = "time_happens_twice"
    sentence = (
        "This time happens twice: the clocks go back in that hour. Say whether you mean the first (BST) or the second (GMT)."
    )


class InstantNotAware(BadInput):
    code = "time_without_zone"
    sentence = "Give the time with its offset from UTC, such as 2026-11-24T09:30:00+00:00."


def london_to_utc(naive: datetime, fold: int | None = None, *, field: str | None = None) -> datetime:
    """The UTC instant of a London wall time. `fold` 0 is the first, 1 the second of a repeated hour.

    Raises TimeDoesNotExist in the spring gap and TimeHappensTwice in the autumn hour when `fold` is None.
    """
    first, second = naive.replace(tzinfo=LONDON, fold=0), naive.replace(tzinfo=LONDON, fold=1)
    if first.utcoffset() != second.utcoffset():
        if first.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != naive.replace(fold=0):
            raise TimeDoesNotExist(field=field)
        if fold is None:
            raise TimeHappensTwice(field=field)
    return (second if fold else first).astimezone(UTC)


def as_utc(instant: datetime, *, field: str | None = None) -> datetime:
    """The same instant in UTC, refusing one without a zone."""
    if instant.tzinfo is None:
        raise InstantNotAware(field=field)
    return instant.astimezone(UTC)


def stamp(instant: datetime) -> str:
    """The one spelling of an instant in manifests and audit events: UTC, microseconds, Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)
