"""Rows that no use-case made and verdicts that fit them: dispatch() believes the tables and the rules, nobody's word."""

from uuid import UUID, uuid4

import pytest

from core.domain.publication import State
from core.domain.route import Answer
from core.records.database import Database
from tests.core.publishing import (
    AtTheGate,
    as_admin,
    at_the_gate,
    claimed,
    dispatched,
    judged,
    scheduled,
    set_time,
    stopped,
)
from tests.kit import ACCOUNTS, Urls, grant, in_minutes, new_authoriser, new_cast, submitted

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_somebody_said_no_after_all(database: Database, worker_database: Database, urls: Urls, gate: AtTheGate) -> None:
    third = await new_authoriser(database, urls, "policy_owner")
    forge_decision(urls, gate.saved.draft_id, third.id, "policy_owner", step=2, answer=Answer.REJECT)
    await stopped(worker_database, urls, gate, State.REVOKED)


def forge_decision(
    urls: Urls,
    draft_id: UUID,
    person: UUID,
    role: str,
    *,
    step: int,
    answer: Answer = Answer.AUTHORISE,
    digest: str | None = None,
) -> None:
    """A decision row that no use-case made, with the person's own grant."""
    as_admin(
        urls,
        "INSERT INTO decision (id, submission_id, step, person_id, authority_id, answer, digest, reason, answers) "
        "SELECT %s, s.id, %s, %s, a.id, %s, coalesce(%s, s.digest), 'Forged.', '{}' FROM submission s, authority a "
        "WHERE s.draft_id = %s AND a.person_id = %s AND a.role = %s LIMIT 1",
        *(uuid4(), step, person, str(answer), digest, draft_id, person, role),
    )


async def forged_gate(
    database: Database,
    worker: Database,
    urls: Urls,
    *decisions: tuple[str, int],
    digest: str | None = None,
    officer_too: bool = False,
) -> AtTheGate:
    """A submission with forged decisions by (role, step), published and claimed with a verdict that fits every revision."""
    cast = await new_cast(database, urls)
    saved = await submitted(database, cast.officer)
    for role, step in decisions:
        person = cast.officer if officer_too else await new_authoriser(database, urls, role)
        if officer_too:
            grant(urls, cast.officer, role)
        forge_decision(urls, saved.draft_id, person.id, role, step=step, digest=digest)
    set_time(urls, saved.draft_id, "-1 second")
    made = await scheduled(worker, saved)
    epoch = await claimed(worker, made)
    assert getattr(await judged(worker, made), "state", None) is State.REVOKED, "the pure rules see it as well"
    row = as_admin(
        urls,
        "SELECT d.revision, s.id AS submission, (SELECT max(revision) FROM schedule WHERE draft_id = d.id) AS schedule, "
        "(SELECT jsonb_object_agg(a.id, a.revision) FROM authority a JOIN decision x ON x.authority_id = a.id "
        " WHERE x.submission_id = s.id) AS authorities FROM draft d JOIN submission s ON s.draft_id = d.id WHERE d.id = %s",
        saved.draft_id,
    )[0]
    verdict = {
        "draft_revision": row["revision"],
        "schedule_revision": row["schedule"],
        "account_revision": 1,
        "submission": str(row["submission"]),
        "digest": saved.digest,
        "authorities": row["authorities"] or {},
        "valid_until": in_minutes(10).isoformat(),
    }
    return AtTheGate(cast, saved, made, epoch, verdict)


async def test_a_forged_verdict_carries_nothing_but_what_the_rows_carry(
    database: Database, worker_database: Database, urls: Urls
) -> None:
    """The yardstick of the cases below: with both steps decided, the same forged verdict would do."""
    gate = await at_the_gate(database, worker_database, urls, await new_cast(database, urls))
    assert (await dispatched(worker_database, gate, rules="none", judged_at=None)).result == "sending"


FORGERIES: dict[str, tuple[tuple[str, int], ...]] = {
    "nobody decided": (),
    "the quorum is missing": (("press_office", 1),),
    "two people at the first step": (("press_office", 1), ("press_office", 1)),
    "the wrong role at the second step": (("press_office", 1), ("press_office", 2)),
    "only the second step": (("policy_owner", 2),),
}


@pytest.mark.parametrize("decisions", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_plan_that_is_not_met(
    database: Database, worker_database: Database, urls: Urls, decisions: tuple[tuple[str, int], ...]
) -> None:
    await stopped(worker_database, urls, await forged_gate(database, worker_database, urls, *decisions), State.REVOKED)


async def test_a_contributor_decided(database: Database, worker_database: Database, urls: Urls) -> None:
    gate = await forged_gate(database, worker_database, urls, ("press_office", 1), officer_too=True)
    other = await new_authoriser(database, urls, "policy_owner")
    forge_decision(urls, gate.saved.draft_id, other.id, "policy_owner", step=2)
    await stopped(worker_database, urls, gate, State.REVOKED)


@pytest.mark.parametrize("holder", ["one's own for another role", "somebody else's"])
async def test_a_decision_that_names_the_wrong_grant(
    database: Database, worker_database: Database, urls: Urls, holder: str
) -> None:
    """The decider holds the right grant as well: a decision rests on the grant it names."""
    gate = await forged_gate(database, worker_database, urls, ("press_office", 1))
    decider = await new_authoriser(database, urls, "policy_owner")
    other = await new_authoriser(database, urls, "policy_owner")
    wrong = grant(urls, decider, "press_office")
    if holder == "somebody else's":
        wrong = as_admin(urls, "SELECT id FROM authority WHERE person_id = %s", other.id)[0]["id"]
    as_admin(
        urls,
        "INSERT INTO decision (id, submission_id, step, person_id, authority_id, answer, digest, answers) "
        "SELECT gen_random_uuid(), id, 2, %s, %s, 'authorise', digest, '{}' FROM submission WHERE draft_id = %s",
        *(decider.id, wrong, gate.saved.draft_id),
    )
    await stopped(worker_database, urls, gate, State.REVOKED)


async def test_decided_over_another_digest(database: Database, worker_database: Database, urls: Urls) -> None:
    elsewhere = await submitted(database, (await new_cast(database, urls)).officer, text="Words of another draft.")
    gate = await forged_gate(database, worker_database, urls, ("press_office", 1), ("policy_owner", 2), digest=elsewhere.digest)
    await stopped(worker_database, urls, gate, State.REVOKED)


async def test_an_account_that_nobody_authorised(
    database: Database, worker_database: Database, urls: Urls, gate: AtTheGate
) -> None:
    other = await scheduled(worker_database, gate.saved, account=ACCOUNTS["facebook"])
    epoch = await claimed(worker_database, other)
    strayed = AtTheGate(gate.cast, gate.saved, other, epoch, gate.verdict)
    await stopped(worker_database, urls, strayed, State.REVOKED)
