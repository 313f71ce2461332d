"""The lists people work from: what waits for me, what waits at all, what I decided, my drafts. Keyset pages, oldest due first."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.refusals import BadInput
from core.domain.standing import Standing, stand_of
from core.records.facts import draft_facts
from core.use_cases.access import VISIBLE, require, visibility

Item = TypeVar("Item")
PAGE = 25
PAGE_MOST = 100


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page; `next` is the key to ask the following one with, None at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True)
class Waiting:
    draft_id: UUID
    step: int
    label: str
    purpose: str
    accounts: tuple[str, ...]
    due: datetime
    since: datetime
    submitted_by: str
    version: int


@dataclass(frozen=True)
class PastDecision:
    draft_id: UUID
    purpose: str
    answer: str
    label: str
    version: int
    decided_at: datetime


@dataclass(frozen=True)
class DraftLine:
    draft_id: UUID
    purpose: str
    accounts: tuple[str, ...]
    version: int
    publish_at: datetime
    changed_at: datetime
    standing: Standing


_MINE = """
    AND NOT EXISTS (SELECT 1 FROM contributor c WHERE c.draft_id = w.draft_id AND c.person_id = :viewer)
    AND NOT EXISTS (SELECT 1 FROM decision x WHERE x.submission_id = w.submission_id AND x.person_id = :viewer)
    AND (EXISTS (SELECT 1 FROM authority g WHERE g.person_id = :viewer AND g.role = w.role AND g.revoked_at IS NULL
                 AND g.account_id IS NULL AND g.valid_from <= clock_timestamp() AND g.valid_until >= s.window_end)
         OR w.account_ids <@ ARRAY(SELECT g.account_id FROM authority g WHERE g.person_id = :viewer AND g.role = w.role
                 AND g.revoked_at IS NULL AND g.account_id IS NOT NULL AND g.valid_from <= clock_timestamp()
                 AND g.valid_until >= s.window_end))
    AND w.role IN (SELECT g.role FROM authority g WHERE g.person_id = :viewer AND g.revoked_at IS NULL)
"""

_WAITING = """
    SELECT w.draft_id, w.submission_id, w.step, w.label, v.source ->> 'purpose' AS purpose, w.due, w.since,
           p.name AS submitted_by, s.version_number AS version,
           ARRAY(SELECT a.name || ' on ' || a.platform FROM account a WHERE a.id = ANY(w.account_ids)
                 ORDER BY a.platform, a.name) AS accounts
      FROM awaiting w
      JOIN submission s ON s.id = w.submission_id
      JOIN version v ON v.id = s.version_id
      JOIN person p ON p.id = s.submitted_by
     WHERE (w.due, w.submission_id) > (:due, CAST(:after AS uuid)) AND s.window_end > clock_timestamp() {mine}
     ORDER BY w.due, w.submission_id LIMIT :limit
"""


async def waiting(
    session: AsyncSession, *, by: Person, for_me: bool, after: str | None = None, limit: int = PAGE
) -> Page[Waiting]:
    """What waits for a decision, oldest publish time first; `for_me`: only what this person may decide now."""
    require(by, *Role)
    if for_me and not by.has(Role.AUTHORISER):
        return Page((), None)
    limit = _bounded(limit)
    due, last = _unkey(after) or (datetime.min.isoformat() + "+00:00", str(UUID(int=0)))
    rows = await session.execute(
        text(_WAITING.format(mine=_MINE if for_me else "")),
        {"viewer": by.id, "due": datetime.fromisoformat(due), "after": last, "limit": limit + 1},
    )
    found = rows.mappings().all()
    items = tuple(
        Waiting(**{k: v for k, v in row.items() if k not in ("submission_id", "accounts")}, accounts=tuple(row["accounts"]))
        for row in found[:limit]
    )
    return Page(items, _key(found[limit - 1]["due"], found[limit - 1]["submission_id"]) if len(found) > limit else None)


async def decided_by_me(session: AsyncSession, *, by: Person, after: str | None = None, limit: int = PAGE) -> Page[PastDecision]:
    """My own decisions, newest first."""
    require(by, *Role)
    limit = _bounded(limit)
    at, last = _unkey(after) or ("9999-12-31T00:00:00+00:00", str(UUID(int=2**128 - 1)))
    rows = await session.execute(
        text(
            "SELECT x.id, s.draft_id, v.source ->> 'purpose' AS purpose, x.answer, x.step, s.plan, s.version_number AS version, "
            "x.decided_at FROM decision x JOIN submission s ON s.id = x.submission_id JOIN version v ON v.id = s.version_id "
            "WHERE x.person_id = :viewer AND (x.decided_at, x.id) < (:at, CAST(:last AS uuid)) "
            "ORDER BY x.decided_at DESC, x.id DESC LIMIT :limit"
        ),
        {"viewer": by.id, "at": datetime.fromisoformat(at), "last": last, "limit": limit + 1},
    )
    found = rows.mappings().all()
    items = tuple(
        PastDecision(
            draft_id=row["draft_id"],
            purpose=row["purpose"],
            answer=row["answer"],
            label=next((s["label"] for s in row["plan"]["steps"] if s["number"] == row["step"]), ""),
            version=row["version"],
            decided_at=row["decided_at"],
        )
        for row in found[:limit]
    )
    return Page(items, _key(found[limit - 1]["decided_at"], found[limit - 1]["id"]) if len(found) > limit else None)


async def drafts(
    session: AsyncSession, *, by: Person, mine: bool, after: str | None = None, limit: int = PAGE
) -> Page[DraftLine]:
    """Drafts I touched (`mine`) or every draft I may see, the most recently changed first."""
    require(by, *Role)
    limit = _bounded(limit)
    at, last = _unkey(after) or ("9999-12-31T00:00:00+00:00", str(UUID(int=2**128 - 1)))
    narrowed = "d.id IN (SELECT draft_id FROM contributor WHERE person_id = :viewer)" if mine else VISIBLE
    rows = await session.execute(
        text(
            f"SELECT d.id, d.changed_at FROM draft d WHERE {narrowed} "  # noqa: S608 - constants
            "AND (d.changed_at, d.id) < (:at, CAST(:last AS uuid)) ORDER BY d.changed_at DESC, d.id DESC LIMIT :limit"
        ),
        {**visibility(by), "at": datetime.fromisoformat(at), "last": last, "limit": limit + 1},
    )
    found = rows.mappings().all()
    items = tuple([await _draft_line(session, row["id"], row["changed_at"]) for row in found[:limit]])
    return Page(items, _key(found[limit - 1]["changed_at"], found[limit - 1]["id"]) if len(found) > limit else None)


async def _draft_line(session: AsyncSession, draft_id: UUID, changed_at: datetime) -> DraftLine:
    facts = await draft_facts(session, draft_id)
    if facts is None:
        raise LookupError(f"Draft {draft_id} has no version.")
    return DraftLine(
        draft_id=draft_id,
        purpose=facts.source["purpose"],
        accounts=tuple(f"{a.name} on {a.platform}" for a in facts.accounts),
        version=facts.version_number,
        publish_at=facts.schedule.publish_at,
        changed_at=changed_at,
        standing=stand_of(facts.rows, facts.now).standing,
    )


def _bounded(limit: int) -> int:
    return max(1, min(limit, PAGE_MOST))


def _key(at: datetime, row_id: UUID) -> str:
    return urlsafe_b64encode(json.dumps([at.isoformat(), str(row_id)]).encode()).decode()


def _unkey(key: str | None) -> tuple[str, str] | None:
    if not key:
        return None
    try:
        at, row_id = json.loads(urlsafe_b64decode(key.encode()))
        datetime.fromisoformat(at)
        UUID(row_id)
    except (ValueError, TypeError, AttributeError, RecursionError) as bad:
        raise BadInput("This page address is damaged. Go back to the start of the list.", field="after") from bad
    return at, row_id
