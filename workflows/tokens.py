"""The accounts' tokens: opened for one use, refreshed by exactly one refresher under the row's lock, revoked and destroyed."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from core.records.audit import append
from core.records.database import Database
from core.records.tokens import TokenRecord, note_no_answer, note_refused, store_refreshed, token_in_force
from integrations.connections.base import ConnectFailed, RefreshRefused, TokenSet
from integrations.platforms.values import NoAccess, NoAccessNow
from integrations.secrets.envelope import Sealed
from integrations.secrets.trouble import CannotOpen, KeyTrouble
from workflows.clients import Clients
from workflows.strongbox import Strongbox, columns_of

log = structlog.get_logger(__name__)

T = TypeVar("T")

REFRESH_BEFORE = timedelta(minutes=6)
"""A token with less life than this is refreshed before it is used: a claimed post may wait at the gate for five minutes."""

NOT_CONNECTED = "There is no token for this account that works. Connect the account again."
NOT_TAKEN = "{} does not take this account's token any more. Connect the account again."
ENDED = "The consent for this account has ended. Connect the account again."
CANNOT_OPEN = "The account's token does not open where it stands in the database. Connect the account again, and ask why."
_AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)


@dataclass(frozen=True)
class _Round:
    """What one look under the row's lock came to. `columns`: a new pair to store; from then on the old one may be worthless."""

    record: TokenRecord
    token: TokenSet
    columns: dict[str, Any] | None = None
    failed: RefreshRefused | ConnectFailed | KeyTrouble | None = None


class Tokens:
    """The worker's own: nobody else's login may read a token."""

    def __init__(self, database: Database, strongbox: Strongbox, clients: Clients) -> None:
        self.database = database
        self.strongbox = strongbox
        self.clients = clients

    async def token_for(self, account_id: UUID, *, instead_of: str | None = None) -> str:
        """The account's access token, with life enough for a use. `instead_of`: one that the platform did not take.

        Raises NoAccess (somebody must connect it again), NoAccessNow while the platform does not answer.
        """
        async with self.database.transaction() as session:
            record = await token_in_force(session, account_id)
        if record is None:
            raise NoAccess(NOT_CONNECTED)
        if _must_refresh(record) or instead_of is not None:
            return (await self.refresh(account_id, needed=_must_refresh, instead_of=instead_of)).access_token
        return (await self._opened(record)).access_token

    async def refresh(
        self, account_id: UUID, *, needed: Callable[[TokenRecord], bool], instead_of: str | None = None
    ) -> TokenSet:
        """Refresh if it is still `needed` once the row is ours, or if it still is `instead_of`; else what somebody else got.

        Whole even if we are told to stop: a pair that the platform gave exists nowhere else until it is stored.
        """
        return await _whole(self._refresh(account_id, needed, instead_of))

    async def _refresh(self, account_id: UUID, needed: Callable[[TokenRecord], bool], instead_of: str | None) -> TokenSet:
        round_: _Round | None = None
        try:
            async with self.database.transaction() as session:
                # Longer than one refresh takes: whoever waits here finds the new pair and asks nobody.
                await session.execute(text("SET LOCAL lock_timeout = '25s'"))
                round_ = await self._under_the_lock(session, account_id, needed, instead_of)
                await self._write(session, round_)
        except _AWAY:
            if round_ is None or round_.columns is None:
                raise
            await self._write_later(round_)
        return _usable(round_, instead_of)

    async def _under_the_lock(
        self, session: AsyncSession, account_id: UUID, needed: Callable[[TokenRecord], bool], instead_of: str | None
    ) -> _Round:
        """Asks the platform at most once; writes nothing, so that no fault of the database can lose what it gave."""
        record = await token_in_force(session, account_id, lock=True)
        if record is None:
            raise NoAccess(NOT_CONNECTED)
        token = await self._opened(record)
        connection = self.clients.connections[record.platform]
        if not needed(record) and token.access_token != instead_of:
            return _Round(record, token)
        if not record.refreshable and instead_of is None and record.expires_at and record.expires_at > record.now:
            return _Round(record, token)
        if not record.refreshable:
            return _Round(record, token, failed=RefreshRefused(NOT_TAKEN.format(connection.label) if instead_of else ENDED))
        try:
            client = await self.clients.client(session, record.platform, record.server, record.redirect_uri)
            new = await connection.refresh(client, token)
        except (RefreshRefused, ConnectFailed, KeyTrouble) as failed:
            return _Round(record, token, failed=failed)
        return _Round(record, new, columns_of(new, await self._sealed(record, new), connection, before=record))

    async def _sealed(self, record: TokenRecord, new: TokenSet) -> Sealed:
        """Sealed before anything else is done with it; a key server that is away is waited for, as long as a lock is."""
        for _ in range(4):
            try:
                return await self.strongbox.seal_next(record, new)
            except KeyTrouble as away:
                log.warning("tokens.new_pair_waits", account=str(record.account_id), fault=type(away).__name__)
                await asyncio.sleep(2)
        return await self.strongbox.seal_next(record, new)

    async def _write(self, session: AsyncSession, done: _Round) -> None:
        if done.columns is not None:
            await store_refreshed(session, done.record, **done.columns)
        elif isinstance(done.failed, RefreshRefused):
            await note_refused(session, done.record, done.failed.sentence)
            await append(
                session,
                subject=f"account:{done.record.account_id}",
                actor="service",
                action="account.refresh_refused",
                paragraph=38,
                detail={"connection": str(done.record.connection_id), "sentence": done.failed.sentence},
            )
        elif done.failed is not None:
            await note_no_answer(session, done.record)

    async def _write_later(self, done: _Round) -> None:
        """The database went away between the platform's answer and the commit: until it is back, for a minute."""
        for _ in range(60):
            await asyncio.sleep(1)
            try:
                async with self.database.transaction() as session:
                    await self._write(session, done)
                return
            except _AWAY as fault:
                log.warning("tokens.new_pair_waits", account=str(done.record.account_id), fault=type(fault).__name__)
        raise NoAccess(NOT_CONNECTED)

    async def revoke(self, record: TokenRecord) -> None:
        """Take it back at the platform. Raises ConnectFailed with a sentence for people, KeyTrouble, CannotOpen."""
        token = await self.strongbox.open_token(record)
        async with self.database.transaction() as session:
            client = await self.clients.client(session, record.platform, record.server, record.redirect_uri)
        await self.clients.connections[record.platform].revoke(client, token)

    async def _opened(self, record: TokenRecord) -> TokenSet:
        if record.refused:
            raise NoAccess(record.refused)
        if record.ends_at is not None and record.ends_at <= record.now:
            raise NoAccess(ENDED)
        try:
            return await self.strongbox.open_token(record)
        except CannotOpen as wrong:
            log.error("tokens.cannot_open", account=str(record.account_id), token=str(record.id))
            raise NoAccess(CANNOT_OPEN) from wrong
        except KeyTrouble as away:
            raise NoAccessNow(str(away)) from away


def _must_refresh(record: TokenRecord) -> bool:
    return record.expires_at is not None and record.expires_at - record.now < REFRESH_BEFORE


def _usable(done: _Round, instead_of: str | None) -> TokenSet:
    """The new token, or the one there was where the platform did not answer and it still does."""
    if isinstance(done.failed, RefreshRefused):
        raise NoAccess(done.failed.sentence)
    alive = done.record.expires_at is None or done.record.expires_at > done.record.now + timedelta(seconds=30)
    if done.failed is not None and not (alive and done.token.access_token != instead_of):
        raise NoAccessNow(f"The account's access could not be renewed. {done.failed}")
    return done.token


async def _whole(act: Coroutine[Any, Any, T]) -> T:
    """All of `act`, even if we are told to stop in the middle."""
    under_way = asyncio.ensure_future(act)
    try:
        return await asyncio.shield(under_way)
    except asyncio.CancelledError:
        await asyncio.wait([under_way])
        raise
