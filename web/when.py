"""Instants as people in London read them, in GOV.UK style; stored and passed around in UTC."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
MINUTE, HOUR, DAY = 60, 3600, 86400


def _clock(local: datetime) -> str:
    if (local.hour, local.minute) == (0, 0):
        return "midnight"
    if (local.hour, local.minute) == (12, 0):
        return "midday"
    minutes = f":{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"


def _zone_where_needed(local: datetime) -> str:
    """` (BST)` or ` (GMT)` for a wall time that happens twice on the night the clocks go back, else nothing."""
    first, second = local.replace(fold=0), local.replace(fold=1)
    return f" ({local.tzname()})" if first.utcoffset() != second.utcoffset() else ""


def london_date(instant: datetime) -> str:
    """`23 November 2026`."""
    local = instant.astimezone(LONDON)
    return f"{local.day} {local:%B %Y}"


def london_clock(instant: datetime) -> str:
    """`9:30am`, `midday`; seconds are left out."""
    local = instant.astimezone(LONDON)
    return _clock(local) + _zone_where_needed(local)


def london(instant: datetime) -> str:
    """`23 November 2026 at 9:30am`, with (BST) or (GMT) only where the time alone would not say which."""
    return f"{london_date(instant)} at {london_clock(instant)}"


def london_precise(instant: datetime) -> str:
    """`23 November 2026 at 09:30:15` for the record, where seconds matter."""
    local = instant.astimezone(LONDON)
    return f"{london_date(instant)} at {local:%H:%M:%S}{_zone_where_needed(local)}"


def between(start: datetime, end: datetime) -> str:
    """A window in words; the date is said once when both ends fall on it."""
    if london_date(start) == london_date(end):
        return f"{london_date(start)}, {london_clock(start)} to {london_clock(end)}"
    return f"{london(start)} to {london(end)}"


def iso(instant: datetime) -> str:
    """For `<time datetime>`: UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(length: timedelta) -> str:
    """A length of time rounded down to its largest unit: `2 days`, `1 hour`, `less than a minute`."""
    seconds = int(abs(length.total_seconds()))
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= unit:
            count = seconds // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "less than a minute"


def from_now(instant: datetime, now: datetime) -> str:
    """`in 2 hours` or `2 hours ago`."""
    return f"in {span(instant - now)}" if instant > now else f"{span(now - instant)} ago"
