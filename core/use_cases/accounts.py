"""The register of official accounts (paragraph 38): putting one into it, and what everybody can see of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.refusals import BadInput, Conflict, NotFound
from core.records.audit import actor_name, append
from core.use_cases.access import require
from core.use_cases.second_person import Proposal, open_proposals
from integrations.connections.base import ConnectFailed
from integrations.connections.registry import CONNECTIONS, connections


class NotOfficial(BadInput):
    code = "not_official"
    paragraph = 38
    sentence = (
        "Only the department's official accounts are registered, nobody's own (paragraph 38). "
        "Confirm that this one is the department's, or leave it out."
    )


class AccountTaken(Conflict):
    code = "account_taken"
    paragraph = 38
    sentence = "This account of the platform is in the register already. Look for it in the list of accounts."


@dataclass(frozen=True)
class AccountSeen:
    """An account, and whether the service can post there. `kind`: oauth, app_password or by_hand.

    `ends_at`: when somebody must connect it again (None: not by itself); `warned_days`: 14, 7 or 1 when that is near.
    `expires_at`: of the token in use, which the service refreshes by itself where the platform lets it.
    """

    id: UUID
    platform: str
    platform_label: str
    kind: str
    handle: str
    name: str
    owner_team: str
    server: str
    status: str
    platform_account_id: str
    revision: int
    releaser: str | None
    can_post: bool
    problem: str
    expires_at: datetime | None
    ends_at: datetime | None
    warned_days: int | None
    last_success_at: datetime | None
    last_checked_at: datetime | None
    last_refresh_at: datetime | None
    waiting: tuple[Proposal, ...]


_SELECT = (
    "SELECT a.id, a.platform, a.handle, a.name, a.owner_team, a.server, a.status, a.platform_account_id, a.revision, "
    "r.name AS releaser, a.status = 'connected' AND coalesce(h.can_post, false) AS can_post, coalesce(h.problem, '') AS problem, "
    "h.expires_at, h.ends_at, h.warned_days, h.last_success_at, h.last_checked_at, h.last_refresh_at "
    "FROM account a LEFT JOIN person r ON r.id = a.releaser LEFT JOIN account_health h ON h.account_id = a.id "
)


def account_subject(account_id: UUID) -> str:
    """How an account is named on the record and in proposals."""
    return f"account:{account_id}"


async def list_accounts(session: AsyncSession, *, by: Person) -> list[AccountSeen]:
    """Every account of the register with its health, whoever asks with any role. Raises NoRole."""
    require(by, *Role)
    return await every_account(session)


async def every_account(session: AsyncSession) -> list[AccountSeen]:
    """The same for whoever is at the terminal."""
    rows = await session.execute(text(f"{_SELECT} ORDER BY a.platform, a.name, a.id"))
    waiting = await open_proposals(session)
    return [_seen(row, waiting) for row in rows.mappings()]


async def see_account(session: AsyncSession, *, by: Person, account_id: UUID) -> AccountSeen:
    """One of them. Raises NoRole, NotFound."""
    require(by, *Role)
    return await account_seen(session, account_id)


async def account_seen(session: AsyncSession, account_id: UUID) -> AccountSeen:
    row = (await session.execute(text(f"{_SELECT} WHERE a.id = :id"), {"id": account_id})).mappings().first()
    if row is None:
        raise NotFound()
    return _seen(row, await open_proposals(session, subject=account_subject(account_id)))


def _seen(row: Any, waiting: list[Proposal]) -> AccountSeen:
    connection, subject = CONNECTIONS[row["platform"]], account_subject(row["id"])
    about = tuple(p for p in waiting if p.subject == subject and p.kind.startswith("account."))
    return AccountSeen(**row, platform_label=connection.label, kind=connection.kind, waiting=about)


async def _checked(
    session: AsyncSession, given: dict[str, str], *, official: bool, releaser_id: UUID | None, sandbox: bool
) -> dict[str, Any]:
    """What was typed, tidied, or the refusal that names the field."""
    row: dict[str, Any] = {key: tidied(value) for key, value in given.items()}
    connection = connections(private_servers=sandbox).get(row["platform"])
    if connection is None:
        raise BadInput("Choose one of the platforms in the list.", field="platform")
    row["handle"] = row["handle"].lstrip("@")
    for field, what in (("handle", "its name on the platform"), ("name", "whose account it is"), ("owner_team", "its team")):
        if not row[field] or len(row[field]) > 200:
            raise BadInput(f"Enter {what}, in up to 200 characters.", field=field)
    if not official:
        raise NotOfficial(field="official")
    try:
        row["server"] = connection.server_address(row["server"]) if connection.takes_a_server else ""
    except ConnectFailed as wrong:
        raise BadInput(wrong.sentence, field="server") from wrong
    row["releaser"] = None
    if connection.kind == "by_hand":
        row["releaser"] = await _known_person(session, releaser_id)
    return row


async def _known_person(session: AsyncSession, person_id: UUID | None) -> UUID:
    found = await session.execute(text("SELECT id FROM person WHERE id = :id"), {"id": person_id})
    known: UUID | None = found.scalar_one_or_none()
    if known is None:
        raise BadInput("Name the person who posts by hand; they must have signed in here once.", field="releaser")
    return known


async def register_account(
    session: AsyncSession,
    *,
    by: Person,
    platform: str,
    handle: str,
    name: str,
    owner_team: str,
    official: bool,
    server: str = "",
    releaser_id: UUID | None = None,
    sandbox: bool = False,
    request: str | None = None,
) -> UUID:
    """A new account in the register, `registered`: nothing is published there until two people connect it.

    `official`: the person says that it belongs to the department and is nobody's own (paragraph 38). `server`: where the
    account lives, where `CONNECTIONS[platform].takes_a_server`, as https://…; `sandbox` lets it be this machine.
    `releaser_id`: who posts by hand, for `manual`. Raises NoRole, NotOfficial, AccountTaken or BadInput with the field:
    platform, handle, name, owner_team, official, server, releaser.
    """
    require(by, Role.ACCOUNT_MANAGER)
    given = {"platform": platform, "handle": handle, "name": name, "owner_team": owner_team, "server": server}
    row = await _checked(session, given, official=official, releaser_id=releaser_id, sandbox=sandbox)
    await _refuse_a_second(session, row)
    account_id = uuid4()
    await session.execute(_REGISTER, {**row, "id": account_id, "by": by.id})
    await append(
        session,
        subject=account_subject(account_id),
        actor=actor_name(by),
        action="account.register",
        paragraph=38,
        detail={key: str(value) for key, value in row.items() if value},
        request=request,
    )
    return account_id


_REGISTER = text(
    "INSERT INTO account (id, platform, handle, name, owner_team, server, releaser, registered_by) "
    "VALUES (:id, :platform, :handle, :name, :owner_team, :server, :releaser, :by)"
)


async def _refuse_a_second(session: AsyncSession, row: dict[str, Any]) -> None:
    same = await session.execute(
        text(
            "SELECT 1 FROM account WHERE platform = :platform AND server = :server AND lower(handle) = lower(:handle) "
            "AND status <> 'disconnected'"
        ),
        row,
    )
    if same.first() is not None:
        raise AccountTaken(field="handle")
