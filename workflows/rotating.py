"""Wrapping every secret's own key again under the current key-encryption key, one row at a time, while the service goes on.

Only wrapped keys change, never a secret. Stopped half way it goes on where it was: what is left are the rows under other keys.
"""

from dataclasses import dataclass
from uuid import UUID

from core.records.database import Database
from core.records.service_secrets import next_service_secret_under_another_key, store_service_rewrapped
from core.records.tokens import next_under_another_key, store_rewrapped
from integrations.secrets.trouble import CannotOpen
from workflows.strongbox import Strongbox

_FIRST = UUID(int=0)


@dataclass(frozen=True)
class Rewrapped:
    """`closed`: rows that do not open where they stand, left as they are; somebody must ask why."""

    done: int
    closed: tuple[UUID, ...]


async def rewrap_everything(database: Database, strongbox: Strongbox) -> Rewrapped:
    """Raises KeyTrouble if the key source stops answering; what is done by then is done."""
    current = await strongbox.keys.current()
    tokens = await _rewrap_tokens(database, strongbox, current)
    own = await _rewrap_own(database, strongbox, current)
    return Rewrapped(tokens.done + own.done, tokens.closed + own.closed)


async def _rewrap_tokens(database: Database, strongbox: Strongbox, current: str) -> Rewrapped:
    after, done, closed = _FIRST, 0, list[UUID]()
    while True:
        async with database.transaction() as session:
            record = await next_under_another_key(session, current, after=after)
            if record is None:
                return Rewrapped(done, tuple(closed))
            after = record.id
            try:
                key = await strongbox.rewrap_token(record)
            except CannotOpen:
                closed.append(record.id)
                continue
            await store_rewrapped(session, record.id, wrapped_key=key.wrapped, kek_id=key.kek_id)
            done += 1


async def _rewrap_own(database: Database, strongbox: Strongbox, current: str) -> Rewrapped:
    after, done, closed = _FIRST, 0, list[UUID]()
    while True:
        async with database.transaction() as session:
            secret = await next_service_secret_under_another_key(session, current, after=after)
            if secret is None:
                return Rewrapped(done, tuple(closed))
            after = secret.id
            try:
                key = await strongbox.rewrap_own(secret)
            except CannotOpen:
                closed.append(secret.id)
                continue
            await store_service_rewrapped(session, secret.id, wrapped_key=key.wrapped, kek_id=key.kek_id)
            done += 1
