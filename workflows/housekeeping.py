"""What must go on whether or not Temporal answers: leases end, overdue posts are noticed, the worker gives a sign of life."""

import asyncio
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from core.records.database import Database
from core.records.unexpected import raise_late_receipts
from core.records.upkeep import beat, end_leases, forget_delivered, leave_word_for_overdue

log = structlog.get_logger(__name__)

EVERY_SECONDS = 2.0
_HEALTH = timedelta(seconds=1)


class Housekeeper:
    """One per worker, from its first moment; `client` is None until Temporal answered once."""

    def __init__(self, database: Database, *, worker: str) -> None:
        self._database = database
        self._worker = worker
        self.client: Client | None = None

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong is said and tried again: without this loop leases would never end."""
        while True:
            try:
                await self.keep_once()
            except Exception as fault:
                log.warning("housekeeping.failed", fault=type(fault).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def keep_once(self) -> None:
        async with self._database.transaction() as session:
            await end_leases(session)
            await leave_word_for_overdue(session)
        async with self._database.transaction() as session:
            await raise_late_receipts(session)
        engine = await self._engine_answers()
        async with self._database.transaction() as session:
            await beat(session, worker=self._worker, engine=engine)
        # By itself and last: if tidying fails, leases still end and the sign of life is given.
        async with self._database.transaction() as session:
            await forget_delivered(session)

    async def _engine_answers(self) -> bool:
        if self.client is None:
            return False
        try:
            return await self.client.service_client.check_health(timeout=_HEALTH)
        except (RPCError, TimeoutError):
            return False
