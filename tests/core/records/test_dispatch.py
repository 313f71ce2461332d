"""The last act before a post leaves: it goes when everything holds, and for every single thing that does not, it stays."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.domain.content import Window
from core.domain.publication import State
from core.records.database import Database
from core.records.publications import move
from core.use_cases.drafting import reschedule, save_draft
from core.use_cases.holding import place_hold
from core.use_cases.submitting import submit, withdraw
from tests.core.publishing import (
    AtTheGate,
    as_admin,
    at_the_gate,
    attempts,
    claimed,
    dispatched,
    judged,
    scheduled,
    set_time,
    state_of,
    stopped,
)
from tests.kit import ACCOUNTS, Urls, authorised, grant, in_minutes, new_authoriser, new_cast, source

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_it_is_sent_when_everything_holds(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    sent = await dispatched(worker_database, gate)
    assert sent.result == "sending"
    assert await state_of(worker_database, gate.id) == "sending"
    (attempt,) = attempts(urls, gate.id)
    assert attempt["id"] == sent.attempt_id
    assert (attempt["epoch"], attempt["digest"], attempt["verdict"]) == (gate.epoch, gate.saved.digest, gate.verdict)
    assert attempt["dispatched_at"] == sent.at
    assert attempt["send_by"] - attempt["dispatched_at"] == timedelta(seconds=2)
    steps = as_admin(urls, "SELECT before, after FROM transition WHERE publication_id = %s ORDER BY number", gate.id)
    assert [(s["before"], s["after"]) for s in steps] == [("", "scheduled"), ("scheduled", "claimed"), ("claimed", "sending")]
    events = as_admin(urls, "SELECT action, actor FROM audit_event WHERE subject = %s ORDER BY number", f"publication:{gate.id}")
    assert [e["action"] for e in events] == ["publication.scheduled", "publication.claimed", "publication.sending"]
    assert {e["actor"] for e in events} == {"service"}


async def test_of_two_at_once_one_sends(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    answers = await asyncio.gather(*(dispatched(worker_database, gate) for _ in range(8)))
    assert sorted(answer.result for answer in answers) == ["fenced"] * 7 + ["sending"]
    assert len(attempts(urls, gate.id)) == 1


@pytest.mark.parametrize("scope", ["all", "platform", "account", "draft"])
async def test_a_hold_of_every_scope_stops_it(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate, scope: str
) -> None:
    targets = {"all": "", "platform": "x", "account": str(ACCOUNTS["x"]), "draft": str(gate.saved.draft_id)}
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope=scope, target=targets[scope], reason="Two minutes' silence.")
    assert (await dispatched(worker_database, gate)).result == "held"
    assert await state_of(worker_database, gate.id) == "held"
    assert attempts(urls, gate.id) == []
    assert (await dispatched(worker_database, gate)).result == "fenced", "lifting releases nothing by itself"


@pytest.mark.parametrize("target", ["facebook", "linkedin"])
async def test_a_hold_on_something_else_stops_nothing(
    database: Database, worker_database: Database, gate: AtTheGate, target: str
) -> None:
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="platform", target=target, reason="Elsewhere.")
        await place_hold(session, actor="a", scope="account", target=str(ACCOUNTS[target]), reason="Elsewhere.")
    assert (await dispatched(worker_database, gate)).result == "sending"


async def test_a_hold_that_begins_later_does_not_bind_yet_and_then_does(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    target = str(gate.saved.draft_id)
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="draft", target=target, reason="Tomorrow.", starts_at=in_minutes(60))
    set_time(urls, gate.saved.draft_id, "1 hour")
    early = await dispatched(worker_database, gate, schedule_revision=gate.verdict["schedule_revision"] + 1)
    assert early.result == "early"
    as_admin(urls, "UPDATE hold SET starts_at = now() WHERE target = %s", target)
    assert (await dispatched(worker_database, gate)).result == "held"


async def test_a_hold_named_in_capitals_binds_all_the_same(
    database: Database, worker_database: Database, gate: AtTheGate
) -> None:
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="draft", target=str(gate.saved.draft_id).upper(), reason="Stop.")
    assert (await dispatched(worker_database, gate)).result == "held"


async def test_a_lifted_hold_binds_nothing(database: Database, worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="all", target="", reason="Stop.")
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")
    assert (await dispatched(worker_database, gate)).result == "sending"


async def test_withdrawn(database: Database, worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    async with database.transaction() as session:
        await withdraw(session, by=gate.cast.officer, draft_id=gate.saved.draft_id, reason="")
    await stopped(worker_database, urls, gate, State.WITHDRAWN)


async def test_a_newer_version(database: Database, worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    async with database.transaction() as session:
        await save_draft(
            session,
            by=gate.cast.officer,
            draft_id=gate.saved.draft_id,
            seen_version=1,
            source=source(text="Other words."),
            publish_at=in_minutes(60),
        )
    await stopped(worker_database, urls, gate, State.STALE)


async def test_a_newer_submission(database: Database, worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    by, draft = gate.cast.officer, gate.saved.draft_id
    async with database.transaction() as session:
        await withdraw(session, by=by, draft_id=draft, reason="")
        await reschedule(session, by=by, draft_id=draft, publish_at=in_minutes(60))
        await submit(session, by=by, draft_id=draft, digest=gate.saved.digest)
    await stopped(worker_database, urls, gate, State.WITHDRAWN)


async def test_a_newer_submission_that_came_without_a_withdrawal(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    as_admin(
        urls,
        "INSERT INTO submission (id, draft_id, number, version_id, version_number, digest, plan, account_ids, window_start, "
        "window_end, submitted_by) SELECT gen_random_uuid(), draft_id, 2, version_id, version_number, digest, plan, account_ids, "
        "window_start, window_end, submitted_by FROM submission WHERE draft_id = %s",
        gate.saved.draft_id,
    )
    await stopped(worker_database, urls, gate, State.STALE)


async def test_its_window_is_over(database: Database, worker_database: Database, urls: Urls) -> None:
    cast = await new_cast(database, urls)
    window = Window(in_minutes(-5), in_minutes(0.06))
    gate = await at_the_gate(database, worker_database, urls, cast, window=window, publish_at=in_minutes(0.05))
    await asyncio.sleep(max(0.0, (window.end - in_minutes(0)).total_seconds()))
    await stopped(worker_database, urls, gate, State.EXPIRED)


async def test_never_early(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    set_time(urls, gate.saved.draft_id, "1 second")
    revision = gate.verdict["schedule_revision"] + 1
    early = await dispatched(worker_database, gate, schedule_revision=revision)
    assert early.result == "early"
    assert early.at is not None
    assert early.publish_at is not None
    assert early.at < early.publish_at
    assert await state_of(worker_database, gate.id) == "claimed"
    await asyncio.sleep((early.publish_at - early.at).total_seconds() + 0.01)
    sent = await dispatched(worker_database, gate, schedule_revision=revision)
    assert sent.result == "sending"
    assert sent.at is not None
    assert sent.at >= early.publish_at


async def test_not_before_its_window_begins(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    with_window = "UPDATE submission SET window_start = now() + interval '1 hour' WHERE draft_id = %s"
    as_admin(urls, "ALTER TABLE submission DISABLE TRIGGER submission_stays")
    try:
        as_admin(urls, with_window, gate.saved.draft_id)
    finally:
        as_admin(urls, "ALTER TABLE submission ENABLE TRIGGER submission_stays")
    assert (await dispatched(worker_database, gate)).result == "early"


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = now(), revision = revision + 1",
        "revoked_at = now()",
        "valid_until = now()",
        "valid_from = now() + interval '1 hour', valid_until = now() + interval '1 day'",
        "role = 'other'",
    ],
)
async def test_an_authority_that_no_longer_stands(worker_database: Database, urls: Urls, gate: AtTheGate, change: str) -> None:
    as_admin(urls, f"UPDATE authority SET {change} WHERE person_id = %s", gate.cast.press.id)  # noqa: S608
    await stopped(worker_database, urls, gate, State.REVOKED)


async def test_an_authority_revoked_for_one_account_stops_that_account_alone(
    database: Database, worker_database: Database, urls: Urls
) -> None:
    cast = await new_cast(database, urls)
    press = await new_authoriser(database, urls, "press_office", account=ACCOUNTS["x"], until=in_minutes(60 * 24 * 9))
    linkedin_grant = grant(urls, press, "press_office", account=ACCOUNTS["linkedin"])
    cast = type(cast)(cast.officer, press, cast.policy)
    saved = await authorised(database, cast, account_ids=(str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])))
    set_time(urls, saved.draft_id, "-1 second")
    gates = {}
    for name in ("x", "linkedin"):
        made = await scheduled(worker_database, saved, account=ACCOUNTS[name])
        epoch = await claimed(worker_database, made)
        finding = await judged(worker_database, made)
        gates[name] = AtTheGate(cast, saved, made, epoch, finding.data)  # type: ignore[union-attr]
    as_admin(urls, "UPDATE authority SET revoked_at = now(), revision = revision + 1 WHERE id = %s", linkedin_grant)
    assert (await dispatched(worker_database, gates["linkedin"])).result == "revoked"
    assert (await dispatched(worker_database, gates["x"])).result == "sending"


async def test_its_account_is_disconnected(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    as_admin(urls, "UPDATE account SET status = 'disconnected' WHERE id = %s", ACCOUNTS["x"])
    await stopped(worker_database, urls, gate, State.REVOKED)


async def test_a_decider_who_touched_the_draft_after_all(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    """However the row came to be: no code of ours stands between this function and the tables."""
    as_admin(urls, "INSERT INTO contributor (draft_id, person_id) VALUES (%s, %s)", gate.saved.draft_id, gate.cast.policy.id)
    await stopped(worker_database, urls, gate, State.REVOKED)


@pytest.mark.parametrize("epoch", [0, 2, 99])
async def test_another_epoch_is_fenced_off(worker_database: Database, urls: Urls, gate: AtTheGate, epoch: int) -> None:
    assert (await dispatched(worker_database, gate, epoch=epoch or -1)).result == "fenced"
    assert await state_of(worker_database, gate.id) == "claimed"


async def test_a_claim_that_was_lost_is_fenced_off(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    as_admin(urls, "UPDATE publication SET lease_until = now() - interval '1 second', state = 'scheduled' WHERE id = %s", gate.id)
    assert (await dispatched(worker_database, gate)).result == "fenced"
    assert await claimed(worker_database, gate.id) == gate.epoch + 1
    assert (await dispatched(worker_database, gate)).result == "fenced"
    assert (await dispatched(worker_database, gate, epoch=gate.epoch + 1)).result == "sending"


async def test_nothing_is_dispatched_from_any_other_state(worker_database: Database, gate: AtTheGate) -> None:
    async with worker_database.transaction() as session:
        assert await move(session, gate.id, before=State.CLAIMED, after=State.HELD, epoch=gate.epoch)
    assert (await dispatched(worker_database, gate)).result == "fenced"
    nowhere = AtTheGate(gate.cast, gate.saved, uuid4(), 1, gate.verdict)
    assert (await dispatched(worker_database, nowhere)).result == "fenced"


CHANGED: dict[str, dict[str, Any]] = {
    "draft_revision": {"draft_revision": 0},
    "schedule_revision": {"schedule_revision": 1},
    "account_revision": {"account_revision": 2},
    "submission": {"submission": str(uuid4())},
    "digest": {"digest": "v1:sha256:" + "0" * 64},
    "authorities": {"authorities": {}},
    "valid_until": {"valid_until": "2026-01-01T00:00:00Z"},
    **{f"no {name}": {name: None} for name in ("draft_revision", "schedule_revision", "account_revision", "valid_until")},
}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=CHANGED.keys())
async def test_whatever_differs_from_the_verdict_is_judged_again(
    worker_database: Database, gate: AtTheGate, changes: dict[str, Any]
) -> None:
    assert (await dispatched(worker_database, gate, **changes)).result == "judge_again"
    assert await state_of(worker_database, gate.id) == "claimed"
    assert (await dispatched(worker_database, gate)).result == "sending"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE draft SET revision = revision + 1 WHERE id = %(draft)s",
        "UPDATE authority SET revision = revision + 1 WHERE person_id = %(press)s",
    ],
)
async def test_any_row_that_moved_on_is_judged_again(worker_database: Database, urls: Urls, gate: AtTheGate, change: str) -> None:
    values = {"draft": gate.saved.draft_id, "press": gate.cast.press.id}
    as_admin(
        urls, change.replace("%(draft)s", "%s").replace("%(press)s", "%s"), values["draft" if "draft" in change else "press"]
    )
    assert (await dispatched(worker_database, gate)).result == "judge_again"


async def test_a_new_time_is_judged_again(database: Database, worker_database: Database, gate: AtTheGate) -> None:
    async with database.transaction() as session:
        await reschedule(session, by=gate.cast.officer, draft_id=gate.saved.draft_id, publish_at=in_minutes(60))
    assert (await dispatched(worker_database, gate)).result == "judge_again"
