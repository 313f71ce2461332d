"""The worker's secrets between a real database and real sandbox platforms, and two account managers with browsers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.domain.people import Person
from core.records.database import Database
from core.use_cases.account_changes import ask_to_connect, ask_to_disconnect, confirm_connect, confirm_disconnect
from core.use_cases.accounts import AccountSeen, account_seen, register_account
from core.use_cases.connecting import (
    Begun,
    ConnectionSeen,
    Consent,
    begin_connecting,
    connection_seen,
    introduce,
    offer_app_password,
    receive_code,
)
from core.use_cases.consent_refusals import ServerAsked
from integrations.connections.registry import connections
from integrations.secrets.keyring import KeyFile
from tests.core.publishing import as_admin
from tests.integrations.connections.harness import CALLBACK, CLIENT_SECRET, PASSWORD, There, consent, there
from tests.kit import Urls, new_person
from workflows.clients import Clients, KnownAs
from workflows.connecting import Connecting
from workflows.refreshing import Refreshing
from workflows.strongbox import Strongbox
from workflows.tokens import Tokens

HERE = connections(private_servers=True)
BROWSER = "a session of Marcus's browser"


@contextmanager
def platforms(folder: Path, *names: str) -> Iterator[dict[str, There]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(there(name, HERE[name], folder)) for name in names}


@dataclass
class Safe:
    """One worker's part that keeps tokens. `marcus` asks and `grace` confirms."""

    urls: Urls
    api: Database
    worker: Database
    keys: KeyFile
    there: Mapping[str, There]
    marcus: Person
    grace: Person
    tokens: Tokens = field(init=False)
    connecting: Connecting = field(init=False)
    refreshing: Refreshing = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.another(self.worker)
        self.connecting = Connecting(self.worker, self.tokens.strongbox, self.tokens.clients)
        self.refreshing = Refreshing(self.worker, self.tokens)

    def another(self, database: Database) -> Tokens:
        """As another worker process has them."""
        urls = {name: one.url for name, one in self.there.items()}
        known = KnownAs(dict.fromkeys(self.there, ("countersign", CLIENT_SECRET)), urls, urls)
        strongbox = Strongbox(KeyFile(self.keys.file))
        return Tokens(database, strongbox, Clients(strongbox, HERE, known))

    @property
    def consent(self) -> Consent:
        ids = {name: "countersign" for name in self.there if not HERE[name].needs_app_registration}
        return Consent(CALLBACK, ids, {name: one.url for name, one in self.there.items()})

    async def registered(self, platform: str, handle: str = "DeptExample") -> UUID:
        server = self.there[platform].url if HERE[platform].takes_a_server else ""
        async with self.api.transaction() as session:
            return await register_account(
                session,
                by=self.marcus,
                platform=platform,
                handle=handle,
                name="Department for Examples",
                owner_team="Digital communications",
                official=True,
                server=server,
                sandbox=True,
            )

    async def begun(self, account_id: UUID) -> Begun:
        async with self.api.transaction() as session:
            await introduce(session, by=self.marcus, account_id=account_id, consent=self.consent)
        await self.connecting.publish_key()
        # The running loop may have taken the wish first: then its answer is waited for, as a person would.
        await self.connecting.introduce_once()
        deadline = time.monotonic() + 10
        while True:
            try:
                async with self.api.transaction() as session:
                    return await begin_connecting(
                        session,
                        by=self.marcus,
                        authenticated_at=datetime.now(UTC),
                        account_id=account_id,
                        consent=self.consent,
                        browser=BROWSER,
                    )
            except ServerAsked:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)

    async def brought(self, account_id: UUID, *, accounts: tuple[str, ...] = ("1001",)) -> UUID:
        """A person consents and comes back: the connection, its code sealed to the worker."""
        begun = await self.begun(account_id)
        if not begun.address:
            async with self.api.transaction() as session:
                return await offer_app_password(
                    session,
                    by=self.marcus,
                    browser=BROWSER,
                    state=begun.state,
                    identifier="DeptExample",
                    app_password=PASSWORD,
                )
        back = await consent(begun.address, decision="allow", accounts=accounts)
        async with self.api.transaction() as session:
            return await receive_code(session, by=self.marcus, browser=BROWSER, answer=back)

    async def found(self, account_id: UUID, *, accounts: tuple[str, ...] = ("1001",)) -> ConnectionSeen:
        """The same, after the running worker exchanged it."""
        connection_id = await self.brought(account_id, accounts=accounts)
        deadline = time.monotonic() + 10
        while True:
            seen = await self.connection(connection_id)
            if seen.status not in ("begun", "exchanging"):
                return seen
            assert time.monotonic() < deadline, seen
            await asyncio.sleep(0.05)

    async def connection(self, connection_id: UUID) -> ConnectionSeen:
        async with self.api.transaction() as session:
            seen = await connection_seen(session, connection_id)
        assert seen is not None
        return seen

    async def asked(self, account_id: UUID, seen: ConnectionSeen | None, platform_account_id: str = "") -> UUID:
        async with self.api.transaction() as session:
            return await ask_to_connect(
                session,
                by=self.marcus,
                authenticated_at=datetime.now(UTC),
                account_id=account_id,
                reason="Our new account.",
                connection_id=seen.id if seen else None,
                platform_account_id=platform_account_id,
            )

    async def confirmed(self, proposal_id: UUID) -> UUID:
        async with self.api.transaction() as session:
            return await confirm_connect(session, by=self.grace, authenticated_at=datetime.now(UTC), proposal_id=proposal_id)

    async def connected(self, platform: str) -> UUID:
        """Registered, consented to, and confirmed by a second person."""
        account_id = await self.registered(platform)
        seen = await self.found(account_id)
        assert seen.status == "found", seen.note
        return await self.confirmed(await self.asked(account_id, seen))

    async def disconnected(self, account_id: UUID) -> None:
        now = datetime.now(UTC)
        async with self.api.transaction() as session:
            asked = await ask_to_disconnect(
                session, by=self.marcus, authenticated_at=now, account_id=account_id, reason="Closed."
            )
        async with self.api.transaction() as session:
            await confirm_disconnect(session, by=self.grace, authenticated_at=now, proposal_id=asked)

    async def account(self, account_id: UUID) -> AccountSeen:
        async with self.api.transaction() as session:
            return await account_seen(session, account_id)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return as_admin(self.urls, statement, *values)

    def events(self, account_id: UUID) -> list[str]:
        found = self.rows("SELECT action FROM audit_event WHERE subject = %s ORDER BY number", f"account:{account_id}")
        return [row["action"] for row in found]

    def age(self, account_id: UUID, left: str) -> None:
        """As if the token in force had only so much of its life left."""
        self.rows(
            "UPDATE token SET expires_at = clock_timestamp() + %s::interval, sealed_at = clock_timestamp() - interval '1 day' "
            "WHERE connection_id IN (SELECT id FROM connection WHERE account_id = %s AND status = 'connected')",
            left,
            account_id,
        )


@asynccontextmanager
async def open_safe(urls: Urls, folder: Path, there: Mapping[str, There]) -> AsyncIterator[Safe]:
    """With the loop that exchanges running, as beside the courier."""
    api, worker = Database(urls.api, pool_size=5), Database(urls.worker, pool_size=10)
    keys = KeyFile(folder / "keys.json")
    keys.make()
    marcus = await new_person(api, "account_manager", name="Marcus Bell")
    grace = await new_person(api, "account_manager", name="Grace Obi")
    safe = Safe(urls, api, worker, keys, there, marcus, grace)
    exchanging = asyncio.create_task(safe.connecting.run())
    try:
        yield safe
    finally:
        exchanging.cancel()
        await asyncio.gather(exchanging, return_exceptions=True)
        await api.close()
        await worker.close()
