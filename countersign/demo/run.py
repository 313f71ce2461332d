"""`countersign demo`: start everything, seed it once, say where it is, and stop everything again."""

import asyncio
import signal
import threading
from pathlib import Path

from rich.console import Console

from core.records.database import Database
from countersign.demo.first_drafts import FirstDrafts, has_drafts, known_people
from countersign.demo.operator import leave_operator_url
from countersign.demo.parts import SANDBOXES, Parts
from countersign.demo.seeds import TO_CONNECT, seed_register
from countersign.demo.tokens import seed_tokens
from countersign.embedded.state import claimed
from countersign.embedded.trouble import EmbeddedTrouble
from integrations.sandbox.identity import PEOPLE
from integrations.store import MediaStore


def run_demo(state: Path, *, port: int, console: Console) -> None:
    """Until Ctrl-C. Raises EmbeddedTrouble if something cannot start or a part dies unasked; nothing is left running."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    with claimed(state):
        parts = Parts(state, port=port, say=lambda words: console.print(f"  {words}"))
        try:
            console.print("Starting Countersign …")
            parts.start()
            asyncio.run(seed(parts))
            parts.wait_for_api()
            leave_operator_url(parts.state, parts.login("countersign_api"))
            _tell(parts, console)
            while not stopping.is_set():
                if death := parts.children.watch(0.5):
                    raise EmbeddedTrouble(f"{death.sentence} Everything else was stopped; start again with `make demo`.")
        finally:
            parts.stop()
    console.print("\nStopped. Your data stays in [bold]" + str(state) + "[/bold]; `make demo-reset` forgets it.")


async def seed(parts: Parts, *, drafts: bool = True) -> None:
    """People, register and first drafts; repeated starts change nothing."""
    database = Database(parts.login("countersign_api"), pool_size=2)
    try:
        people = await known_people(database, parts.issuer)
        owner = parts.login("countersign_migrator")
        servers = {platform: parts.addresses.url(platform) for platform in TO_CONNECT}
        seed_register(owner, people={subject: who.id for subject, who in people.items()}, servers=servers)
        await seed_tokens(owner, state=parts.state, asked_by=people["marcus"].id, tokens=parts.secrets.tokens)
        if drafts and not await has_drafts(database):
            await FirstDrafts(database, MediaStore.at(str(parts.state / "media")), people).write()
    finally:
        await database.close()


def _tell(parts: Parts, console: Console) -> None:
    console.print(f"\n[bold]Countersign is at {parts.base_url}[/bold]\n")
    console.print("Sign in as (no password is asked):")
    for who in PEOPLE.values():
        roles = ", ".join(role.replace("_", " ") for role in who.roles) or "no role: sees what such a person sees"
        console.print(f"  {who.name:16} {roles}")
    console.print("\nWhat was published shows on the sandbox platforms:")
    for platform in SANDBOXES:
        console.print(f"  {platform:16} {parts.addresses.url(platform)}")
    password = parts.state / "secrets" / "token_bluesky"
    console.print(f"\nMarcus and Grace can connect Bluesky and Mastodon; the app password for Bluesky stands in {password}.")
    console.print("Ctrl-C stops everything.")
