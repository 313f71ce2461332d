"""What an operator does at a terminal: migrate, verify the record, place and list holds."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from rich.console import Console

from core.records.audit import ChainReport
from core.records.audit import verify as verify_chains
from core.records.database import Database
from core.records.migrate import LOGINS, bootstrap, migrate
from core.use_cases.holding import place_hold, standing_holds
from countersign.demo.operator import operator_url
from countersign.embedded.trouble import EmbeddedTrouble
from countersign.settings import MigrateSettings, OperatorSettings, read

T = TypeVar("T")


def migrate_database(console: Console) -> None:
    """Roles and database as the superuser, tables as the migrator."""
    settings = read(MigrateSettings)
    admin = settings.admin_database_url.get_secret_value()
    passwords = dict(
        zip(
            LOGINS,
            (
                settings.migrator_password.get_secret_value(),
                settings.api_password.get_secret_value(),
                settings.worker_password.get_secret_value(),
            ),
            strict=True,
        )
    )
    bootstrap(admin, database=settings.database, passwords=passwords)
    migrate(settings.migrator_url())
    console.print("The database is ready.")


def verify_audit(console: Console, state: Path) -> bool:
    """Whether every chain holds; each fault is one line."""

    async def verified(database: Database) -> ChainReport:
        async with database.transaction() as session:
            return await verify_chains(session)

    report = with_database(state, verified)
    for fault in report.faults:
        console.print(fault)
    verdict = "every chain holds" if not report.faults else f"{len(report.faults)} faults"
    console.print(f"{report.events} events in {report.subjects} chains: {verdict}.")
    return not report.faults


def place(console: Console, state: Path, *, scope: str, target: str, reason: str) -> None:
    async def placed(database: Database) -> UUID:
        async with database.transaction() as session:
            return await place_hold(session, actor=_operator(), scope=scope, target=target, reason=reason)

    hold_id = with_database(state, placed)
    what = "at all" if scope == "all" else f"for {scope} {target}"
    console.print(f"The hold stands: nothing more is sent {what}. Its id is {hold_id}.")
    console.print("Two people lift it, signed in, on the pages or through the API.")


def show_holds(console: Console, state: Path) -> None:
    async def listed(database: Database) -> None:
        async with database.transaction() as session:
            holds = await standing_holds(session)
        for hold in holds:
            console.print(f"{hold.id}  {hold.scope} {hold.target}  since {hold.placed_at:%d %B %Y %H:%M} UTC  {hold.reason}")
        console.print(f"{len(holds)} standing holds.")

    with_database(state, listed)


def _operator() -> str:
    """Who is at the terminal, as the record names them."""
    return f"operator|{getpass.getuser()}"


def with_database(state: Path, act: Callable[[Database], Awaitable[T]]) -> T:
    """Run `act` with the database that DATABASE_URL names, else with the running demo's."""
    kept = operator_url(state)
    if "DATABASE_URL" not in os.environ and kept is None:
        raise EmbeddedTrouble("Say which database with DATABASE_URL, or start the demo in this folder with `make demo`.")
    url = read(OperatorSettings).database_url.get_secret_value() if "DATABASE_URL" in os.environ else str(kept)

    async def run() -> T:
        database = Database(url, pool_size=1)
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(run())
