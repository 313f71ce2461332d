"""Sealing and opening what rests in the database: tokens and the service's own secrets, each bound to its place."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from core.records.service_secrets import ServiceSecret
from core.records.tokens import TokenRecord
from integrations.connections.base import Connection, TokenSet
from integrations.secrets.envelope import Place, Sealed, rewrap, seal, unseal
from integrations.secrets.keyring import KeySource, WrappedKey


class Strongbox:
    """What it returns is used and dropped: nothing is kept open. Raises KeyTrouble, CannotOpen."""

    def __init__(self, keys: KeySource) -> None:
        self.keys = keys

    async def seal_token(
        self, token: TokenSet, *, at: tuple[str, str, str], account_id: UUID, connection_id: UUID, token_id: UUID, version: int
    ) -> Sealed:
        """`at`: the platform, the server that the account lives on, and the account's id there."""
        return await seal(self.keys, _written(token), _place(at, account_id, connection_id, token_id, version))

    async def seal_next(self, record: TokenRecord, token: TokenSet) -> Sealed:
        """A refreshed token, as the version after this record's."""
        return await seal(self.keys, _written(token), _place_of(replace(record, version=record.version + 1)))

    async def open_token(self, record: TokenRecord) -> TokenSet:
        return _read(await unseal(self.keys, _sealed(record), _place_of(record)))

    async def rewrap_token(self, record: TokenRecord) -> WrappedKey:
        return await rewrap(self.keys, _sealed(record), _place_of(record))

    async def seal_own(self, plain: bytes, *, kind: str, subject: str) -> ServiceSecret:
        secret_id = uuid4()
        sealed = await seal(self.keys, plain, Place(kind, (subject, str(secret_id)), 1))
        return ServiceSecret(secret_id, kind, subject, 1, sealed.sealed, sealed.wrapped.wrapped, sealed.wrapped.kek_id)

    async def open_own(self, secret: ServiceSecret) -> bytes:
        return await unseal(self.keys, _sealed(secret), _own_place(secret))

    async def rewrap_own(self, secret: ServiceSecret) -> WrappedKey:
        return await rewrap(self.keys, _sealed(secret), _own_place(secret))


def columns_of(
    token: TokenSet, sealed: Sealed, connection: Connection, *, before: TokenRecord | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """The columns of a token just sealed, `before` it or at the consent `now`.

    `ends_at`: when somebody must consent again, which refreshing does not move where the platform gives a fixed life.
    """
    refreshable = token.refresh_token is not None
    ends = [token.refresh_expires_at if refreshable else token.expires_at]
    if connection.fixed_life is not None:
        ends.append(before.ends_at if before else now + connection.fixed_life if now else None)
    return {
        "sealed": sealed.sealed,
        "wrapped_key": sealed.wrapped.wrapped,
        "kek_id": sealed.wrapped.kek_id,
        "refreshable": refreshable,
        "expires_at": token.expires_at,
        "ends_at": min((at for at in ends if at is not None), default=None),
    }


def _sealed(row: TokenRecord | ServiceSecret) -> Sealed:
    return Sealed(row.sealed, WrappedKey(row.kek_id, row.wrapped_key))


def _place(at: tuple[str, str, str], account_id: UUID, connection_id: UUID, token_id: UUID, version: int) -> Place:
    """Where it may be sent is bound too: an altered server or a Page's token under another's name opens nothing."""
    return Place("token", (*at, str(account_id), str(connection_id), str(token_id)), version)


def _place_of(record: TokenRecord) -> Place:
    at = (record.platform, record.server, record.platform_account_id)
    return _place(at, record.account_id, record.connection_id, record.id, record.version)


def _own_place(secret: ServiceSecret) -> Place:
    return Place(secret.kind, (secret.subject, str(secret.id)), secret.version)


def _written(token: TokenSet) -> bytes:
    times = {name: at.isoformat() for name in ("expires_at", "refresh_expires_at") if (at := getattr(token, name))}
    words = {"access_token": token.access_token, "refresh_token": token.refresh_token, "granted_by": token.granted_by}
    return json.dumps({**words, **times}).encode()


def _read(plain: bytes) -> TokenSet:
    kept = json.loads(plain)
    expires, ends = (
        datetime.fromisoformat(at) if (at := kept.get(name)) else None for name in ("expires_at", "refresh_expires_at")
    )
    return TokenSet(kept["access_token"], kept["refresh_token"], expires, ends, kept["granted_by"])
