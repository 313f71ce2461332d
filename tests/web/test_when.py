from datetime import UTC, datetime, timedelta

import pytest

from web.when import between, from_now, iso, london, london_precise, span


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "23 November 2026 at 9:30am"),
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), "1 July 2026 at midday"),
        (datetime(2026, 7, 1, 23, 0, tzinfo=UTC), "2 July 2026 at midnight"),
        (datetime(2026, 11, 23, 14, 0, tzinfo=UTC), "23 November 2026 at 2pm"),
    ],
)
def test_an_instant_is_said_in_london_time(instant: datetime, words: str) -> None:
    assert london(instant) == words


def test_a_time_that_happens_twice_says_which() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert london(first) == "25 October 2026 at 1:30am (BST)"
    assert london(first + timedelta(hours=1)) == "25 October 2026 at 1:30am (GMT)"


def test_a_window_on_one_day_names_the_day_once() -> None:
    start = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert between(start, start + timedelta(hours=3)) == "23 November 2026, 9am to midday"
    assert between(start, start + timedelta(days=1)) == "23 November 2026 at 9am to 24 November 2026 at 9am"


def test_lengths_round_down_to_their_largest_unit() -> None:
    assert [span(timedelta(seconds=s)) for s in (20, 60, 7199, 90_000)] == ["less than a minute", "1 minute", "1 hour", "1 day"]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert from_now(now + timedelta(hours=2), now) == "in 2 hours"
    assert from_now(now - timedelta(hours=2), now) == "2 hours ago"


def test_the_record_shows_seconds() -> None:
    instant = datetime(2026, 11, 23, 9, 30, 5, tzinfo=UTC)
    assert london_precise(instant) == "23 November 2026 at 09:30:05"
    assert iso(instant) == "2026-11-23T09:30:05Z"
