"""The demo's accounts begin connected: their tokens sealed as the worker would have sealed them after a consent."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid5

import psycopg
from psycopg.types.json import Jsonb

from countersign.demo.seeds import ACCOUNTS, NAMESPACE, account_id
from integrations.connections.base import TokenSet
from integrations.connections.registry import CONNECTIONS
from integrations.secrets.keyring import KeyFile
from workflows.strongbox import Strongbox, columns_of

CALLBACK_NOBODY_USED = "http://127.0.0.1/accounts/callback"


def key_file(state: Path) -> Path:
    return state / "secrets" / "keys.json"


async def seed_tokens(owner_url: str, *, state: Path, asked_by: UUID, tokens: Mapping[str, str]) -> None:
    """One consent in force per account of the demo, once: what people disconnected since stays disconnected."""
    strongbox = Strongbox(KeyFile(key_file(state)))
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        await connection.execute("SET ROLE countersign_owner")
        for platform, (platform_id, handle, name) in ACCOUNTS.items():
            account, consent = account_id(platform), uuid5(NAMESPACE, f"consent:{platform}")
            found = Jsonb([{"platform_account_id": platform_id, "handle": handle, "name": name}])
            begun = await connection.execute(
                "INSERT INTO connection (id, account_id, asked_by, state_hash, browser, redirect_uri, status, found) "
                "SELECT %s, %s, %s, '', '', %s, 'connected', %s "
                "WHERE NOT EXISTS (SELECT 1 FROM connection WHERE account_id = %s) RETURNING id",
                (consent, account, asked_by, CALLBACK_NOBODY_USED, found, account),
            )
            if await begun.fetchone() is None:
                continue
            token, token_id = TokenSet(tokens[platform]), uuid5(NAMESPACE, f"token:{platform}")
            sealed = await strongbox.seal_token(
                token,
                at=(platform, "", platform_id),
                account_id=account,
                connection_id=consent,
                token_id=token_id,
                version=1,
            )
            row = columns_of(token, sealed, CONNECTIONS[platform])
            await connection.execute(
                "INSERT INTO token (id, connection_id, platform_account_id, sealed, wrapped_key, kek_id, refreshable) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (token_id, consent, platform_id, row["sealed"], row["wrapped_key"], row["kek_id"], row["refreshable"]),
            )
