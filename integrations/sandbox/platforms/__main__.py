"""Serves sandbox platforms on this machine alone, several in one process, each on a port of its own:

    SANDBOX_TOKENS='{"2244994945": "…"}' python -m integrations.sandbox.platforms --parent-pid 4321 --serve '{"platform": "x",
        "port": 8101, "ledger": "x.sqlite", "accounts": [["2244994945", "DeptExamples", "Department for Examples"]]}'

`SANDBOX_TOKENS` maps an account's id to the token it accepts; `SANDBOX_CLIENTS` a platform to the application registered there
(`client_id`, `client_secret`, `redirect_uris`). No secret stands in the arguments.
"""

import argparse
import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from integrations.sandbox.lifeline import die_with_parent
from integrations.sandbox.platforms.app import SERVERS, build
from integrations.sandbox.platforms.authorisation.mounting import SandboxApplication
from integrations.sandbox.platforms.house import SandboxAccount


@dataclass(frozen=True)
class Stand:
    """One platform to serve, as `--serve` names it."""

    platform: str
    port: int
    ledger: Path
    accounts: tuple[SandboxAccount, ...]
    refuse_duplicates: bool = False
    application: SandboxApplication | None = None


def read_stand(given: str, tokens: dict[str, str], clients: dict[str, dict[str, Any]] | None = None) -> Stand:
    """Raises ValueError with a sentence."""
    try:
        asked: dict[str, Any] = json.loads(given)
        platform, port, ledger = str(asked["platform"]), int(asked["port"]), Path(asked["ledger"])
        named = [(str(account_id), str(handle), str(name)) for account_id, handle, name in asked["accounts"]]
    except (ValueError, KeyError, TypeError) as wrong:
        raise ValueError('--serve takes {"platform", "port", "ledger", "accounts": [[id, handle, name], …]}.') from wrong
    if platform not in SERVERS:
        raise ValueError(f"There is no sandbox for {platform}; there are {', '.join(sorted(SERVERS))}.")
    missing = [account_id for account_id, _, _ in named if not tokens.get(account_id)]
    if missing:
        raise ValueError(f"SANDBOX_TOKENS holds no token for account {missing[0]}.")
    reads_only = set(asked.get("reads_only", ()))
    accounts = tuple(
        SandboxAccount(*account, token=tokens[account[0]], may_post=account[0] not in reads_only) for account in named
    )
    registered = (clients or {}).get(platform)
    application = SandboxApplication.read(registered) if registered else None
    return Stand(platform, port, ledger, accounts, bool(asked.get("refuse_duplicates")), application)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m integrations.sandbox.platforms", description="Sandbox platforms.")
    parser.add_argument("--serve", action="append", required=True, metavar="JSON")
    parser.add_argument("--parent-pid", type=int)
    asked = parser.parse_args()
    try:
        tokens = json.loads(os.environ.get("SANDBOX_TOKENS", "{}"))
        clients = json.loads(os.environ.get("SANDBOX_CLIENTS", "{}"))
        stands = [read_stand(given, tokens, clients) for given in asked.serve]
    except ValueError as wrong:
        parser.error(str(wrong))
    if asked.parent_pid is not None:
        die_with_parent(asked.parent_pid)
    asyncio.run(_serve(stands))


async def _serve(stands: list[Stand]) -> None:
    """All of them until told to stop; one that cannot listen ends the others too."""
    servers = [uvicorn.Server(_config(stand)) for stand in stands]
    serving = [asyncio.create_task(server.serve()) for server in servers]
    await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving)


def _config(stand: Stand) -> uvicorn.Config:
    app = build(
        stand.platform,
        accounts=stand.accounts,
        ledger_path=stand.ledger,
        refuse_duplicates=stand.refuse_duplicates,
        application=stand.application,
    )
    # Connections that a lie left hanging must not keep the demo from stopping.
    return uvicorn.Config(
        app, host="127.0.0.1", port=stand.port, log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main()
