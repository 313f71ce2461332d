from datetime import UTC, datetime

import pytest

from core.domain.calendar import TimeDoesNotExist, TimeHappensTwice
from core.domain.refusals import BadInput
from web.typed_times import TypedTime


def _typed(time: str, day: str = "23", month: str = "11", year: str = "2026", which: str = "") -> TypedTime:
    return TypedTime("publish", day, month, year, time, which)


@pytest.mark.parametrize(
    ("time", "hour", "minute"),
    [
        ("9:30", 9, 30),
        ("9.30am", 9, 30),
        ("9:30 a.m.", 9, 30),
        ("0930", 9, 30),
        ("14:00", 14, 0),
        ("2pm", 14, 0),
        ("12am", 0, 0),
        ("12pm", 12, 0),
        ("midday", 12, 0),
        ("Midnight", 0, 0),
        ("11:59 PM", 23, 59),
    ],
)
def test_a_time_may_be_typed_as_people_write_it(time: str, hour: int, minute: int) -> None:
    assert _typed(time).to_utc("the publish time") == datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("time", ["", "9", "25:00", "9:75", "13pm", "0am", "soon", "9:3", "٩:٣٠"])
def test_a_time_that_cannot_be_read_is_refused_beside_its_field(time: str) -> None:
    with pytest.raises(BadInput) as refused:
        _typed(time).to_utc("the publish time")
    assert refused.value.field == "publish-time"
    assert "9:30am" in str(refused.value)


@pytest.mark.parametrize(
    ("day", "month", "year", "field"),
    [
        ("31", "2", "2026", "day"),
        ("0", "1", "2026", "day"),
        ("", "1", "2026", "day"),
        ("1", "1", "26", "year"),
        ("1", "x", "2026", "day"),
    ],
)
def test_a_date_that_is_not_real_is_refused_beside_its_field(day: str, month: str, year: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        _typed("9:30", day, month, year).to_utc("the publish time")
    assert refused.value.field == f"publish-{field}"


def test_a_month_may_be_typed_as_a_name() -> None:
    assert _typed("9:30", month="Nov").to_utc("it") == _typed("9:30", month="november").to_utc("it")


def test_the_spring_gap_is_refused_with_a_sentence() -> None:
    with pytest.raises(TimeDoesNotExist, match="clocks go forward"):
        _typed("1:30am", "28", "3", "2027").to_utc("the publish time")


def test_the_repeated_autumn_hour_asks_which_and_takes_either_answer() -> None:
    typed = _typed("1:30am", "25", "10", "2026")
    assert typed.happens_twice
    with pytest.raises(TimeHappensTwice) as asked:
        typed.to_utc("the publish time")
    assert asked.value.field == "publish-which"
    assert _typed("1:30am", "25", "10", "2026", "0").to_utc("it") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert _typed("1:30am", "25", "10", "2026", "1").to_utc("it") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("hour", [0, 1])
def test_an_instant_shown_and_saved_untouched_is_the_same_instant(hour: int) -> None:
    instant = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    assert TypedTime.of(instant, "publish").to_utc("it") == instant


def test_what_was_typed_is_kept_as_it_was() -> None:
    typed = TypedTime.from_form({"publish-day": " 31 ", "publish-month": "Febuary", "publish-time": "soon"}, "publish")
    assert (typed.day, typed.month, typed.year, typed.time) == ("31", "Febuary", "", "soon")
