"""Keeping what is connected able to post: refresh well before the end, warn people in time, revoke and destroy what must go."""

import asyncio

import structlog

from core.records.audit import append
from core.records.database import Database
from core.records.health import note_health, warn_of_endings
from core.records.tokens import TokenRecord, destroy_token, due_for_refresh, same_consent_in_force, take_unwanted
from integrations.connections.base import ConnectFailed
from integrations.platforms.values import NoAccess, NoAccessNow
from integrations.secrets.trouble import CannotOpen, KeyTrouble
from workflows.tokens import Tokens

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
TRIES = 10
"""How often revoking is tried, a minute apart, before the token is destroyed all the same and people are told."""

NOT_ANSWERED = "The platform did not answer, so its own settings may still list this service. Take it out there."


class Refreshing:
    """One per worker; the token's row lock makes them one refresher."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong is said, by its kind alone, and tried again."""
        while True:
            try:
                await self.refresh_due()
                while await self.let_go_of_one():
                    pass
                await self.look_after_health()
            except Exception as fault:
                log.warning("refreshing.failed", fault=type(fault).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def refresh_due(self) -> int:
        """Every token that comes near its end; returns how many were due."""
        async with self._database.transaction() as session:
            due = await due_for_refresh(session)
        for account_id in due:
            try:
                await self._tokens.refresh(account_id, needed=lambda record: record.is_due)
            except (NoAccess, NoAccessNow) as failed:
                # On the record and on the account's page already; the sentence names no secret.
                log.warning("refreshing.not_refreshed", account=str(account_id), why=type(failed).__name__)
        return len(due)

    async def let_go_of_one(self) -> bool:
        """Revoke and destroy one token that must not be kept; whether there was one."""
        async with self._database.transaction() as session:
            unwanted = await take_unwanted(session)
        if unwanted is None:
            return False
        record, alone = unwanted
        trouble = ""
        if alone and await self._may_revoke(record):
            try:
                await self._tokens.revoke(record)
            except ConnectFailed as failed:
                if failed.again and record.tries < TRIES:
                    return True
                trouble = NOT_ANSWERED if failed.again else failed.sentence
            except (CannotOpen, KeyTrouble) as fault:
                if isinstance(fault, KeyTrouble) and record.tries < TRIES:
                    return True
                trouble = NOT_ANSWERED
        await self._destroy(record, revoked=alone, trouble=trouble)
        return True

    async def _may_revoke(self, record: TokenRecord) -> bool:
        """Not where it would end another account's access with it."""
        if not self._tokens.clients.connections[record.platform].one_consent_for_all or not record.granted_by:
            return True
        async with self._database.transaction() as session:
            return not await same_consent_in_force(session, record)

    async def _destroy(self, record: TokenRecord, *, revoked: bool, trouble: str) -> None:
        async with self._database.transaction() as session:
            await destroy_token(session, record.id)
            await append(
                session,
                subject=f"account:{record.account_id}",
                actor="service",
                action="account.token_destroyed",
                paragraph=38,
                detail={"connection": str(record.connection_id), "revoked": revoked and not trouble, "sentence": trouble},
            )

    async def look_after_health(self) -> None:
        async with self._database.transaction() as session:
            await note_health(session)
            warned = await warn_of_endings(session)
        for one in warned:
            log.warning("refreshing.consent_ends_soon", account=str(one.account_id), days=one.days)
