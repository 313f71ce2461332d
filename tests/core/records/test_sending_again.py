"""Out of UNKNOWN into another call: only through dispatch(), only on two people's word or under a kept key, each guard alone."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from core.domain.outcome import Result
from core.domain.verdict import Verdict
from core.records.calls import Dispatched, dispatch
from core.records.database import Database
from core.use_cases.holding import place_hold
from core.use_cases.resolving import Act
from integrations.platforms.registry import PLATFORMS
from tests.core.publishing import (
    AtTheGate,
    aged,
    answered,
    as_admin,
    at_the_gate,
    attempts,
    dispatched,
    judged,
    said,
    state_of,
    unknown,
)
from tests.kit import ACCOUNTS, Urls, new_authoriser, new_cast, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def again(
    worker: Database, gate: AtTheGate, resend: UUID | None = None, *, epoch: int | None = None, judge: bool = True
) -> Dispatched:
    verdict = gate.verdict
    if judge:
        finding = await judged(worker, gate.id)
        assert isinstance(finding, Verdict), finding
        verdict = finding.data
    async with worker.transaction() as session:
        return await dispatch(session, gate.id, epoch=epoch or gate.epoch, verdict=verdict, again=True, resend=resend)


def note_of(urls: Urls, publication_id: UUID) -> str:
    return str(as_admin(urls, "SELECT note FROM publication WHERE id = %s", publication_id)[0]["note"])


def used(urls: Urls, proposal: UUID) -> list[str]:
    return [row["result"] for row in as_admin(urls, "SELECT result FROM carried_out WHERE act_id = %s", proposal)]


@pytest.fixture
async def lost(worker_database: Database, urls: Urls, gate: AtTheGate) -> AtTheGate:
    """Sent minutes ago; nobody knows what became of it."""
    await unknown(worker_database, urls, gate)
    return gate


async def two_say_resend(database: Database, one: AtTheGate) -> UUID:
    return await said(database, one.id, Act.RESEND, one.cast.press, one.cast.policy)


def test_the_database_knows_which_platforms_keep_keys_and_for_how_long(urls: Urls) -> None:
    rows = as_admin(urls, "SELECT platform, keeps FROM platform_key")
    assert {row["platform"]: row["keeps"] for row in rows} == {
        name: platform.keeps_keys for name, platform in PLATFORMS.items() if platform.keeps_keys is not None
    }


async def test_nobodys_word_sends_nothing_again(worker_database: Database, urls: Urls, lost: AtTheGate) -> None:
    for resend in (None, uuid4()):
        assert (await again(worker_database, lost, resend)).result == "not_again"
    assert (await dispatched(worker_database, lost)).result == "fenced", "and a claim's dispatch does not fit"
    assert await state_of(worker_database, lost.id) == "unknown"
    assert len(attempts(urls, lost.id)) == 1
    assert note_of(urls, lost.id).startswith("It was not sent again, and its outcome is still not known.")


async def test_one_persons_word_sends_nothing_again(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    proposal = uuid4()
    as_admin(
        urls,
        "INSERT INTO proposal (id, kind, subject, detail, reason, asked_by, good_until) VALUES "
        "(%s, 'publication.resend', %s, '{\"epoch\": 1}', 'r', %s, now() + interval '1 hour')",
        *(proposal, f"publication:{lost.id}", lost.cast.press.id),
    )
    assert (await again(worker_database, lost, proposal)).result == "not_again"
    assert len(attempts(urls, lost.id)) == 1


async def test_two_peoples_word_sends_it_once_under_the_first_calls_key(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    proposal = await two_say_resend(database, lost)
    answers = await asyncio.gather(*(again(worker_database, lost, proposal) for _ in range(6)))
    assert sorted(one.result for one in answers) == ["fenced"] * 5 + ["sending"]
    sent = next(one for one in answers if one.result == "sending")
    first, second = sorted(attempts(urls, lost.id), key=lambda row: row["epoch"])
    assert (second["epoch"], second["resend"], sent.epoch) == (first["epoch"] + 1, proposal, first["epoch"] + 1)
    assert (second["key_id"], second["key_at"]) == (first["key_id"], first["key_at"])
    assert sent.key is not None
    assert (sent.key.id, sent.key.at) == (lost.id, first["key_at"])
    assert used(urls, proposal) == ["sending"]


async def test_a_resend_is_used_once(database: Database, worker_database: Database, urls: Urls, lost: AtTheGate) -> None:
    proposal = await two_say_resend(database, lost)
    sent = await again(worker_database, lost, proposal)
    assert await answered(worker_database, sent, Result.UNKNOWN) == "unknown"
    aged(urls, lost.id)
    assert (await again(worker_database, lost, proposal, epoch=2)).result == "not_again"
    assert len(attempts(urls, lost.id)) == 2
    # Asked for anew, over what stands now, it is sent anew.
    assert (await again(worker_database, lost, await two_say_resend(database, lost), epoch=2)).result == "sending"


async def test_a_resend_over_something_else_counts_for_nothing(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    proposal = await two_say_resend(database, lost)
    as_admin(urls, "ALTER TABLE proposal DISABLE TRIGGER proposal_is_answered_once")
    for change in (
        "detail = '{\"epoch\": 7}'",
        "subject = 'publication:00000000-0000-4000-8000-000000000000'",
        "kind = 'publication.abandon'",
        "confirmed_at = clock_timestamp() - interval '16 minutes'",
        "confirmed_at = NULL",
    ):
        before = as_admin(urls, "SELECT detail::text, subject, kind, confirmed_at FROM proposal WHERE id = %s", proposal)[0]
        as_admin(urls, f"UPDATE proposal SET {change} WHERE id = %s", proposal)  # noqa: S608
        assert (await again(worker_database, lost, proposal)).result == "not_again", change
        as_admin(urls, "ALTER TABLE carried_out DISABLE TRIGGER carried_out_stays")
        as_admin(urls, "DELETE FROM carried_out WHERE act_id = %s", proposal)
        as_admin(urls, "ALTER TABLE carried_out ENABLE TRIGGER carried_out_stays")
        as_admin(
            urls,
            "UPDATE proposal SET detail = CAST(%s AS jsonb), subject = %s, kind = %s, confirmed_at = %s WHERE id = %s",
            *(before["detail"], before["subject"], before["kind"], before["confirmed_at"], proposal),
        )
    as_admin(urls, "ALTER TABLE proposal ENABLE TRIGGER proposal_is_answered_once")
    assert (await again(worker_database, lost, proposal)).result == "sending"


async def test_not_within_a_minute_of_the_last_call(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    proposal = await two_say_resend(database, lost)
    aged(urls, lost.id, "-270 seconds")
    assert (await again(worker_database, lost, proposal)).result == "not_again"
    assert "less than a minute ago" in note_of(urls, lost.id)


@pytest.mark.parametrize("stop", ["hold", "window", "authority", "account", "verdict", "quota"])
async def test_whatever_stops_a_first_call_stops_another(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate, stop: str
) -> None:
    """It stays UNKNOWN; what two people asked for is used up, unless a later try of the same could still be made."""
    # Neither decided on the draft: what stops it is not that one of the two may not ask any more.
    managers = [await new_person(database, "account_manager") for _ in range(2)]
    proposal = await said(database, lost.id, Act.RESEND, *managers)
    finding = await judged(worker_database, lost.id)
    assert isinstance(finding, Verdict)
    expected = {"hold": "held", "window": "expired", "authority": "revoked", "account": "revoked"}
    expected |= {"verdict": "judge_again", "quota": "limited"}
    draft, press = lost.saved.draft_id, lost.cast.press.id
    if stop == "hold":
        async with database.transaction() as session:
            await place_hold(session, actor="a", scope="draft", target=str(draft), reason="Stop.")
    elif stop == "window":
        as_admin(urls, "ALTER TABLE submission DISABLE TRIGGER submission_stays")
        as_admin(urls, "UPDATE submission SET window_end = now() WHERE draft_id = %s", draft)
        as_admin(urls, "ALTER TABLE submission ENABLE TRIGGER submission_stays")
    elif stop == "authority":
        as_admin(urls, "UPDATE authority SET revoked_at = now(), revision = revision + 1 WHERE person_id = %s", press)
    elif stop == "account":
        as_admin(urls, "UPDATE account SET status = 'disconnected' WHERE id = %s", ACCOUNTS["x"])
    elif stop == "verdict":
        as_admin(urls, "UPDATE draft SET revision = revision + 1 WHERE id = %s", draft)
    else:
        as_admin(urls, "INSERT INTO quota VALUES (%s, 'posts', 0, now() + interval '1 hour')", ACCOUNTS["x"])
    async with worker_database.transaction() as session:
        answer = await dispatch(session, lost.id, epoch=1, verdict=finding.data, again=True, resend=proposal)
    as_admin(urls, "DELETE FROM quota")
    assert answer.result == expected[stop]
    assert await state_of(worker_database, lost.id) == "unknown"
    assert len(attempts(urls, lost.id)) == 1
    spent = stop in ("hold", "window", "authority", "account")
    assert used(urls, proposal) == ([expected[stop]] if spent else [])
    assert ("not sent again" in note_of(urls, lost.id)) == spent


async def test_a_post_that_two_people_gave_up_is_not_sent_again(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    """Both were said; the service had carried out neither."""
    resend = await two_say_resend(database, lost)
    await said(database, lost.id, Act.ABANDON, lost.cast.policy, lost.cast.press)
    assert (await again(worker_database, lost, resend)).result == "not_again"
    assert "gave it up" in note_of(urls, lost.id)


async def test_a_post_that_two_people_named_is_not_sent_again(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    """They said that it stands; the service had not taken it up yet."""
    resend = await two_say_resend(database, lost)
    await said(database, lost.id, Act.ADOPT, lost.cast.policy, lost.cast.press, post="123")
    assert (await again(worker_database, lost, resend)).result == "not_again"
    assert "said which post it is" in note_of(urls, lost.id)


@pytest.mark.parametrize("who", ["asked_by", "confirmed_by"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE authority SET revoked_at = now(), revision = revision + 1 WHERE person_id = %s",
        "UPDATE authority SET valid_until = now() WHERE person_id = %s",
        "UPDATE person SET roles = '{officer}' WHERE id = %s",
        "INSERT INTO contributor (draft_id, person_id) SELECT draft_id, p.id FROM publication, person p WHERE p.id = %s",
    ],
)
async def test_the_word_of_somebody_who_may_not_give_it_any_more_sends_nothing(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate, who: str, change: str
) -> None:
    """Two who did not decide on the draft, so that its own authorisation stands."""
    two = [await new_authoriser(database, urls, "press_office") for _ in range(2)]
    proposal = await said(database, lost.id, Act.RESEND, *two)
    as_admin(urls, change, two[who == "confirmed_by"].id)
    assert (await again(worker_database, lost, proposal)).result == "not_again"
    assert "may not ask for it any more" in note_of(urls, lost.id)


@pytest.fixture
def keeps_keys(urls: Urls) -> object:
    """As if X kept keys, for an hour."""
    as_admin(urls, "INSERT INTO platform_key VALUES ('x', '1 hour') ON CONFLICT DO NOTHING")
    yield
    as_admin(urls, "DELETE FROM platform_key WHERE platform = 'x'")


@pytest.mark.usefixtures("keeps_keys")
async def test_a_kept_key_is_repeated_by_the_service_itself_five_calls_at_most(
    worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    for epoch in range(1, 5):
        sent = await again(worker_database, lost, epoch=epoch)
        assert (sent.result, sent.epoch) == ("sending", epoch + 1)
        assert await answered(worker_database, sent, Result.UNKNOWN) == "unknown"
    made = attempts(urls, lost.id)
    assert len({(row["key_id"], row["key_at"]) for row in made}) == 1
    assert (await again(worker_database, lost, epoch=5)).result == "not_again"
    assert "as often as makes sense" in note_of(urls, lost.id)


@pytest.mark.usefixtures("keeps_keys")
@pytest.mark.parametrize(("age", "result"), [("57 minutes", "not_again"), ("50 minutes", "sending")])
async def test_a_key_is_repeated_only_while_the_platform_surely_has_it(
    worker_database: Database, urls: Urls, lost: AtTheGate, age: str, result: str
) -> None:
    """Five minutes old already; a minute of the hour is left for the call."""
    aged(urls, lost.id, age)
    assert (await again(worker_database, lost)).result == result


@pytest.mark.usefixtures("keeps_keys")
async def test_a_hold_stops_a_kept_key_too(database: Database, worker_database: Database, urls: Urls, lost: AtTheGate) -> None:
    async with database.transaction() as session:
        await place_hold(session, actor="a", scope="platform", target="x", reason="Stop.")
    assert (await again(worker_database, lost)).result == "held"
    assert (await state_of(worker_database, lost.id), len(attempts(urls, lost.id))) == ("unknown", 1)


async def test_a_hold_and_a_resend_at_once_never_both(database: Database, worker_database: Database, urls: Urls) -> None:
    """Nothing is dispatched after the hold's own instant, whichever transaction was first."""
    cast, sent = await new_cast(database, urls), 0
    for number in range(12):
        gate = await at_the_gate(database, worker_database, urls, cast, text=f"Raced {number}.")
        await unknown(worker_database, urls, gate)
        proposal = await two_say_resend(database, gate)

        async def stop(draft_id: UUID) -> UUID:
            await asyncio.sleep(random.uniform(0, 0.012))  # noqa: S311
            async with database.transaction() as session:
                return await place_hold(session, actor="a", scope="draft", target=str(draft_id), reason="Stop.")

        answer, hold = await asyncio.gather(again(worker_database, gate, proposal), stop(gate.saved.draft_id))
        (binding,) = as_admin(urls, "SELECT starts_at FROM hold WHERE id = %s", hold)
        assert answer.result in ("sending", "held")
        if answer.result == "sending":
            sent += 1
            assert answer.at is not None
            assert answer.at < binding["starts_at"]
        else:
            assert (await state_of(worker_database, gate.id), len(attempts(urls, gate.id))) == ("unknown", 1)
    assert sent, "a race that one side always wins is none"


async def test_a_call_that_was_not_sent_gives_its_key_to_nobody(worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    """Its own again: the key names the first call that may have reached the platform."""
    first = await dispatched(worker_database, gate)
    assert await answered(worker_database, first, Result.NOT_SENT) == "scheduled"
    as_admin(urls, "UPDATE publication SET state = 'claimed', epoch = 2 WHERE id = %s", gate.id)
    second = await dispatched(worker_database, gate, epoch=2)
    assert second.key is not None
    assert first.key is not None
    assert second.key.at == second.at
    assert second.key.at - first.key.at > timedelta()


async def test_no_login_moves_an_unknown_post_without_what_it_takes(urls: Urls, lost: AtTheGate) -> None:
    """The database's own guards, whatever the worker's code says."""
    refused = {
        "sending": psycopg.errors.InsufficientPrivilege,
        "scheduled": psycopg.errors.CheckViolation,
        "rejected": psycopg.errors.CheckViolation,
        "abandoned": psycopg.errors.InsufficientPrivilege,
    }
    for state, error in refused.items():
        with psycopg.connect(urls.worker) as connection, pytest.raises(error):
            connection.execute("UPDATE publication SET state = %s WHERE id = %s", (state, lost.id))
