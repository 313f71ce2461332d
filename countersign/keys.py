"""What an operator does with the key-encryption keys: make the first, list them, rotate, forget an old one."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from core.records.database import Database
from core.records.service_secrets import secrets_by_key
from countersign.demo.operator import operator_url
from countersign.demo.tokens import key_file
from countersign.embedded.state import make_folder
from countersign.embedded.trouble import EmbeddedTrouble
from countersign.keeping import build_keys
from countersign.settings import KeeperSettings, KeySettings, read
from integrations.connections.registry import CONNECTIONS
from integrations.secrets.keyring import KeyFile
from workflows.clients import Clients, KnownAs
from workflows.connecting import Connecting
from workflows.rotating import rewrap_everything
from workflows.strongbox import Strongbox

T = TypeVar("T")


def make_keys(console: Console) -> None:
    """A first key in the file that COUNTERSIGN_KEY_FILE names; a file that is there stays as it is."""
    settings = read(KeySettings)
    if not settings.key_file:
        raise EmbeddedTrouble("Say where the file shall be with COUNTERSIGN_KEY_FILE.")
    file = Path(settings.key_file).absolute()
    make_folder(file.parent)
    KeyFile(file).make()
    console.print(f"The keys are in {file}. Keep a copy apart from the database's: without it no token opens.")


def list_keys(console: Console, state: Path) -> None:
    async def listed(database: Database, strongbox: Strongbox) -> None:
        async with database.transaction() as session:
            kept = await secrets_by_key(session)
        current = await strongbox.keys.current()
        for kek_id in await strongbox.keys.ids():
            console.print(f"{kek_id}  keeps {kept.pop(kek_id, 0)} secrets{'  current' if kek_id == current else ''}")
        for kek_id, count in sorted(kept.items()):
            console.print(f"{kek_id}  keeps {count} secrets  MISSING: they do not open until it is put back")

    _with_keys(state, listed)


def rotate_keys(console: Console, state: Path, *, new: bool) -> bool:
    """A new current key, and every secret's key wrapped by it; whether all of them are."""

    async def rotated(database: Database, strongbox: Strongbox) -> bool:
        current = await strongbox.keys.rotate() if new else await strongbox.keys.current()
        # What people are asked for from now on is sealed to a new public key too.
        await Connecting(database, strongbox, Clients(strongbox, CONNECTIONS, KnownAs())).publish_key(days=0)
        result = await rewrap_everything(database, strongbox)
        console.print(f"{current} is current and keeps {result.done} secrets more. The service went on meanwhile.")
        for row in result.closed:
            console.print(f"The secret {row} does not open where it stands: it was moved or altered. Find out why.")
        return not result.closed

    return _with_keys(state, rotated)


def forget_key(console: Console, state: Path, *, kek_id: str) -> None:
    """Only a key that keeps nothing any more."""

    async def forgotten(database: Database, strongbox: Strongbox) -> None:
        async with database.transaction() as session:
            kept = (await secrets_by_key(session)).get(kek_id, 0)
        if kept:
            raise EmbeddedTrouble(f"{kek_id} still keeps {kept} secrets. Run `countersign keys rotate` first.")
        if kek_id not in await strongbox.keys.ids():
            raise EmbeddedTrouble(f"There is no key {kek_id}; `countersign keys list` shows them.")
        await strongbox.keys.forget(kek_id)

    _with_keys(state, forgotten)
    console.print(f"{kek_id} is forgotten.")


def _with_keys(state: Path, act: Callable[[Database, Strongbox], Awaitable[T]]) -> T:
    """Run `act` as the worker's login, with the keys of the settings, else with the running demo's."""
    settings = _settings(state)

    async def run() -> T:
        database = Database(settings.database_url.get_secret_value(), pool_size=2)
        try:
            return await act(database, Strongbox(build_keys(settings)))
        finally:
            await database.close()

    return asyncio.run(run())


def _settings(state: Path) -> KeeperSettings:
    if "DATABASE_URL" in os.environ:
        return read(KeeperSettings)
    kept = operator_url(state)
    if kept is None:
        raise EmbeddedTrouble("Say which database with DATABASE_URL, as countersign_worker, or start the demo in this folder.")
    password = (state / "secrets" / "countersign_worker").read_text().strip()
    server = kept.rpartition("@")[2]
    return KeeperSettings.model_validate(
        {"database_url": f"postgresql://countersign_worker:{password}@{server}", "key_file": str(key_file(state))}
    )
