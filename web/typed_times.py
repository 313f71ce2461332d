"""Dates and times as people type them, kept exactly as typed until they can be read as an instant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.calendar import LONDON, YEARS, TimeDoesNotExist, TimeHappensTwice, london_to_utc
from core.domain.refusals import BadInput

_CLOCK = re.compile(r"(\d{1,2})(?:[:.]?(\d{2}))?(am|pm)?")
_WORDS = {"midday": (12, 0), "noon": (12, 0), "midnight": (0, 0)}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIRST_BST, SECOND_GMT = "0", "1"


class DateNotReal(BadInput):
    code = "date_not_real"


class TimeNotReadable(BadInput):
    code = "time_not_readable"


@dataclass(frozen=True)
class TypedTime:
    """One moment of the write form, as typed. `which` answers the repeated autumn hour: "0" first (BST), "1" second (GMT)."""

    prefix: str
    day: str = ""
    month: str = ""
    year: str = ""
    time: str = ""
    which: str = ""

    @classmethod
    def from_form(cls, form: Mapping[str, Any], prefix: str) -> "TypedTime":
        parts = {name: str(form.get(f"{prefix}-{name}") or "").strip() for name in ("day", "month", "year", "time", "which")}
        return cls(prefix, **parts)

    @classmethod
    def of(cls, instant: datetime, prefix: str) -> "TypedTime":
        """The instant as this form would show it, so that saving it untouched gives the same instant back."""
        local = instant.astimezone(LONDON)
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return cls(prefix, str(local.day), str(local.month), str(local.year), f"{local:%H:%M}", str(local.fold) if twice else "")

    @property
    def empty(self) -> bool:
        """Whether nothing was typed, where a moment may be left out."""
        return not (self.day or self.month or self.year or self.time)

    @property
    def happens_twice(self) -> bool:
        """Whether the page must ask which of the two is meant."""
        try:
            london_to_utc(self._naive(""), None)
        except TimeHappensTwice:
            return True
        except BadInput:
            return False
        return False

    def to_utc(self, what: str) -> datetime:
        """The instant in UTC. `what` names it in refusals ("the publish time"); `field` of a refusal is this prefix."""
        naive = self._naive(what)
        fold = int(self.which) if self.which in (FIRST_BST, SECOND_GMT) else None
        try:
            return london_to_utc(naive, fold, field=self.prefix)
        except TimeDoesNotExist:
            raise TimeDoesNotExist(
                f"{_start(what)} does not exist: the clocks go forward at 1am that day. Enter a time before 1am or from 2am.",
                field=f"{self.prefix}-time",
            ) from None
        except TimeHappensTwice:
            raise TimeHappensTwice(
                f"{_start(what)} happens twice: the clocks go back that day. "
                "Say which you mean, the first (BST) or the second (GMT).",
                field=f"{self.prefix}-which",
            ) from None

    def _naive(self, what: str) -> datetime:
        missing = [name for name in ("day", "month", "year") if not getattr(self, name)]
        if missing:
            raise DateNotReal(f"{_start(what)} must include a {' and a '.join(missing)}.", field=f"{self.prefix}-{missing[0]}")
        if not re.fullmatch(r"\d{4}", self.year, re.ASCII):
            raise DateNotReal(f"The year of {what} must have four digits, such as 2026.", field=f"{self.prefix}-year")
        if int(self.year) not in YEARS:
            raise DateNotReal(f"The year of {what} must be from {YEARS[0]} to {YEARS[-1]}.", field=f"{self.prefix}-year")
        month = _month(self.month)
        hour, minute = self._clock(what)
        try:
            return datetime(int(self.year), month, int(self.day), hour, minute)  # a London wall time
        except (ValueError, OverflowError):
            raise DateNotReal(f"{_start(what)} must be on a real date.", field=f"{self.prefix}-day") from None

    def _clock(self, what: str) -> tuple[int, int]:
        typed = self.time.lower().replace(" ", "")
        typed = typed.replace("a.m.", "am").replace("p.m.", "pm")
        if typed in _WORDS:
            return _WORDS[typed]
        found = _CLOCK.fullmatch(typed)
        refusal = TimeNotReadable(f"{_start(what)} must have a time, like 9:30am, 14:00 or midday.", field=f"{self.prefix}-time")
        if found is None or not typed.isascii():
            raise refusal
        hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
        if half is None and found[2] is None:
            raise refusal  # "9" could be the morning or the evening
        if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
            raise refusal
        return (hour % 12 + (12 if half == "pm" else 0) if half else hour), minute


def _month(typed: str) -> int:
    """1 to 12 from a number or an English name; 0, which no date accepts, from anything else."""
    if typed.isdecimal():
        return int(typed) if len(typed) < 3 else 0
    name = typed.lower()
    if len(name) >= 3 and name.isalpha() and name[:3] in _MONTHS:
        return _MONTHS.index(name[:3]) + 1
    return 0


def _start(what: str) -> str:
    return what[:1].upper() + what[1:]
