"""London wall times: what does not exist is refused, what happens twice is asked, everything else goes there and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calendar import (
    LONDON,
    InstantNotAware,
    TimeDoesNotExist,
    TimeHappensTwice,
    as_utc,
    from_stamp,
    london_to_utc,
    stamp,
)

OUR_AGE = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2199, 12, 31))


@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_a_time_in_the_spring_gap_is_refused(minute: int) -> None:
    with pytest.raises(TimeDoesNotExist) as refused:
        london_to_utc(datetime(2026, 3, 29, 1, minute), field="publish")
    assert refused.value.field == "publish"


@pytest.mark.parametrize("fold", [0, 1])
def test_saying_which_one_is_meant_does_not_make_a_gap_exist(fold: int) -> None:
    with pytest.raises(TimeDoesNotExist):
        london_to_utc(datetime(2026, 3, 29, 1, 30), fold)


@pytest.mark.parametrize(
    ("typed", "instant"),
    [
        (datetime(2026, 3, 29, 0, 59, 59), datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 29, 2, 0), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 59, 59), datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, 0), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 9, 30), datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_the_hours_beside_the_changes_are_what_they_say(typed: datetime, instant: datetime) -> None:
    assert london_to_utc(typed) == instant


def test_the_autumn_hour_is_asked() -> None:
    typed = datetime(2026, 10, 25, 1, 30)
    with pytest.raises(TimeHappensTwice):
        london_to_utc(typed)
    assert london_to_utc(typed, 0) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert london_to_utc(typed, 1) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(OUR_AGE)
def test_every_instant_comes_back_from_its_wall_time(moment: datetime) -> None:
    instant = moment.replace(tzinfo=UTC)
    wall = instant.astimezone(LONDON)
    assert london_to_utc(wall.replace(tzinfo=None), wall.fold) == instant


@given(OUR_AGE)
def test_every_wall_time_is_taken_refused_or_asked_and_never_moved(typed: datetime) -> None:
    try:
        instant = london_to_utc(typed)
    except TimeDoesNotExist:
        return
    except TimeHappensTwice:
        assert london_to_utc(typed, 1) - london_to_utc(typed, 0) == timedelta(hours=1)
        return
    assert instant.astimezone(LONDON).replace(tzinfo=None) == typed.replace(fold=0)


@given(OUR_AGE, st.integers(min_value=-14 * 60, max_value=14 * 60))
def test_a_stamp_is_one_spelling_of_an_instant_whatever_its_zone(moment: datetime, minutes: int) -> None:
    elsewhere = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    written = stamp(elsewhere)
    assert written == stamp(elsewhere.astimezone(UTC))
    assert written.endswith("Z")
    assert len(written) == len("2026-01-01T00:00:00.000000Z")
    assert from_stamp(written) == elsewhere


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(InstantNotAware) as refused:
        as_utc(datetime(2026, 1, 1), field="start")
    assert refused.value.field == "start"
    assert as_utc(datetime(2026, 7, 1, 9, tzinfo=LONDON)) == datetime(2026, 7, 1, 8, tzinfo=UTC)
