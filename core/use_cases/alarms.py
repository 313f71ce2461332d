"""What the watch found on the official accounts: shown until somebody says what they did, and how often it looks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.refusals import BadInput, Conflict, NotFound
from core.records.audit import actor_name, append
from core.records.reads import clock
from core.use_cases.access import require
from core.use_cases.people import require_fresh

OWNERS = (Role.ACCOUNT_MANAGER, Role.AUTHORISER)
"""Who answers alarms."""
READERS = (*OWNERS, Role.AUDITOR)

SHORTEST_SECONDS = 15
LONGEST_SECONDS = 240


class AlarmAnswered(Conflict):
    code = "alarm_answered"
    sentence = "Somebody has already answered this alarm. Open it again to read what they did."


class AnswerMissing(BadInput):
    code = "alarm_answer_missing"
    sentence = "Say what you found and what you did about it: it goes on the record under your name."


class WatchTooSeldom(BadInput):
    code = "watch_interval"
    sentence = (
        f"Give a time between {SHORTEST_SECONDS} and {LONGEST_SECONDS} seconds: "
        "whatever is wrong on an account has to be seen within five minutes."
    )


@dataclass(frozen=True)
class Alarm:
    """One alarm. `answered_*` are None until somebody answered; `again_at` is when a blind account was last read since."""

    id: UUID
    kind: str
    account_id: UUID
    account: str
    platform: str
    handle: str
    publication_id: UUID | None
    draft_id: UUID | None
    post_id: str | None
    sentence: str
    evidence: dict[str, Any]
    raised_at: datetime
    again_at: datetime | None
    answered_by: str | None
    answered_at: datetime | None
    answer: str | None


@dataclass(frozen=True)
class Watch:
    """How an account is watched. `seen_at` None: never read yet; `trouble` why the last reading failed."""

    account_id: UUID
    account: str
    platform: str
    every_seconds: int
    seen_at: datetime | None
    trouble: str
    now: datetime


_SELECT = (
    "SELECT m.id, m.kind, m.account_id, a.name AS account, a.platform, a.handle, m.publication_id, p.draft_id, m.post_id, "
    "m.sentence, m.evidence, m.raised_at, CASE WHEN m.kind = 'blind' AND w.seen_at > m.raised_at THEN w.seen_at END AS again_at, "
    "who.name AS answered_by, s.at AS answered_at, s.words AS answer FROM alarm m JOIN account a ON a.id = m.account_id "
    "LEFT JOIN publication p ON p.id = m.publication_id LEFT JOIN account_watch w ON w.account_id = m.account_id "
    "LEFT JOIN alarm_answer s ON s.alarm_id = m.id LEFT JOIN person who ON who.id = s.person_id "
)


async def open_alarms(session: AsyncSession, *, by: Person) -> list[Alarm]:
    """Every alarm that nobody has answered, oldest first."""
    require(by, *READERS)
    rows = await session.execute(text(f"{_SELECT} WHERE s.alarm_id IS NULL ORDER BY m.raised_at"))
    return [Alarm(**row) for row in rows.mappings()]


async def answered_alarms(session: AsyncSession, *, by: Person, limit: int = 50) -> list[Alarm]:
    """What was answered, the newest answer first."""
    require(by, *READERS)
    rows = await session.execute(
        text(f"{_SELECT} WHERE s.alarm_id IS NOT NULL ORDER BY s.at DESC LIMIT :limit"), {"limit": limit}
    )
    return [Alarm(**row) for row in rows.mappings()]


async def alarm(session: AsyncSession, *, by: Person, alarm_id: UUID) -> Alarm:
    require(by, *READERS)
    row = (await session.execute(text(f"{_SELECT} WHERE m.id = :id"), {"id": alarm_id})).mappings().one_or_none()
    if row is None:
        raise NotFound()
    return Alarm(**row)


async def count_open_alarms(session: AsyncSession, *, by: Person) -> int:
    """For the banner on every page of those who own alarms; 0 for everybody else."""
    if not by.has(*OWNERS):
        return 0
    found = await session.execute(
        text("SELECT count(*) FROM alarm m WHERE NOT EXISTS (SELECT 1 FROM alarm_answer s WHERE s.alarm_id = m.id)")
    )
    return int(found.scalar_one())


async def answer_alarm(
    session: AsyncSession, *, by: Person, authenticated_at: datetime | None, alarm_id: UUID, words: str, request: str = ""
) -> None:
    """Acknowledge it, saying what was done. Raises StepUpNeeded, AnswerMissing, AlarmAnswered, NotFound."""
    require(by, *OWNERS)
    require_fresh(authenticated_at, await clock(session))
    words = tidied(words)
    if not words:
        raise AnswerMissing(field="words")
    found = await alarm(session, by=by, alarm_id=alarm_id)
    try:
        async with session.begin_nested():
            await session.execute(
                text("INSERT INTO alarm_answer (alarm_id, person_id, words) VALUES (:alarm, :by, :words)"),
                {"alarm": alarm_id, "by": by.id, "words": words},
            )
    except IntegrityError as clash:
        raise AlarmAnswered() from clash
    await append(
        session,
        subject=f"account:{found.account_id}",
        actor=actor_name(by),
        action="alarm.answer",
        paragraph=36,
        detail={"alarm": alarm_id, "words": words},
        request=request or None,
    )


async def watches(session: AsyncSession, *, by: Person) -> list[Watch]:
    """How each connected account is watched, in the order pages list accounts."""
    require(by, *READERS)
    rows = await session.execute(
        text(
            "SELECT a.id AS account_id, a.name AS account, a.platform, coalesce(w.every_seconds, 120) AS every_seconds, "
            "w.seen_at, coalesce(w.trouble, '') AS trouble, clock_timestamp() AS now FROM account a "
            "LEFT JOIN account_watch w ON w.account_id = a.id WHERE a.status = 'connected' ORDER BY a.platform, a.name"
        )
    )
    return [Watch(**row) for row in rows.mappings()]


async def watch_of(session: AsyncSession, *, by: Person, account_id: UUID) -> Watch | None:
    """How this account is watched; None while it is not connected."""
    return next((one for one in await watches(session, by=by) if one.account_id == account_id), None)


async def set_watch(session: AsyncSession, *, by: Person, account_id: UUID, every: timedelta, request: str = "") -> None:
    """How often this account's timeline is read. Raises WatchTooSeldom outside 15 seconds to 4 minutes, NotFound."""
    require(by, Role.ACCOUNT_MANAGER)
    seconds = int(every.total_seconds())
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise WatchTooSeldom(field="every")
    known = await session.execute(text("SELECT 1 FROM account WHERE id = :id"), {"id": account_id})
    if known.first() is None:
        raise NotFound()
    await session.execute(
        text(
            "INSERT INTO account_watch (account_id, every_seconds) VALUES (:id, :every) "
            "ON CONFLICT (account_id) DO UPDATE SET every_seconds = :every"
        ),
        {"id": account_id, "every": seconds},
    )
    await append(
        session,
        subject=f"account:{account_id}",
        actor=actor_name(by),
        action="account.watch",
        paragraph=36,
        detail={"every_seconds": seconds},
        request=request or None,
    )
