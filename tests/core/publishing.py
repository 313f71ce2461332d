"""A publication as the worker makes it, brought to the gate; and many at once, for races."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from core.domain.outcome import Outcome, Result
from core.domain.people import Person
from core.domain.publication import State
from core.domain.verdict import Refused, Verdict
from core.records.calls import Dispatched, dispatch, record_receipt
from core.records.database import Database
from core.records.facts import draft_facts
from core.records.publications import claim, insert_publication, publication
from core.use_cases.drafting import Saved
from core.use_cases.resolving import Act, ask, confirm
from tests.kit import ACCOUNTS, Cast, Urls, authorised
from workflows.activities.judging import judge_publication


def as_admin(urls: Urls, statement: str, *values: Any) -> list[dict[str, Any]]:
    """As the superuser, who may do anything: to stand for an intruder, a register page to come, or a clock that moved."""
    with psycopg.connect(urls.admin, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def set_time(urls: Urls, draft_id: UUID, offset: str) -> None:
    """A new schedule row at now + `offset`, as if a person had chosen it a moment ago."""
    as_admin(
        urls,
        "INSERT INTO schedule (draft_id, revision, publish_at, set_by) SELECT draft_id, max(revision) + 1, "
        "clock_timestamp() + %s::interval, (array_agg(set_by))[1] FROM schedule WHERE draft_id = %s GROUP BY draft_id",
        offset,
        draft_id,
    )


@dataclass(frozen=True)
class AtTheGate:
    """A claimed publication, due now, with the verdict it was given."""

    cast: Cast
    saved: Saved
    id: UUID
    epoch: int
    verdict: dict[str, Any]


async def scheduled(worker: Database, saved: Saved, *, account: UUID = ACCOUNTS["x"]) -> UUID:
    async with worker.transaction() as session:
        facts = await draft_facts(session, saved.draft_id)
        assert facts is not None
        assert facts.submission is not None
        made = await insert_publication(
            session,
            draft_id=facts.id,
            account_id=account,
            submission_id=facts.submission.id,
            digest=facts.digest,
            schedule_revision=facts.schedule.revision,
            publish_at=facts.schedule.publish_at,
        )
    assert made is not None
    return made


async def judged(worker: Database, publication_id: UUID) -> Verdict | Refused:
    async with worker.transaction() as session:
        row = await publication(session, publication_id)
        assert row is not None
        return (await judge_publication(session, row)).finding


async def claimed(worker: Database, publication_id: UUID) -> int:
    async with worker.transaction() as session:
        epoch = await claim(session, publication_id, worker="test", lease_seconds=60)
    assert epoch is not None
    return epoch


async def at_the_gate(database: Database, worker: Database, urls: Urls, cast: Cast, **changes: Any) -> AtTheGate:
    """Written, submitted, authorised by two, its time come, claimed and judged good."""
    saved = await authorised(database, cast, **changes)
    set_time(urls, saved.draft_id, "-1 second")
    made = await scheduled(worker, saved)
    epoch = await claimed(worker, made)
    verdict = await judged(worker, made)
    assert isinstance(verdict, Verdict), verdict
    return AtTheGate(cast, saved, made, epoch, verdict.data)


async def dispatched(worker: Database, one: AtTheGate, *, epoch: int | None = None, **changes: Any) -> Dispatched:
    """Ask dispatch(), with its verdict changed by `changes`."""
    async with worker.transaction() as session:
        return await dispatch(session, one.id, epoch=epoch or one.epoch, verdict={**one.verdict, **changes})


async def state_of(worker: Database, publication_id: UUID) -> str:
    async with worker.transaction() as session:
        row = await publication(session, publication_id)
    assert row is not None
    return str(row.state)


async def answered(worker: Database, sent: Dispatched, result: Result, **said: Any) -> str:
    """What this call was answered, written down; the state that its publication is left in."""
    assert sent.attempt_id is not None
    async with worker.transaction() as session:
        return await record_receipt(session, attempt_id=sent.attempt_id, outcome=Outcome(result, f"It was {result}.", **said))


async def unknown(worker: Database, urls: Urls, gate: AtTheGate) -> Dispatched:
    """The call was made and nobody knows what became of it, some minutes ago."""
    sent = await dispatched(worker, gate)
    assert await answered(worker, sent, Result.UNKNOWN) == "unknown"
    aged(urls, gate.id)
    return sent


def aged(urls: Urls, publication_id: UUID, by: str = "5 minutes") -> None:
    """Its calls were made, and their keys given, that much earlier, as if time had passed."""
    as_admin(urls, "ALTER TABLE attempt DISABLE TRIGGER attempt_stays")
    as_admin(
        urls,
        "UPDATE attempt SET dispatched_at = dispatched_at - CAST(%s AS interval), key_at = key_at - CAST(%s AS interval) "
        "WHERE publication_id = %s",
        *(by, by, publication_id),
    )
    as_admin(urls, "ALTER TABLE attempt ENABLE TRIGGER attempt_stays")


async def said(database: Database, publication_id: UUID, act: Act, first: Person, second: Person, *, post: str = "") -> UUID:
    """Two people say it; the proposal's id."""
    async with database.transaction() as session:
        asked = await ask(
            session,
            by=first,
            authenticated_at=datetime.now(UTC),
            publication_id=publication_id,
            act=act,
            reason="We looked.",
            post=post,
        )
    async with database.transaction() as session:
        await confirm(session, authenticated_at=datetime.now(UTC), by=second, proposal_id=asked, act=act)
    return asked


def attempts(urls: Urls, publication_id: UUID) -> list[dict[str, Any]]:
    return as_admin(urls, "SELECT * FROM attempt WHERE publication_id = %s", publication_id)


async def stopped(worker: Database, urls: Urls, gate: AtTheGate, state: State) -> None:
    """No call may be made, and the publication goes where its owner will find it."""
    assert (await dispatched(worker, gate)).result == state
    assert await state_of(worker, gate.id) == state
    assert attempts(urls, gate.id) == []


@dataclass(frozen=True)
class Twin:
    """One of many publications like a first one, each with a draft and a press officer of its own."""

    draft_id: UUID
    id: UUID
    submission_id: UUID
    authority_id: UUID
    verdict: dict[str, Any]


_TWINS = """
CREATE TEMP TABLE twin AS SELECT gen_random_uuid() AS draft, gen_random_uuid() AS version, gen_random_uuid() AS submission,
    gen_random_uuid() AS press, gen_random_uuid() AS grant_id, gen_random_uuid() AS publication
    FROM generate_series(1, {count}), draft WHERE draft.id = '{draft}';
INSERT INTO draft (id, created_by) SELECT t.draft, d.created_by FROM twin t, draft d WHERE d.id = '{draft}';
INSERT INTO version (id, draft_id, number, digest, source, saved_by)
    SELECT t.version, t.draft, 1, v.digest, v.source, v.saved_by FROM twin t, version v WHERE v.draft_id = '{draft}';
INSERT INTO contributor (draft_id, person_id) SELECT t.draft, d.created_by FROM twin t, draft d WHERE d.id = '{draft}';
INSERT INTO submission (id, draft_id, number, version_id, version_number, digest, plan, account_ids, window_start, window_end,
                        submitted_by)
    SELECT t.submission, t.draft, 1, t.version, 1, s.digest, s.plan, s.account_ids, s.window_start, s.window_end, s.submitted_by
    FROM twin t, submission s WHERE s.draft_id = '{draft}';
INSERT INTO person (id, issuer, subject, name, roles) SELECT press, 'twins', press::text, 'Twin', '{{authoriser}}' FROM twin;
INSERT INTO authority (id, person_id, role, valid_from, valid_until, granted_by, confirmed_by)
    SELECT grant_id, press, 'press_office', now() - interval '1 day', now() + interval '1 year', 'a', 'b' FROM twin;
INSERT INTO decision (id, submission_id, step, person_id, authority_id, answer, digest, answers)
    SELECT gen_random_uuid(), t.submission, d.step, CASE d.step WHEN 1 THEN t.press ELSE d.person_id END,
           CASE d.step WHEN 1 THEN t.grant_id ELSE d.authority_id END, d.answer, d.digest, d.answers
    FROM twin t, decision d JOIN submission s ON s.id = d.submission_id WHERE s.draft_id = '{draft}';
INSERT INTO schedule (draft_id, revision, publish_at, set_by)
    SELECT t.draft, 1, clock_timestamp() - interval '1 second', d.created_by FROM twin t, draft d WHERE d.id = '{draft}';
INSERT INTO publication (id, draft_id, account_id, submission_id, digest, schedule_revision, publish_at)
    SELECT t.publication, t.draft, p.account_id, t.submission, p.digest, 1, now()
    FROM twin t, publication p WHERE p.draft_id = '{draft}';
UPDATE publication SET state = 'claimed', epoch = 1, lease_until = now() + interval '1 hour'
    WHERE id IN (SELECT publication FROM twin);
SELECT t.draft AS draft_id, t.publication AS id, t.submission AS submission_id, t.grant_id AS authority_id FROM twin t;
"""


def twins(urls: Urls, first: AtTheGate, count: int, *, valid_until: datetime) -> list[Twin]:
    """`count` more at the gate, made in one go."""
    script = _TWINS.format(count=count, draft=first.saved.draft_id)
    policy = {
        str(row["authority_id"]): 1
        for row in as_admin(
            urls,
            "SELECT d.authority_id FROM decision d JOIN submission s ON s.id = d.submission_id "
            "WHERE s.draft_id = %s AND d.step = 2",
            first.saved.draft_id,
        )
    }
    with psycopg.connect(urls.admin, row_factory=dict_row) as connection:
        cursor = connection.execute(script)
        while cursor.nextset():
            pass
        rows = cursor.fetchall()
    return [
        Twin(
            **row,
            verdict={
                **first.verdict,
                "draft_revision": 1,
                "schedule_revision": 1,
                "submission": str(row["submission_id"]),
                "authorities": {**policy, str(row["authority_id"]): 1},
                "valid_until": valid_until.isoformat(),
            },
        )
        for row in rows
    ]
