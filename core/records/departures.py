"""Many publications that are due at one instant: dispatched, and their receipts written, in one statement and transaction.

Each is still judged by itself, by the same functions as one alone (see 0006_machine.sql).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.outcome import Outcome
from core.records.calls import Dispatched, as_dispatched
from core.records.storable import storable


@dataclass(frozen=True)
class Departure:
    """A claimed publication that wants to leave, with the verdict it rests on."""

    publication_id: UUID
    epoch: int
    verdict: dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What came back of one attempt. Given again with the same id it changes nothing."""

    id: UUID
    attempt_id: UUID
    outcome: Outcome
    retry_at: datetime | None = None


# Every hold scope of all of them first, in one order for everybody: two such statements and two people who place holds would
# else wait for one another in a ring.
_LOCKS = text(
    """
    SELECT pg_advisory_xact_lock_shared(7301, wanted.key) FROM (
        SELECT DISTINCT scope.rank, hold_lock_key(scope.name, scope.target) AS key
          FROM publication p JOIN account a ON a.id = p.account_id,
               LATERAL (VALUES (1, 'all', ''), (2, 'platform', a.platform), (3, 'account', a.id::text),
                               (4, 'draft', p.draft_id::text)) AS scope (rank, name, target)
         WHERE p.id = ANY(:ids) ORDER BY 1, 2 OFFSET 0) AS wanted
    """
)
# By draft, as everybody who locks several drafts does.
_DISPATCH = text(
    """
    SELECT wanted.place, d.* FROM (
        SELECT w.place, w.id, w.epoch, w.verdict FROM publication p
          JOIN unnest(CAST(:ids AS uuid[]), CAST(:epochs AS integer[]), CAST(:verdicts AS text[]))
               WITH ORDINALITY AS w (id, epoch, verdict, place) ON w.id = p.id
         ORDER BY p.draft_id, p.id OFFSET 0) AS wanted,
        LATERAL dispatch(wanted.id, wanted.epoch, CAST(wanted.verdict AS jsonb)) AS d
    """
)
_RECEIPTS = text(
    """
    SELECT wanted.place, record_receipt(wanted.id, wanted.attempt, wanted.result, wanted.status, wanted.post, wanted.link,
                                        wanted.detail, wanted.retry) AS state
      FROM (SELECT w.* FROM attempt t
              JOIN unnest(CAST(:ids AS uuid[]), CAST(:attempts AS uuid[]), CAST(:results AS text[]), CAST(:statuses AS integer[]),
                          CAST(:posts AS text[]), CAST(:links AS text[]), CAST(:details AS text[]),
                          CAST(:retries AS timestamptz[]))
                   WITH ORDINALITY AS w (id, attempt, result, status, post, link, detail, retry, place) ON w.attempt = t.id
             ORDER BY t.publication_id OFFSET 0) AS wanted
    """
)


async def dispatch_all(session: AsyncSession, departures: Sequence[Departure]) -> list[Dispatched]:
    """What dispatch() answers to each, in the order asked. In one transaction: the caller commits before any call is made."""
    ids = [departure.publication_id for departure in departures]
    await session.execute(_LOCKS, {"ids": ids})
    rows = await session.execute(
        _DISPATCH,
        {
            "ids": ids,
            "epochs": [departure.epoch for departure in departures],
            "verdicts": [json.dumps(departure.verdict) for departure in departures],
        },
    )
    answers = {row.place: as_dispatched(row) for row in rows}
    gone = Dispatched("fenced", None, None, None)
    return [answers.get(place, gone) for place in range(1, len(departures) + 1)]


async def record_receipts(session: AsyncSession, receipts: Sequence[Receipt]) -> list[str]:
    """Keep what came back of each attempt; the state each publication is left in, in the order asked."""
    outcomes = [receipt.outcome for receipt in receipts]
    rows = await session.execute(
        _RECEIPTS,
        {
            "ids": [receipt.id for receipt in receipts],
            "attempts": [receipt.attempt_id for receipt in receipts],
            "results": [str(outcome.result) for outcome in outcomes],
            "statuses": [outcome.status for outcome in outcomes],
            "posts": [outcome.post_id and storable(outcome.post_id) for outcome in outcomes],
            "links": [outcome.permalink and storable(outcome.permalink) for outcome in outcomes],
            "details": [storable(outcome.detail) for outcome in outcomes],
            "retries": [receipt.retry_at for receipt in receipts],
        },
    )
    states = {row.place: str(row.state) for row in rows}
    if len(states) != len(receipts):
        raise LookupError("A receipt names an attempt that is not on the record.")
    return [states[place] for place in range(1, len(receipts) + 1)]
