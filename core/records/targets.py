"""Posts that drafts answer, as the worker captures them and as a draft's version names them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Target
from core.records.facts import AccountFacts
from core.records.reads import accounts_by_id
from core.records.storable import storable

MOST_TRIES = 3


@dataclass(frozen=True)
class TargetRequest:
    """A post somebody asked for. `tries` counts this one."""

    id: UUID
    account: AccountFacts
    kind: str
    address: str
    tries: int


@dataclass(frozen=True)
class Capture:
    """A request and what became of it: `target` once captured, `note` why there is nothing, neither while it is under way."""

    request_id: UUID
    account: AccountFacts
    kind: str
    address: str
    target: Target | None
    note: str
    captured_at: datetime | None

    @property
    def under_way(self) -> bool:
        return self.captured_at is None


async def take_requests(session: AsyncSession) -> tuple[TargetRequest, ...]:
    """Requests without an answer that nobody else is reading, ours for 60 seconds."""
    rows = list(
        await session.execute(
            text(
                "UPDATE target_request SET tries = tries + 1, claimed_until = clock_timestamp() + interval '60 seconds' "
                "WHERE id IN (SELECT r.id FROM target_request r WHERE NOT EXISTS "
                " (SELECT 1 FROM target_capture c WHERE c.request_id = r.id) "
                " AND (r.claimed_until IS NULL OR r.claimed_until < clock_timestamp()) "
                " ORDER BY r.asked_at LIMIT 10 FOR UPDATE OF r SKIP LOCKED) RETURNING id, account_id, kind, address, tries"
            )
        )
    )
    accounts = {account.id: account for account in await accounts_by_id(session, tuple({row.account_id for row in rows}))}
    return tuple(TargetRequest(row.id, accounts[row.account_id], row.kind, row.address, row.tries) for row in rows)


async def try_later(session: AsyncSession, request_id: UUID, *, seconds: float) -> None:
    await session.execute(
        text("UPDATE target_request SET claimed_until = clock_timestamp() + make_interval(secs => :s) WHERE id = :id"),
        {"id": request_id, "s": seconds},
    )


async def write_capture(session: AsyncSession, request_id: UUID, target: Target | None, *, note: str = "") -> None:
    """What stood there, or in `note` why there is nothing: once, and it stays as it was written."""
    said = target or Target("", "", "", "", "")
    await session.execute(
        text(
            "INSERT INTO target_capture (request_id, found, note, post_id, permalink, author, text, fingerprint) "
            "VALUES (:id, :found, :note, :post, :link, :author, :text, :print) ON CONFLICT DO NOTHING"
        ),
        {
            "id": request_id,
            "found": target is not None,
            "note": storable(note),
            "post": storable(said.post_id),
            "link": storable(said.permalink),
            "author": storable(said.author),
            "text": storable(said.text),
            "print": storable(said.fingerprint),
        },
    )


async def read_capture(session: AsyncSession, request_id: UUID) -> Capture | None:
    row = (
        await session.execute(
            text(
                "SELECT r.account_id, r.kind, r.address, c.found, c.note, c.post_id, c.permalink, c.author, c.text, "
                "c.fingerprint, c.captured_at FROM target_request r "
                "LEFT JOIN target_capture c ON c.request_id = r.id WHERE r.id = :id"
            ),
            {"id": request_id},
        )
    ).one_or_none()
    if row is None:
        return None
    (account,) = await accounts_by_id(session, (row.account_id,))
    target = Target(row.kind, row.post_id, row.permalink, row.author, row.text, row.fingerprint) if row.found else None
    return Capture(request_id, account, row.kind, row.address, target, row.note or "", row.captured_at)
