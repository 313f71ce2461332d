"""Codes, tokens and applications of one sandbox platform, in a SQLite file beside its ledger; of secrets only the SHA-256."""

import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS applications (
    client_id TEXT PRIMARY KEY, secret TEXT NOT NULL, redirect_uris TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    hash TEXT PRIMARY KEY, kind TEXT NOT NULL, family TEXT NOT NULL, client_id TEXT NOT NULL, holder TEXT NOT NULL,
    accounts TEXT NOT NULL, challenge TEXT NOT NULL, redirect_uri TEXT NOT NULL, ends_at TEXT, used_at TEXT, revoked_at TEXT);
CREATE INDEX IF NOT EXISTS tokens_by_family ON tokens (family);
"""
_COLUMNS = "kind, family, client_id, holder, accounts, challenge, redirect_uri, ends_at, used_at, revoked_at"


@dataclass(frozen=True)
class Application:
    """An application that people may allow in. `secret` is the SHA-256 of its secret."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]
    name: str

    def knows(self, secret: str) -> bool:
        return secrets.compare_digest(self.secret, digest(secret))


@dataclass(frozen=True)
class Grant:
    """What a code or token is good for. `family`: everything that came from one consent. `ends_at` None: never."""

    kind: str
    family: str
    client_id: str
    holder: str
    accounts: tuple[str, ...]
    challenge: str = ""
    redirect_uri: str = ""
    ends_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    def live(self, now: datetime) -> bool:
        return self.revoked_at is None and not self.expired(now)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class TokenStore:
    """Every method is one committed transaction, so that a restart forgets nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = Lock()
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; " + _SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def keep_application(self, client_id: str, secret: str, redirect_uris: tuple[str, ...], name: str) -> None:
        self._run(
            "INSERT OR REPLACE INTO applications VALUES (?, ?, ?, ?)", client_id, digest(secret), json.dumps(redirect_uris), name
        )

    def application(self, client_id: str) -> Application | None:
        rows = self._run("SELECT client_id, secret, redirect_uris, name FROM applications WHERE client_id = ?", client_id)
        return Application(rows[0][0], rows[0][1], tuple(json.loads(rows[0][2])), rows[0][3]) if rows else None

    def issue(self, grant: Grant, token: str = "") -> str:
        """A new secret that is good for this; `token` where the platform's secrets have a shape of their own."""
        token = token or secrets.token_urlsafe(32)
        self._run(
            f"INSERT INTO tokens (hash, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",  # noqa: S608 - constants
            *(digest(token), grant.kind, grant.family, grant.client_id, grant.holder, json.dumps(grant.accounts)),
            *(grant.challenge, grant.redirect_uri, grant.ends_at.isoformat() if grant.ends_at else None),
        )
        return token

    def find(self, token: str, *kinds: str) -> Grant | None:
        """What this is or was good for, if it is of one of these kinds (or `kinds` is empty)."""
        rows = self._run(f"SELECT {_COLUMNS} FROM tokens WHERE hash = ?", digest(token))  # noqa: S608 - constants
        return _grant(rows[0]) if rows and (not kinds or rows[0][0] in kinds) else None

    def all(self) -> list[Grant]:
        return [_grant(row) for row in self._run(f"SELECT {_COLUMNS} FROM tokens ORDER BY rowid")]  # noqa: S608 - constants

    def use_once(self, token: str, now: datetime) -> bool:
        """True for exactly one caller, however many come at once."""
        marked = "UPDATE tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL RETURNING hash"
        return bool(self._run(marked, now.isoformat(), digest(token)))

    def revoke(self, token: str, now: datetime) -> None:
        self._run("UPDATE tokens SET revoked_at = ? WHERE hash = ? AND revoked_at IS NULL", now.isoformat(), digest(token))

    def revoke_family(self, family: str, now: datetime) -> None:
        self._run("UPDATE tokens SET revoked_at = ? WHERE family = ? AND revoked_at IS NULL", now.isoformat(), family)

    def revoke_holder(self, holder: str, client_id: str, now: datetime) -> None:
        """The person takes back everything they allowed this application."""
        self._run(
            "UPDATE tokens SET revoked_at = ? WHERE holder = ? AND client_id = ? AND revoked_at IS NULL",
            *(now.isoformat(), holder, client_id),
        )

    def revoke_everything(self, now: datetime) -> None:
        self._run("UPDATE tokens SET revoked_at = ? WHERE revoked_at IS NULL", now.isoformat())

    def expire(self, kinds: tuple[str, ...], now: datetime) -> None:
        """Tokens of these kinds end now."""
        for kind in kinds:
            self._run("UPDATE tokens SET ends_at = ? WHERE kind = ?", now.isoformat(), kind)

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _grant(row: tuple[Any, ...]) -> Grant:
    kind, family, client_id, holder, accounts, challenge, redirect_uri, *times = row
    instants = [datetime.fromisoformat(time).astimezone(UTC) if time else None for time in times]
    return Grant(kind, family, client_id, holder, tuple(json.loads(accounts)), challenge, redirect_uri, *instants)
