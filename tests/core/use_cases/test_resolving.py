"""What only people settle: who may say it, over what they saw, and what each person is told that they can do."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from core.domain.outcome import Result
from core.domain.people import Role
from core.domain.publication import FINAL, State
from core.domain.refusals import BadInput, NoRole, NotFound, StepUpNeeded
from core.records.database import Database
from core.records.publications import publication
from core.use_cases.correcting import correct, corrections_of, corrects
from core.use_cases.drafting import reschedule
from core.use_cases.next_steps import SENTENCES, next_steps
from core.use_cases.publication_acts import MovedOn, NotYours, TouchedIt
from core.use_cases.resolving import (
    STANDS_AT,
    Act,
    TooLateToResend,
    TooSoonToResend,
    ask,
    confirm,
    give_up,
    take_back,
)
from core.use_cases.second_person import AlreadyAsked, AskerMayNoMore, NothingToConfirm, SecondPersonNeeded
from core.use_cases.taking_down import take_down
from core.use_cases.unresolved import evidence, unknowns
from tests.core.publishing import AtTheGate, aged, answered, as_admin, at_the_gate, dispatched, said, unknown
from tests.kit import ACCOUNTS, Urls, in_minutes, new_authoriser, new_cast, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def lost(database: Database, worker_database: Database, urls: Urls) -> AtTheGate:
    """Sent minutes ago; nobody knows what became of it."""
    gate = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    await unknown(worker_database, urls, gate)
    return gate


def put(urls: Urls, one: AtTheGate, state: State) -> None:
    """As if its life had led there."""
    with psycopg.connect(urls.admin) as connection:
        connection.execute("SET LOCAL session_replication_role = 'replica'")
        connection.execute("UPDATE publication SET state = %s, post_id = '1' WHERE id = %s", (str(state), one.id))


async def asked(database: Database, one: AtTheGate, act: Act = Act.RESEND, **changes: object) -> UUID:
    wanted = {
        "by": one.cast.press,
        "authenticated_at": datetime.now(UTC),
        "reason": "We looked.",
        "post": "https://x.com/department/status/1",
        **changes,
    }
    async with database.transaction() as session:
        return await ask(session, publication_id=one.id, act=act, **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("act", Act)
async def test_each_act_takes_two_who_touched_nothing(database: Database, urls: Urls, lost: AtTheGate, act: Act) -> None:
    put(urls, lost, STANDS_AT[act])
    proposal = await asked(database, lost, act)
    with pytest.raises(AlreadyAsked):
        await asked(database, lost, act, by=lost.cast.policy)
    refused = {lost.cast.press: SecondPersonNeeded, lost.cast.officer: TouchedIt}
    for person, error in refused.items():
        async with database.transaction() as session:
            with pytest.raises(error):
                await confirm(session, authenticated_at=datetime.now(UTC), by=person, proposal_id=proposal, act=act)
    async with database.transaction() as session:
        assert (
            await confirm(session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=act)
            == lost.id
        )
    waiting = as_admin(urls, "SELECT 1 FROM outbox WHERE kind = 'publication' AND subject_id = %s", lost.id)
    assert len(waiting) == 2, "its start, and that people said something"
    async with database.transaction() as session:
        with pytest.raises(NothingToConfirm):
            await confirm(session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=act)


@pytest.mark.parametrize("act", Act)
async def test_an_act_fits_one_state_alone(database: Database, urls: Urls, lost: AtTheGate, act: Act) -> None:
    for state in set(State) - {STANDS_AT[act]}:
        put(urls, lost, state)
        with pytest.raises(MovedOn):
            await asked(database, lost, act)


async def test_who_may_settle(database: Database, urls: Urls, lost: AtTheGate) -> None:
    elsewhere = await new_authoriser(database, urls, "press_office", account=ACCOUNTS["linkedin"])
    lapsed = await new_authoriser(database, urls, "press_office", since=in_minutes(-60), until=in_minutes(-1))
    for person, error in {
        lost.cast.officer: TouchedIt,
        elsewhere: NotYours,
        lapsed: NotYours,
        await new_person(database, "authoriser"): NotYours,
        await new_person(database, "officer"): NotYours,
        await new_person(database, "auditor"): NotYours,
        await new_person(database): NotFound,
    }.items():
        with pytest.raises(error):
            await asked(database, lost, by=person)
    here = await new_authoriser(database, urls, "other", account=ACCOUNTS["x"])
    manager = await new_person(database, "account_manager")
    proposal = await asked(database, lost, by=here)
    async with database.transaction() as session:
        await confirm(session, authenticated_at=datetime.now(UTC), by=manager, proposal_id=proposal, act=Act.RESEND)


async def test_whoever_settles_has_signed_in_lately(database: Database, urls: Urls, lost: AtTheGate) -> None:
    """Each of the two, and whoever takes a post down; saying no needs nothing."""
    for long_ago in (None, datetime.now(UTC) - timedelta(minutes=16)):
        with pytest.raises(StepUpNeeded):
            await asked(database, lost, authenticated_at=long_ago)
    proposal = await asked(database, lost)
    for long_ago in (None, datetime.now(UTC) - timedelta(minutes=16)):
        async with database.transaction() as session:
            with pytest.raises(StepUpNeeded):
                await confirm(session, by=lost.cast.policy, authenticated_at=long_ago, proposal_id=proposal, act=Act.RESEND)
    async with database.transaction() as session:
        await take_back(session, by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND)
    put(urls, lost, State.VERIFIED)
    for long_ago in (None, datetime.now(UTC) - timedelta(minutes=16)):
        async with database.transaction() as session:
            with pytest.raises(StepUpNeeded):
                await take_down(session, by=lost.cast.press, authenticated_at=long_ago, publication_id=lost.id, reason="Wrong.")
    assert as_admin(urls, "SELECT 1 FROM publication_act WHERE publication_id = %s", lost.id) == []


async def test_nothing_is_said_over_what_has_changed_since(
    database: Database, worker_database: Database, urls: Urls, lost: AtTheGate
) -> None:
    with pytest.raises(MovedOn):
        await asked(database, lost, epoch=2)
    proposal = await asked(database, lost, epoch=1)
    as_admin(urls, "UPDATE publication SET epoch = 2 WHERE id = %s", lost.id)
    async with database.transaction() as session:
        with pytest.raises(MovedOn):
            await confirm(session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND)


async def test_a_resend_is_not_asked_for_too_soon_or_too_late(database: Database, urls: Urls, lost: AtTheGate) -> None:
    aged(urls, lost.id, "-290 seconds")
    with pytest.raises(TooSoonToResend):
        await asked(database, lost)
    await asked(database, lost, Act.ABANDON)
    aged(urls, lost.id)
    proposal = await asked(database, lost)
    as_admin(urls, "ALTER TABLE manifest DISABLE TRIGGER manifest_stays")
    as_admin(urls, "ALTER TABLE manifest DROP CONSTRAINT manifest_digest_matches")
    (kept,) = as_admin(urls, "SELECT canonical FROM manifest WHERE digest = %s", lost.saved.digest)
    over = bytes(kept["canonical"]).replace(b'"window":{"end":"20', b'"window":{"end":"19')
    as_admin(urls, "UPDATE manifest SET canonical = %s WHERE digest = %s", over, lost.saved.digest)
    try:
        async with database.transaction() as session:
            with pytest.raises(TooLateToResend):
                await confirm(
                    session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND
                )
    finally:
        as_admin(urls, "UPDATE manifest SET canonical = %s WHERE digest = %s", bytes(kept["canonical"]), lost.saved.digest)
        as_admin(
            urls,
            "ALTER TABLE manifest ADD CONSTRAINT manifest_digest_matches "
            "CHECK (digest = 'v1:sha256:' || encode(sha256(canonical), 'hex'))",
        )
        as_admin(urls, "ALTER TABLE manifest ENABLE TRIGGER manifest_stays")


async def test_what_was_asked_is_taken_back(database: Database, lost: AtTheGate) -> None:
    proposal = await asked(database, lost)
    async with database.transaction() as session:
        with pytest.raises(TouchedIt):
            await take_back(session, by=lost.cast.officer, proposal_id=proposal, act=Act.RESEND)
    async with database.transaction() as session:
        await take_back(session, by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND)
    async with database.transaction() as session:
        with pytest.raises(NothingToConfirm):
            await confirm(session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND)


async def test_adopting_names_a_post_and_everything_has_a_reason(database: Database, lost: AtTheGate) -> None:
    with pytest.raises(BadInput, match="Name the post"):
        await asked(database, lost, Act.ADOPT, post=" ")
    with pytest.raises(BadInput, match="Say why"):
        await asked(database, lost, reason=" ")


async def test_a_proposal_of_another_kind_is_not_found(database: Database, lost: AtTheGate) -> None:
    proposal = await asked(database, lost, Act.ABANDON)
    async with database.transaction() as session:
        with pytest.raises(NotFound):
            await confirm(session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND)


async def test_any_authoriser_takes_down_what_stands_with_a_reason(database: Database, urls: Urls, lost: AtTheGate) -> None:
    anybody = await new_person(database, "authoriser")
    for state in State:
        put(urls, lost, state)
        async with database.transaction() as session:
            if state in (State.PUBLISHED, State.VERIFIED, State.MISMATCH, State.REMOVAL_UNKNOWN):
                await take_down(session, authenticated_at=datetime.now(UTC), by=anybody, publication_id=lost.id, reason="Wrong.")
            else:
                with pytest.raises(MovedOn):
                    await take_down(
                        session, authenticated_at=datetime.now(UTC), by=anybody, publication_id=lost.id, reason="Wrong."
                    )
    put(urls, lost, State.VERIFIED)
    async with database.transaction() as session:
        with pytest.raises(NoRole):
            await take_down(
                session, authenticated_at=datetime.now(UTC), by=lost.cast.officer, publication_id=lost.id, reason="Wrong."
            )
        with pytest.raises(BadInput):
            await take_down(session, authenticated_at=datetime.now(UTC), by=anybody, publication_id=lost.id, reason="  ")
    events = as_admin(
        urls, "SELECT actor FROM audit_event WHERE subject = %s AND action = 'publication.take_down'", f"publication:{lost.id}"
    )
    assert [event["actor"] for event in events] == [f"{anybody.issuer}|{anybody.subject}"] * 4


async def test_one_officer_gives_a_refused_post_up_or_tries_it_again(database: Database, urls: Urls, lost: AtTheGate) -> None:
    put(urls, lost, State.REJECTED)
    async with database.transaction() as session:
        await reschedule(session, by=lost.cast.officer, draft_id=lost.saved.draft_id, publish_at=in_minutes(30))
        await give_up(session, by=lost.cast.officer, publication_id=lost.id, reason="Overtaken by events.")
    put(urls, lost, State.UNKNOWN)
    async with database.transaction() as session:
        with pytest.raises(MovedOn):
            await give_up(session, by=lost.cast.officer, publication_id=lost.id, reason="Overtaken by events.")


async def test_a_correction_is_a_draft_of_its_own_linked_to_what_it_corrects(
    database: Database, urls: Urls, lost: AtTheGate
) -> None:
    put(urls, lost, State.VERIFIED)
    async with database.transaction() as session:
        saved = await correct(session, by=lost.cast.officer, publication_id=lost.id)
        (link,) = await corrections_of(session, lost.id)
        back = await corrects(session, saved.draft_id)
        assert await corrects(session, lost.saved.draft_id) is None
    assert back == link
    assert (link.draft_id, link.corrected_draft_id, link.by) == (saved.draft_id, lost.saved.draft_id, "Olivia Okafor")
    assert saved.draft_id != lost.saved.draft_id
    kept = "SELECT source ->> 'text' AS text FROM version WHERE draft_id = %s"
    assert as_admin(urls, kept, saved.draft_id) == as_admin(urls, kept, lost.saved.draft_id)
    assert as_admin(urls, "SELECT 1 FROM submission WHERE draft_id = %s", saved.draft_id) == []
    put(urls, lost, State.SCHEDULED)
    async with database.transaction() as session:
        with pytest.raises(MovedOn):
            await correct(session, by=lost.cast.officer, publication_id=lost.id)


async def test_the_list_and_the_evidence_show_what_was_asked_and_done(database: Database, urls: Urls, lost: AtTheGate) -> None:
    await said(database, lost.id, Act.ABANDON, lost.cast.press, lost.cast.policy)
    await asked(database, lost)
    async with database.transaction() as session:
        (shown,) = [one for one in await unknowns(session, by=lost.cast.press) if one.publication_id == lost.id]
        known = await evidence(session, by=lost.cast.press, publication_id=lost.id)
    assert (shown.state, shown.waiting, shown.looked) == (State.UNKNOWN, True, 0)
    assert [(one.kind, one.confirmed_by is not None, one.result) for one in known.said] == [
        ("publication.abandon", True, None),
        ("publication.resend", False, None),
    ]
    nobody = await new_person(database)
    async with database.transaction() as session:
        assert await unknowns(session, by=nobody) == ()
        with pytest.raises(NotFound):
            await evidence(session, by=nobody, publication_id=lost.id)


def test_every_state_says_what_can_be_done() -> None:
    assert set(SENTENCES) == set(State)


# What each may do alone or ask for, in the states that wait for somebody.
OPEN: dict[State, dict[str, set[str]]] = {
    State.SCHEDULED: {"officer": {"reschedule", "withdraw"}, "authoriser": {"reschedule", "withdraw"}},
    State.HELD: {"officer": {"reschedule", "withdraw"}, "authoriser": {"reschedule", "withdraw"}},
    State.REVOKED: {"officer": {"submit", "withdraw"}, "authoriser": {"submit", "withdraw"}},
    State.EXPIRED: {"officer": {"submit", "withdraw"}, "authoriser": {"submit", "withdraw"}},
    State.REJECTED: {"officer": {"reschedule", "withdraw", "give_up"}, "authoriser": {"reschedule", "withdraw", "give_up"}},
    State.UNKNOWN: {"officer": {"correct"}, "authoriser": {"correct", "resend", "abandon", "adopt"}},
    State.MISMATCH: {"officer": {"correct"}, "authoriser": {"correct", "accept", "take_down"}},
    State.VERIFIED: {"officer": {"correct"}, "authoriser": {"correct", "take_down"}},
    State.REMOVAL_UNKNOWN: {"officer": {"correct"}, "authoriser": {"correct", "take_down", "removed"}},
    State.SENDING: {"officer": {"correct"}, "authoriser": {"correct"}},
    State.WITHDRAWN: {"officer": set(), "authoriser": set()},
}


@pytest.mark.parametrize("state", OPEN)
async def test_what_is_open_to_whom(database: Database, urls: Urls, lost: AtTheGate, state: State) -> None:
    put(urls, lost, state)
    for role, person in {"officer": lost.cast.officer, "authoriser": lost.cast.press}.items():
        async with database.transaction() as session:
            steps = await next_steps(session, by=person, publication_id=lost.id)
        assert steps.acts == OPEN[state][role], role
        assert (steps.owner is None) == (state in FINAL)
    async with database.transaction() as session:
        auditor = await next_steps(session, by=await new_person(database, Role.AUDITOR), publication_id=lost.id)
    assert auditor.acts == frozenset()


async def test_what_waits_for_a_second_person_is_shown_with_who_may_be_it(
    database: Database, worker_database: Database, lost: AtTheGate
) -> None:
    proposal = await asked(database, lost)
    for person, word in {lost.cast.press: "somebody else", lost.cast.policy: None, lost.cast.officer: "You wrote"}.items():
        async with database.transaction() as session:
            (waiting,) = (await next_steps(session, by=person, publication_id=lost.id)).waiting
        assert (waiting.act, waiting.proposal.id) == (Act.RESEND, proposal)
        assert waiting.cannot is None if word is None else word in (waiting.cannot or "")


async def test_what_is_open_too_soon_says_why_not(database: Database, worker_database: Database, urls: Urls) -> None:
    gate = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    sent = await dispatched(worker_database, gate)
    await answered(worker_database, sent, Result.UNKNOWN)
    async with database.transaction() as session:
        steps = await next_steps(session, by=gate.cast.press, publication_id=gate.id)
        row = await publication(session, gate.id)
    assert row is not None
    assert row.state is State.UNKNOWN
    assert steps.acts == {"correct", "abandon", "adopt"}
    assert steps.cannot == TooSoonToResend.sentence


@pytest.mark.parametrize(
    "lost_by",
    [
        "UPDATE person SET roles = '{officer}' WHERE id = %s",
        "UPDATE authority SET valid_until = clock_timestamp() WHERE person_id = %s",
    ],
)
async def test_nobody_decides_with_somebody_who_may_no_longer(
    database: Database, urls: Urls, lost: AtTheGate, lost_by: str
) -> None:
    proposal = await asked(database, lost)
    as_admin(urls, lost_by, lost.cast.press.id)
    with pytest.raises(AskerMayNoMore):
        async with database.transaction() as session:
            await confirm(session, authenticated_at=datetime.now(UTC), by=lost.cast.policy, proposal_id=proposal, act=Act.RESEND)
