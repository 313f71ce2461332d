"""The gate: due posts wait here, claimed and ready, and leave at their instant; one query a second keeps all their leases.

1,000 posts that each wake at the due instant cost the engine a burst; waiting here they only cost their dispatch.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.records.database import Database
from core.records.upkeep import renew_leases

log = structlog.get_logger(__name__)

LEASE_SECONDS = 15.0
EVERY_SECONDS = 1.0
BURST_SECONDS_EACH, BURST_MOST_SECONDS = 0.02, 5.0


@dataclass
class _Waiting:
    draft_revision: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Gate:
    """Where this worker's claimed publications wait. `keep()` must run beside it."""

    def __init__(self, database: Database, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self.lease_seconds = lease_seconds
        self.closed = False
        # By epoch too: one whose lease ended may still be leaving while the same worker has claimed it anew.
        self._waiting: dict[tuple[UUID, int], _Waiting] = {}
        self._ahead = 0.0

    def enter(self, publication_id: UUID, *, epoch: int, draft_revision: int) -> None:
        """From now on its lease is kept, until it leaves."""
        self._waiting[publication_id, epoch] = _Waiting(draft_revision)

    def judged(self, publication_id: UUID, *, epoch: int, draft_revision: int) -> None:
        """It was judged by this revision: a later one wakes it."""
        waiting = self._waiting[publication_id, epoch]
        waiting.draft_revision = draft_revision
        waiting.woken.clear()

    def close(self) -> None:
        """This worker is stopping: nobody waits here any more, another worker may have them."""
        self.closed = True
        for waiting in self._waiting.values():
            waiting.woken.set()

    def leave(self, publication_id: UUID, *, epoch: int) -> None:
        self._waiting.pop((publication_id, epoch), None)

    async def wait(self, publication_id: UUID, until: datetime, *, epoch: int) -> bool:
        """Until the instant by the database's clock (True), or until something changed (False)."""
        waiting = self._waiting[publication_id, epoch]
        seconds = until.timestamp() - (_wall() + self._ahead)
        if seconds <= 0:
            return True
        if self.closed:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting.woken.wait(), timeout=seconds)
        return not waiting.woken.is_set()

    async def after_the_burst(self) -> None:
        """Until most of what is due with it has left: what the engine does once a post is out must not delay the others."""
        await asyncio.sleep(min(BURST_MOST_SECONDS, BURST_SECONDS_EACH * len(self._waiting)))

    async def keep(self) -> None:
        """Once a second: renew every lease here and wake what changed. Runs until cancelled; a database fault is waited out."""
        while True:
            try:
                await self._keep_once()
            except (SQLAlchemyError, OSError) as fault:
                log.warning("gate.leases_not_renewed", waiting=len(self._waiting), fault=type(fault).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def _keep_once(self) -> None:
        entered = list(self._waiting)
        if not entered:
            return
        async with self._database.transaction() as session:
            now, found = await renew_leases(session, waiting=dict(sorted(entered)), lease_seconds=self.lease_seconds)
        self._ahead = now.timestamp() - _wall()
        standing = {(row.id, row.epoch): row for row in found}
        for claim in entered:
            waiting = self._waiting.get(claim)
            if waiting is None:
                continue
            row = standing.get(claim)
            if row is None or row.held or row.draft_revision != waiting.draft_revision:
                waiting.woken.set()


def _wall() -> float:
    return time.time()
