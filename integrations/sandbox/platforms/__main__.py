"""Serves one sandbox platform on this machine alone:

    SANDBOX_TOKEN=… python -m integrations.sandbox.platforms --platform x --port 8101 --ledger x.sqlite \
        --account "2244994945:DeptExample:Department for Examples" --parent-pid 4321

Several accounts: `SANDBOX_TOKEN` is then a JSON object from account id to token. Tokens never stand in the arguments.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from integrations.sandbox.lifeline import die_with_parent
from integrations.sandbox.platforms.app import SERVERS, build
from integrations.sandbox.platforms.house import SandboxAccount


def read_accounts(given: Sequence[str], tokens: str) -> list[SandboxAccount]:
    """`id:handle:name` each, with its token from `tokens` (one token, or a JSON object by id). Raises ValueError."""
    by_id = json.loads(tokens) if tokens.startswith("{") else {}
    if not by_id and len(given) > 1:
        raise ValueError("Several accounts need SANDBOX_TOKEN to be a JSON object from account id to token.")
    accounts = []
    for entry in given:
        account_id, handle, name = entry.split(":", 2)
        token = by_id.get(account_id) if by_id else tokens
        if not token:
            raise ValueError(f"SANDBOX_TOKEN holds no token for account {account_id}.")
        accounts.append(SandboxAccount(account_id, handle, name, str(token)))
    return accounts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m integrations.sandbox.platforms", description="One sandbox platform.")
    parser.add_argument("--platform", choices=sorted(SERVERS), required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--account", action="append", required=True, metavar="ID:HANDLE:NAME")
    parser.add_argument("--refuse-duplicates", action="store_true")
    parser.add_argument("--parent-pid", type=int)
    asked = parser.parse_args()
    try:
        accounts = read_accounts(asked.account, os.environ.get("SANDBOX_TOKEN", ""))
    except ValueError as wrong:
        parser.error(str(wrong))
    if asked.parent_pid is not None:
        die_with_parent(asked.parent_pid)
    app = build(asked.platform, accounts=accounts, ledger_path=asked.ledger, refuse_duplicates=asked.refuse_duplicates)
    # Connections that a lie left hanging must not keep the demo from stopping.
    uvicorn.run(app, host="127.0.0.1", port=asked.port, log_level="warning", access_log=False, timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
