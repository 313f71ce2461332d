"""Everything that waits for a person, in one list: what it is, since when, and who owns it (promise 8)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.publication import OWNER, State
from core.use_cases.access import require
from core.use_cases.alarms import READERS, open_alarms
from core.use_cases.second_person import open_proposals

SHOWN = 200
_PEOPLES = tuple(state for state, owner in OWNER.items() if owner != "service")


@dataclass(frozen=True)
class Matter:
    """`kind`: publication, release, alarm, proposal or account; `owner`: officer, authoriser, account_manager, releaser.

    `id` is its own; `about` is what it concerns ("publication:…", "account:…", "hold:…");
    `state` of a publication; `account`: its name on its platform.
    """

    kind: str
    id: UUID
    about: str
    title: str
    note: str
    state: State | None
    owner: str
    since: datetime
    act: str = ""
    account: str = ""


_PUBLICATIONS = text(
    """
    SELECT p.id, v.source ->> 'purpose' AS purpose, a.name AS account, a.platform, p.state, p.note, p.moved_at, a.releaser
      FROM publication p JOIN account a ON a.id = p.account_id
      JOIN submission s ON s.id = p.submission_id JOIN version v ON v.id = s.version_id
     WHERE p.state = ANY(:states) OR (a.platform = 'manual' AND p.state IN ('processing', 'published'))
     ORDER BY p.moved_at LIMIT :shown
    """
)
_ACCOUNTS = text(
    "SELECT a.id, a.name, a.platform, h.problem, h.ends_at, h.warned_days, coalesce(h.last_checked_at, a.created_at) AS since "
    "FROM account a JOIN account_health h ON h.account_id = a.id "
    "WHERE a.status = 'connected' AND (NOT h.can_post OR h.warned_days IS NOT NULL) ORDER BY h.ends_at NULLS FIRST"
)
# One scan of each partial index: this runs before every page.
_COUNT = text(
    "SELECT (SELECT count(*) FROM publication WHERE state = ANY(:states)) "
    "+ (SELECT count(*) FROM proposal WHERE confirmed_at IS NULL AND withdrawn_at IS NULL AND good_until > clock_timestamp()) "
    "+ CASE WHEN :reads THEN (SELECT count(*) FROM alarm m WHERE NOT EXISTS "
    "(SELECT 1 FROM alarm_answer s WHERE s.alarm_id = m.id)) ELSE 0 END"
)


async def matters(session: AsyncSession, *, by: Person) -> list[Matter]:
    """Oldest first. Alarms only for those who may read them."""
    require(by, *Role)
    found = [*await _publications(session), *await _proposals(session), *await _accounts(session)]
    if by.has(*READERS):
        found += [
            Matter("alarm", a.id, f"account:{a.account_id}", a.sentence, "", None, Role.ACCOUNT_MANAGER, a.raised_at)
            for a in await open_alarms(session, by=by)
        ]
    return sorted(found, key=lambda matter: matter.since)[:SHOWN]


async def count_of_matters(session: AsyncSession, *, by: Person) -> int:
    """How many wait, for the navigation; what people post by hand and accounts about to end are on the list alone."""
    values = {"states": [str(state) for state in _PEOPLES], "reads": by.has(*READERS)}
    return int((await session.execute(_COUNT, values)).scalar_one())


async def _publications(session: AsyncSession) -> list[Matter]:
    rows = await session.execute(_PUBLICATIONS, {"states": [str(state) for state in _PEOPLES], "shown": SHOWN})
    found = []
    for row in rows:
        state = State(row.state)
        by_hand = row.platform == "manual" and state in (State.PROCESSING, State.UNKNOWN)
        owner = "releaser" if by_hand else OWNER.get(state, "service")
        if row.platform == "manual" and state is State.PUBLISHED:
            owner = str(Role.AUTHORISER)
        kind = "release" if by_hand else "publication"
        found.append(
            Matter(
                kind,
                row.id,
                f"publication:{row.id}",
                row.purpose,
                row.note,
                state,
                owner,
                row.moved_at,
                account=f"{row.account} on {row.platform}",
            )
        )
    return found


async def _proposals(session: AsyncSession) -> list[Matter]:
    return [
        Matter("proposal", p.id, p.subject, p.reason, p.asked_by_name, None, _second(p.kind), p.asked_at, p.kind)
        for p in await open_proposals(session)
    ]


def _second(kind: str) -> str:
    return str(Role.AUTHORISER if kind.startswith(("publication.", "hold.")) else Role.ACCOUNT_MANAGER)


async def _accounts(session: AsyncSession) -> list[Matter]:
    return [
        Matter(
            *("account", row.id, f"account:{row.id}", row.name, row.problem, None, "account_manager", row.since),
            account=f"{row.name} on {row.platform}",
        )
        for row in await session.execute(_ACCOUNTS)
    ]
