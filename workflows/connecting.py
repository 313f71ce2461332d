"""Carrying consents out: the worker publishes the key that secrets are sealed to, exchanges codes at once and seals what comes.

A loop in the worker, beside the courier: codes live some 30 seconds, and nothing of a consent is left in the database once taken.
"""

import asyncio
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.records.consents import (
    Taken,
    consent_stands,
    end_lapsed_consents,
    move_consent,
    note_app,
    take_app_wish,
    take_consent,
)
from core.records.database import Database
from core.records.service_secrets import (
    forget_old_public_keys,
    insert_public_key,
    insert_service_secret,
    lock_publishing,
    public_key_is_young,
    service_secret,
)
from core.records.tokens import insert_token
from integrations.connections.base import ConnectFailed, FoundAccount
from integrations.secrets.sealing import SecretPlace, new_key_pair, open_sealed
from integrations.secrets.trouble import CannotOpen, KeyTrouble
from workflows.clients import Clients, app_subject
from workflows.strongbox import Strongbox, columns_of

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
TIDY_SECONDS = 2.0
KEY_DAYS = 30
"""A public key is replaced after so long; what was sealed to the one before still opens."""

CODE_LIVES = timedelta(seconds=25)
FAILED = "The service could not carry this out. Nothing was connected; try again, and if it goes on ask who runs the service."


ODD_NAME = "The platform named an account by an id that cannot be shown to people, so nothing was connected."

_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
MOST_OF_A_NAME = 200


def shown(name: str) -> str:
    """A platform's words as the second person reads them: short, and nothing in them that hides or reorders the page."""
    kept = "".join(one for one in name if one not in _TURNS and unicodedata.category(one) not in ("Cc", "Cs"))
    return kept[:MOST_OF_A_NAME]


class Connecting:
    """One per worker; any number may run: each consent is taken by one of them."""

    def __init__(self, database: Database, strongbox: Strongbox, clients: Clients) -> None:
        self._database = database
        self._strongbox = strongbox
        self._clients = clients
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong is said, by its kind alone, and tried again."""
        tidied_at = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                taken = False
                try:
                    if loop.time() - tidied_at >= TIDY_SECONDS:
                        await self.publish_key()
                        await self.tidy()
                        await self.introduce_once()
                        tidied_at = loop.time()
                    taken = await self._start_one()
                except Exception as fault:
                    log.warning("connecting.failed", fault=type(fault).__name__)
                    await asyncio.sleep(1)
                if not taken:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            for task in self._under_way:
                task.cancel()

    async def publish_key(self, *, days: int = KEY_DAYS) -> None:
        """A public key for the api to seal to, unless there is one younger than `days`."""
        async with self._database.transaction() as session:
            if await public_key_is_young(session, days=days):
                return
        private, public = new_key_pair()
        key_id = uuid4()
        secret = await self._strongbox.seal_own(private, kind="worker_key", subject=str(key_id))
        async with self._database.transaction() as session:
            await lock_publishing(session)
            if not await public_key_is_young(session, days=days):
                await insert_service_secret(session, secret)
                await insert_public_key(session, key_id, public)

    async def tidy(self) -> None:
        async with self._database.transaction() as session:
            await end_lapsed_consents(session)
            await forget_old_public_keys(session)

    async def _start_one(self) -> bool:
        async with self._database.transaction() as session:
            taken = await take_consent(session)
        if taken is None:
            return False
        task = asyncio.create_task(self.carry_out(taken))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return True

    async def carry_out(self, taken: Taken) -> None:
        """Exchange, seal, and say what was found, or in a sentence why nothing was."""
        try:
            found = await self._exchanged(taken)
            try:
                await self._keep(taken, found)
            except Exception:
                await self._give_back(taken, found)
                raise
        except ConnectFailed as failed:
            await self._failed(taken, failed.sentence)
        except (CannotOpen, KeyTrouble, SQLAlchemyError, OSError) as fault:
            log.warning("connecting.consent_failed", connection=str(taken.id), fault=type(fault).__name__)
            await self._failed(taken, FAILED)

    async def _exchanged(self, taken: Taken) -> tuple[FoundAccount, ...]:
        """Tried again only where the platform said nothing, and while the code lives."""
        secret: dict[str, str] = {}
        for part in taken.parts:
            private = await self._private_key(part.worker_key_id)
            secret |= open_sealed(private, part.sealed, SecretPlace(taken.id, part.purpose, part.worker_key_id))
        async with self._database.transaction() as session:
            client = await self._clients.client(session, taken.platform, taken.server, taken.redirect_uri)
        connection, until = self._clients.connections[taken.platform], taken.brought_at + CODE_LIVES
        while True:
            try:
                return await connection.exchange(client, secret=secret, redirect_uri=taken.redirect_uri)
            except ConnectFailed as failed:
                if not failed.again or datetime.now(until.tzinfo) > until:
                    raise
                await asyncio.sleep(1)

    async def _private_key(self, key_id: UUID) -> bytes:
        async with self._database.transaction() as session:
            kept = await service_secret(session, kind="worker_key", subject=str(key_id))
        if kept is None:
            raise CannotOpen("The key that this was sealed to is gone.")
        return await self._strongbox.open_own(kept)

    async def _keep(self, taken: Taken, found: tuple[FoundAccount, ...]) -> None:
        """The tokens as offered: they serve nothing until two people connect the account."""
        connection = self._clients.connections[taken.platform]
        if any(shown(one.platform_account_id) != one.platform_account_id for one in found):
            raise ConnectFailed(ODD_NAME)
        rows = []
        for one in found:
            token_id = uuid4()
            sealed = await self._strongbox.seal_token(
                one.token,
                at=(taken.platform, taken.server, one.platform_account_id),
                account_id=taken.account_id,
                connection_id=taken.id,
                token_id=token_id,
                version=1,
            )
            columns = columns_of(one.token, sealed, connection, now=taken.brought_at)
            rows.append({**columns, "id": token_id, "platform_account_id": one.platform_account_id})
        async with self._database.transaction() as session:
            if not await consent_stands(session, taken.id):
                raise ConnectFailed(FAILED)
            for row, one in zip(rows, found, strict=True):
                await insert_token(session, **row, connection_id=taken.id, granted_by=one.token.granted_by)
            names = [
                {"platform_account_id": f.platform_account_id, "handle": shown(f.handle), "name": shown(f.name)} for f in found
            ]
            await move_consent(session, taken.id, "found", found=names)

    async def _give_back(self, taken: Taken, found: tuple[FoundAccount, ...]) -> None:
        """What cannot be kept would stand at the platform with nobody able to revoke it."""
        connection = self._clients.connections[taken.platform]
        if connection.one_consent_for_all:
            return  # it would end what other accounts of the same person post by
        try:
            async with self._database.transaction() as session:
                client = await self._clients.client(session, taken.platform, taken.server, taken.redirect_uri)
            # Every account of one consent comes with a token of the same consent.
            await connection.revoke(client, found[0].token)
        except (ConnectFailed, CannotOpen, KeyTrouble, SQLAlchemyError, OSError) as fault:
            log.warning("connecting.token_not_given_back", connection=str(taken.id), fault=type(fault).__name__)

    async def _failed(self, taken: Taken, sentence: str) -> None:
        async with self._database.transaction() as session:
            await move_consent(session, taken.id, "failed", note=sentence)

    async def introduce_once(self) -> bool:
        """Tell one server of this service, where a person wished it; whether there was such a wish."""
        async with self._database.transaction() as session:
            wish = await take_app_wish(session)
        if wish is None:
            return False
        base = self._clients.base_url(wish.platform, wish.server)
        try:
            client = await self._clients.connections[wish.platform].register(base, wish.redirect_uri)
        except ConnectFailed as failed:
            async with self._database.transaction() as session:
                await note_app(session, wish, client_id=None, note=failed.sentence)
            return True
        secret = await self._strongbox.seal_own(client.client_secret.encode(), kind="app", subject=app_subject(wish))
        async with self._database.transaction() as session:
            await insert_service_secret(session, secret)
            await note_app(session, wish, client_id=client.client_id)
        return True
