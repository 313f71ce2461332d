"""What an operator does with the accounts: see whether the service can post, and in an emergency disconnect them all."""

import asyncio
import getpass
from pathlib import Path

from rich.console import Console
from sqlalchemy import text

from core.records.database import Database
from core.use_cases.accounts import every_account
from core.use_cases.emergency import Silenced, disconnect_everything, tokens_left, what_became_of_tokens
from countersign.operating import with_database

WAIT_SECONDS = 90.0
NO_WORKER = (
    "Nothing can be sent, but no worker answers, so the tokens still stand at the platforms. Start a worker: it revokes and "
    "destroys them at once. Or take the service out in each platform's own settings."
)


def list_all(console: Console, state: Path) -> None:
    async def listed(database: Database) -> None:
        async with database.transaction() as session:
            accounts = await every_account(session)
        for one in accounts:
            until = f" until {one.ends_at:%d %B %Y}" if one.ends_at else ""
            posts = f"can post{until}" if one.can_post else f"cannot post. {one.problem}" if one.problem else "cannot post"
            last = f", last success {one.last_success_at:%d %B %Y %H:%M} UTC" if one.last_success_at else ""
            console.print(f"{one.id}  {one.platform_label}  {one.handle}  {one.status}: {posts}{last}")
        console.print(f"{len(accounts)} accounts.")

    with_database(state, listed)


def revoke_all(console: Console, state: Path, *, by: str, reason: str) -> bool:
    """Disconnect every account here and now, then wait until the worker took the tokens back; whether all are gone."""

    async def revoked(database: Database) -> bool:
        actor = f"operator|{getpass.getuser()}|{by.strip()}" if by.strip() else ""
        async with database.transaction() as session:
            silenced = await disconnect_everything(session, by=actor, reason=reason)
        console.print(f"{len(silenced)} accounts are disconnected: nothing more is sent there.")
        return await _until_gone(console, database, silenced)

    return with_database(state, revoked)


async def _until_gone(console: Console, database: Database, silenced: tuple[Silenced, ...]) -> bool:
    """Not only those just silenced: whatever token still waits to be taken back."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        async with database.transaction() as session:
            left = await tokens_left(session)
            alive = (await session.execute(_WORKER_LIVES)).scalar_one()
        late = asyncio.get_running_loop().time() > deadline
        if not left or late or not alive:
            break
        await asyncio.sleep(0.5)
    for account in silenced:
        async with database.transaction() as session:
            became = await what_became_of_tokens(session, account.id)
        said = "its token still stands at the platform" if account.id in left else became or "it had no token"
        console.print(f"{account.platform}  {account.handle}: {said}")
    if left:
        console.print("The platforms have not answered yet; the worker goes on." if alive else NO_WORKER)
    return not left


_WORKER_LIVES = text("SELECT EXISTS (SELECT 1 FROM heartbeat WHERE at > clock_timestamp() - interval '10 seconds')")
