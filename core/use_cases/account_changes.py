"""Connecting and disconnecting an account: one asks, another confirms (paragraphs 36 and 38).

An account's status and platform id are changed by the database's own functions alone, and only with a proposal that a second
person confirms in the same transaction.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.refusals import BadInput, Conflict, NotFound, StepUpNeeded
from core.records.reads import clock
from core.use_cases.access import require
from core.use_cases.accounts import AccountSeen, AccountTaken, account_seen, account_subject
from core.use_cases.connecting import ConnectionSeen, connection_seen
from core.use_cases.people import is_fresh
from core.use_cases.second_person import confirm, open_proposals, propose, require_asker, take_back
from integrations.connections.registry import CONNECTIONS

CONNECT, DISCONNECT = "account.connect", "account.disconnect"


class OtherAccount(Conflict):
    code = "other_account"
    paragraph = 38
    sentence = (
        "This consent opens another account than the one that was connected here before, so it is refused (paragraph 38). "
        "Consent again as the same account, or register the other one by itself."
    )


class HandleDiffers(Conflict):
    code = "handle_differs"
    paragraph = 38

    def __init__(self, *, registered: str, found: str) -> None:
        super().__init__(
            f"The account is registered as {registered} and the consent opens {found}, so it is refused (paragraph 38). "
            f"Consent again as {registered}, or register {found} by itself."
        )


class ConsentGone(Conflict):
    code = "consent_gone"
    sentence = (
        "This consent was used, taken back or not confirmed in time, and its tokens are destroyed. Connect the account again."
    )


class NotConnected(Conflict):
    code = "not_connected"
    sentence = "This account is not connected, so there is nothing to disconnect. Open the list of accounts to see what stands."


async def ask_to_connect(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    account_id: UUID,
    reason: str,
    connection_id: UUID | None = None,
    platform_account_id: str = "",
    request: str | None = None,
) -> UUID:
    """The person who consented picks what to connect and asks a second person; returns the proposal's id.

    `connection_id`: a consent whose status is `found`; none for `manual`. `platform_account_id`: which of the accounts found;
    it may be left out when there is one. Raises OtherAccount, HandleDiffers, AccountTaken, ConsentGone, AlreadyAsked, BadInput.
    """
    account = await _account_to_act_on(session, by, authenticated_at, account_id)
    detail: dict[str, str] = {"platform_account_id": str(account.id), "handle": account.handle, "name": account.name}
    if CONNECTIONS[account.platform].kind != "by_hand":
        chosen = await _chosen(session, by, account, connection_id, platform_account_id)
        detail = {"connection": str(connection_id), **chosen}
    if account.platform_account_id not in ("", detail["platform_account_id"]):
        raise OtherAccount()
    if not account.platform_account_id and not _same_handle(account.handle, detail):
        raise HandleDiffers(registered=account.handle, found=detail["handle"])
    await _refuse_if_taken(session, account, detail["platform_account_id"])
    subject = account_subject(account.id)
    return await propose(session, by=by, kind=CONNECT, subject=subject, reason=reason, detail=detail, request=request)


async def confirm_connect(
    session: AsyncSession, *, by: Person, authenticated_at: datetime | None, proposal_id: UUID, request: str | None = None
) -> UUID:
    """The second person's yes: from this commit on the account is `connected` and posts go there. Returns its id.

    Raises SecondPersonNeeded for who asked, AskerMayNoMore, NothingToConfirm, ConsentGone, AccountTaken, StepUpNeeded, NoRole.
    """
    await _may_act(session, by, authenticated_at)
    proposal = await confirm(session, by=by, proposal_id=proposal_id, kind=CONNECT, request=request)
    await require_asker(session, proposal, Role.ACCOUNT_MANAGER)
    account_id = UUID(proposal.subject.removeprefix("account:"))
    account = await account_seen(session, account_id)
    if CONNECTIONS[account.platform].kind != "by_hand":
        consent = await connection_seen(session, UUID(str(proposal.detail["connection"])))
        if consent is None or consent.status != "found":
            raise ConsentGone()
    try:
        await session.execute(text("SELECT connect_account(:proposal)"), {"proposal": proposal_id})
    except IntegrityError as clash:
        raise AccountTaken() from clash
    return account_id


async def ask_to_disconnect(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    account_id: UUID,
    reason: str,
    request: str | None = None,
) -> UUID:
    """Ask a second person to disconnect: its posts then wait for people, its token is revoked and destroyed."""
    account = await _account_to_act_on(session, by, authenticated_at, account_id)
    if account.status != "connected":
        raise NotConnected()
    return await propose(session, by=by, kind=DISCONNECT, subject=account_subject(account.id), reason=reason, request=request)


async def confirm_disconnect(
    session: AsyncSession, *, by: Person, authenticated_at: datetime | None, proposal_id: UUID, request: str | None = None
) -> UUID:
    """The second person's yes: nothing more is sent there from this commit on. Returns the account's id."""
    await _may_act(session, by, authenticated_at)
    proposal = await confirm(session, by=by, proposal_id=proposal_id, kind=DISCONNECT, request=request)
    await require_asker(session, proposal, Role.ACCOUNT_MANAGER)
    account = await account_seen(session, UUID(proposal.subject.removeprefix("account:")))
    if account.status != "connected":
        raise NotConnected()
    await session.execute(text("SELECT disconnect_account(:proposal)"), {"proposal": proposal_id})
    return account.id


async def take_back_account_proposal(session: AsyncSession, *, by: Person, proposal_id: UUID, request: str | None = None) -> UUID:
    """Any account manager says no to what waits; tokens that were found for it are destroyed. Returns the account's id."""
    require(by, Role.ACCOUNT_MANAGER)
    waiting = next((p for p in await open_proposals(session) if p.id == proposal_id and p.kind in (CONNECT, DISCONNECT)), None)
    if waiting is None:
        raise NotFound()
    await take_back(session, by=by, proposal_id=proposal_id, kind=waiting.kind, request=request)
    return UUID(waiting.subject.removeprefix("account:"))


async def _may_act(session: AsyncSession, by: Person, authenticated_at: datetime | None) -> None:
    require(by, Role.ACCOUNT_MANAGER)
    if not is_fresh(authenticated_at, await clock(session)):
        raise StepUpNeeded()


async def _account_to_act_on(
    session: AsyncSession, by: Person, authenticated_at: datetime | None, account_id: UUID
) -> AccountSeen:
    await _may_act(session, by, authenticated_at)
    return await account_seen(session, account_id)


async def _chosen(
    session: AsyncSession, by: Person, account: AccountSeen, connection_id: UUID | None, platform_account_id: str
) -> dict[str, str]:
    """What was picked of what the person's own consent found."""
    consent: ConnectionSeen | None = await connection_seen(session, connection_id) if connection_id else None
    if consent is None or consent.account_id != account.id or consent.asked_by != by.id:
        raise NotFound()
    if consent.status != "found":
        raise ConsentGone()
    wanted = tidied(platform_account_id)
    found = [one for one in consent.found if wanted in ("", one.platform_account_id)]
    if len(found) != 1:
        raise BadInput("Choose which of the accounts that were found to connect.", field="platform_account_id")
    return {"platform_account_id": found[0].platform_account_id, "handle": found[0].handle, "name": found[0].name}


async def _refuse_if_taken(session: AsyncSession, account: AccountSeen, platform_account_id: str) -> None:
    taken = await session.execute(
        text(
            "SELECT 1 FROM account WHERE platform = :platform AND platform_account_id = :id AND id <> :own "
            "AND (server = :server OR (platform = 'bluesky' AND status = 'connected'))"
        ),
        {"platform": account.platform, "server": account.server, "id": platform_account_id, "own": account.id},
    )
    if taken.first() is not None:
        raise AccountTaken()


def _same_handle(registered: str, found: dict[str, str]) -> bool:
    """As platforms compare handles, without the server's part; a Page without one has only its id, and nothing to compare."""
    if found["handle"] in ("", found["platform_account_id"]):
        return True
    first, second = (handle.lstrip("@").partition("@")[0].casefold() for handle in (registered, found["handle"]))
    return first == second
