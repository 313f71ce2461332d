"""An answer speaks for its own call alone: what each one, early or late, first or second, makes of its publication."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from core.domain.outcome import Outcome, Quota, Result
from core.domain.verdict import Verdict
from core.records.calls import Dispatched, dispatch, keep_quota, limited_until, record_receipt
from core.records.database import Database
from core.records.unexpected import raise_late_receipts
from core.records.upkeep import end_leases
from core.use_cases.resolving import Act
from tests.core.publishing import AtTheGate, answered, as_admin, at_the_gate, dispatched, judged, said, state_of, unknown
from tests.kit import ACCOUNTS, Urls, in_minutes, new_cast

pytestmark = [pytest.mark.anyio, pytest.mark.database]

R = Result


async def sent_twice(database: Database, worker: Database, urls: Urls, gate: AtTheGate) -> tuple[Dispatched, Dispatched]:
    """A first call of which nothing is known, and a second one that two people asked for, which is out now."""
    first = await unknown(worker, urls, gate)
    resend = await said(database, gate.id, Act.RESEND, gate.cast.press, gate.cast.policy)
    finding = await judged(worker, gate.id)
    assert isinstance(finding, Verdict)
    async with worker.transaction() as session:
        second = await dispatch(session, gate.id, epoch=1, verdict=finding.data, again=True, resend=resend)
    assert second.result == "sending"
    return first, second


def unexpected(urls: Urls, publication_id: UUID) -> list[dict[str, Any]]:
    return as_admin(urls, "SELECT attempt_id, post_id, sentence FROM unexpected_post WHERE publication_id = %s", publication_id)


def post_of(urls: Urls, publication_id: UUID) -> str | None:
    found: str | None = as_admin(urls, "SELECT post_id FROM publication WHERE id = %s", publication_id)[0]["post_id"]
    return found


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (R.ACCEPTED, "published"),
        (R.PROCESSING, "processing"),
        (R.NOT_SENT, "scheduled"),
        (R.REFUSED, "rejected"),
        (R.UNKNOWN, "unknown"),
    ],
)
async def test_what_the_only_call_was_answered(worker_database: Database, gate: AtTheGate, result: Result, state: str) -> None:
    sent = await dispatched(worker_database, gate)
    assert await answered(worker_database, sent, result, post_id="7") == state
    assert await state_of(worker_database, gate.id) == state


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (R.ACCEPTED, "published"),
        (R.NOT_SENT, "scheduled"),
        (R.REFUSED, "rejected"),
        (R.UNKNOWN, "unknown"),
        (R.PROCESSING, "unknown"),
    ],
)
async def test_a_late_answer_to_the_only_call_settles_it(
    worker_database: Database, urls: Urls, gate: AtTheGate, result: Result, state: str
) -> None:
    sent = await dispatched(worker_database, gate)
    as_admin(urls, "UPDATE publication SET lease_until = now() - interval '1 second' WHERE id = %s", gate.id)
    async with worker_database.transaction() as session:
        await end_leases(session)
    assert await state_of(worker_database, gate.id) == "unknown"
    waiting = "SELECT 1 FROM outbox WHERE kind = 'publication' AND subject_id = %s"
    assert len(as_admin(urls, waiting, gate.id)) == 2, "its start, and that its lease ended"
    assert await answered(worker_database, sent, result, post_id="7") == state
    assert len(as_admin(urls, waiting, gate.id)) == (2 if state == "unknown" else 3), "its workflow may have ended"
    assert unexpected(urls, gate.id) == []


@pytest.mark.parametrize("result", [R.NOT_SENT, R.REFUSED, R.UNKNOWN])
async def test_a_second_calls_no_says_nothing_about_the_first(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate, result: Result
) -> None:
    _, second = await sent_twice(database, worker_database, urls, gate)
    assert await answered(worker_database, second, result) == "unknown"
    (row,) = as_admin(urls, "SELECT note, lease_until FROM publication WHERE id = %s", gate.id)
    assert row["lease_until"] is None
    assert ("An earlier call" in row["note"]) == (result is not R.UNKNOWN)


@pytest.mark.parametrize(
    ("second_result", "first_result", "state"),
    [
        (R.NOT_SENT, R.NOT_SENT, "scheduled"),
        (R.REFUSED, R.NOT_SENT, "scheduled"),
        (R.NOT_SENT, R.REFUSED, "rejected"),
        (R.REFUSED, R.REFUSED, "rejected"),
        (R.UNKNOWN, R.NOT_SENT, "unknown"),
        (R.UNKNOWN, R.REFUSED, "unknown"),
        (R.REFUSED, R.UNKNOWN, "unknown"),
    ],
)
async def test_only_when_every_call_is_known_to_have_failed_is_it_tried_again_or_closed(
    database: Database,
    worker_database: Database,
    urls: Urls,
    gate: AtTheGate,
    second_result: Result,
    first_result: Result,
    state: str,
) -> None:
    first, second = await sent_twice(database, worker_database, urls, gate)
    assert await answered(worker_database, second, second_result) == "unknown"
    assert await answered(worker_database, first, first_result) == state
    assert await state_of(worker_database, gate.id) == state


async def test_the_second_calls_yes_publishes_it(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    """That the first may stand too is the risk two people took; nothing new is known of it."""
    _, second = await sent_twice(database, worker_database, urls, gate)
    assert await answered(worker_database, second, R.ACCEPTED, post_id="2") == "published"
    assert unexpected(urls, gate.id) == []


@pytest.mark.parametrize("second_result", [None, R.UNKNOWN, R.ACCEPTED])
async def test_a_late_yes_to_the_first_call_after_a_resend_is_an_alarm(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate, second_result: Result | None
) -> None:
    first, second = await sent_twice(database, worker_database, urls, gate)
    if second_result is not None:
        await answered(worker_database, second, second_result, post_id="2")
    assert await answered(worker_database, first, R.ACCEPTED, post_id="1") == "published"
    (row,) = unexpected(urls, gate.id)
    assert (row["attempt_id"], row["post_id"]) == (first.attempt_id, "1")
    assert "Two posts may stand" in row["sentence"]
    assert post_of(urls, gate.id) == ("2" if second_result is R.ACCEPTED else "1")
    for _ in range(2):
        async with worker_database.transaction() as session:
            await raise_late_receipts(session)
    alarms = as_admin(urls, "SELECT kind, post_id FROM alarm WHERE publication_id = %s", gate.id)
    assert [(alarm["kind"], alarm["post_id"]) for alarm in alarms] == [("late_receipt", "1")]


async def test_a_late_yes_to_the_first_call_is_no_alarm_once_the_second_surely_failed(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    first, second = await sent_twice(database, worker_database, urls, gate)
    await answered(worker_database, second, R.NOT_SENT)
    assert await answered(worker_database, first, R.ACCEPTED, post_id="1") == "published"
    assert unexpected(urls, gate.id) == []


async def test_the_same_post_named_twice_is_one_post(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    first, second = await sent_twice(database, worker_database, urls, gate)
    await answered(worker_database, second, R.ACCEPTED, post_id="1")
    await answered(worker_database, first, R.ACCEPTED, post_id="1")
    assert unexpected(urls, gate.id) == []


async def test_under_a_kept_key_a_late_yes_is_one_post(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    first, _ = await sent_twice(database, worker_database, urls, gate)
    as_admin(urls, "INSERT INTO platform_key VALUES ('x', '1 hour')")
    try:
        assert await answered(worker_database, first, R.ACCEPTED, post_id="1") == "published"
    finally:
        as_admin(urls, "DELETE FROM platform_key WHERE platform = 'x'")
    assert unexpected(urls, gate.id) == []


async def test_a_yes_to_what_was_given_up_is_an_alarm(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    first = await unknown(worker_database, urls, gate)
    await said(database, gate.id, Act.ABANDON, gate.cast.press, gate.cast.policy)
    as_admin(urls, "UPDATE publication SET state = 'abandoned' WHERE id = %s", gate.id)
    assert await answered(worker_database, first, R.ACCEPTED, post_id="1") == "abandoned"
    (row,) = unexpected(urls, gate.id)
    assert "not published" in row["sentence"]


async def test_the_same_receipt_written_twice_is_one_receipt(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    sent = await dispatched(worker_database, gate)
    assert sent.attempt_id is not None
    one = uuid4()
    for _ in range(2):
        async with worker_database.transaction() as session:
            state = await record_receipt(
                session, attempt_id=sent.attempt_id, outcome=Outcome(R.NOT_SENT, "No."), receipt_id=one, retry_at=in_minutes(1)
            )
        assert state == "scheduled"
    assert len(as_admin(urls, "SELECT 1 FROM receipt WHERE attempt_id = %s", sent.attempt_id)) == 1


async def test_a_receipt_and_the_end_of_its_lease_at_once_come_out_the_same(
    database: Database, worker_database: Database, urls: Urls
) -> None:
    """Whichever is first: what was accepted is published, what was not sent is scheduled."""
    cast = await new_cast(database, urls)
    for number in range(10):
        gate = await at_the_gate(database, worker_database, urls, cast, text=f"Raced {number}.")
        sent = await dispatched(worker_database, gate)
        as_admin(urls, "UPDATE publication SET lease_until = now() - interval '1 second' WHERE id = %s", gate.id)

        async def lapse() -> None:
            async with worker_database.transaction() as session:
                await end_leases(session)

        result = R.ACCEPTED if number % 2 else R.NOT_SENT
        await asyncio.gather(lapse(), answered(worker_database, sent, result, post_id=str(number)))
        assert await state_of(worker_database, gate.id) == ("published" if number % 2 else "scheduled")


async def test_even_the_owner_does_not_reschedule_what_may_have_reached_the_platform(
    urls: Urls, gate: AtTheGate, worker_database: Database
) -> None:
    await dispatched(worker_database, gate)
    for state in ("scheduled", "rejected"):
        with pytest.raises(psycopg.errors.CheckViolation, match="may have reached"):
            as_admin(urls, "UPDATE publication SET state = %s WHERE id = %s", state, gate.id)


async def test_a_used_up_limit_sends_it_back_until_the_reset(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    reset = in_minutes(10)
    async with worker_database.transaction() as session:
        await keep_quota(session, ACCOUNTS["x"], Quota("posts", 0, reset))
    try:
        assert (await dispatched(worker_database, gate)).result == "limited"
        (row,) = as_admin(urls, "SELECT state, not_before, note FROM publication WHERE id = %s", gate.id)
        assert (row["state"], row["not_before"]) == ("scheduled", reset)
        assert "takes no more posts" in row["note"]
        async with worker_database.transaction() as session:
            assert await limited_until(session, ACCOUNTS["x"]) == reset
            assert await limited_until(session, ACCOUNTS["facebook"]) is None
    finally:
        as_admin(urls, "DELETE FROM quota")


async def test_a_limit_that_has_reset_or_is_anothers_stops_nothing(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    as_admin(urls, "INSERT INTO quota VALUES (%s, 'posts', 0, now() - interval '1 second')", ACCOUNTS["x"])
    as_admin(urls, "INSERT INTO quota VALUES (%s, 'posts', 0, now() + interval '1 hour')", ACCOUNTS["facebook"])
    try:
        assert (await dispatched(worker_database, gate)).result == "sending"
    finally:
        as_admin(urls, "DELETE FROM quota")


async def test_an_older_answer_that_arrives_later_gives_nothing_back(worker_database: Database, urls: Urls) -> None:
    early, late = in_minutes(5), in_minutes(20)
    told = [(5, early, 0, 5), (3, early, 0, 3), (4, early, 0, 3), (90, late, 0, 90), (1, early, 60, 90), (0, late, 0, 0)]
    try:
        for remaining, reset, age, expected in told:
            async with worker_database.transaction() as session:
                await keep_quota(session, ACCOUNTS["linkedin"], Quota("posts", remaining, reset), age=timedelta(seconds=age))
            (row,) = as_admin(urls, "SELECT remaining FROM quota WHERE account_id = %s", ACCOUNTS["linkedin"])
            assert row["remaining"] == expected
    finally:
        as_admin(urls, "DELETE FROM quota")


async def test_a_reset_in_a_far_year_counts_for_a_day_and_the_next_answer_wins(
    worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    try:
        async with worker_database.transaction() as session:
            await keep_quota(session, ACCOUNTS["x"], Quota("posts", 0, datetime(5138, 1, 1, tzinfo=UTC)))
            until = await limited_until(session, ACCOUNTS["x"])
        assert until is not None
        assert until < in_minutes(26 * 60)
        async with worker_database.transaction() as session:
            await keep_quota(session, ACCOUNTS["x"], Quota("posts", 50, in_minutes(15)))
        assert (await dispatched(worker_database, gate)).result == "sending"
    finally:
        as_admin(urls, "DELETE FROM quota")
