"""The courier: delivers each *look again* by signal-with-start.

The api has no connection to Temporal; this loop in the worker is the only way word gets there.
"""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from core.records.database import Database
from core.records.upkeep import Message, give_back, mark_delivered, take_messages
from workflows.authorisation import DraftWorkflow
from workflows.messages import TASK_QUEUE, draft_workflow_id, publication_workflow_id
from workflows.publication import PublicationWorkflow

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
AT_ONCE = 20
_RPC = timedelta(seconds=5)


class Courier:
    """One per worker; any number may run, and deliver nothing twice that would matter: the rows are the truth."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Until cancelled. A fault of the database or of Temporal is waited out, never fatal."""
        while True:
            try:
                delivered = await self.deliver_once()
            except (SQLAlchemyError, OSError) as fault:
                log.warning("courier.database_away", fault=type(fault).__name__)
                delivered = 0
                await asyncio.sleep(1)
            if not delivered:
                await asyncio.sleep(POLL_SECONDS)

    async def deliver_once(self) -> int:
        """Deliver what waits; returns how many messages arrived. What did not is given back."""
        async with self._database.transaction() as session:
            messages = await take_messages(session)
        if not messages:
            return 0
        arrived = await asyncio.gather(*(self._deliver(message) for message in messages))
        done = [i for message, ok in zip(messages, arrived, strict=True) if ok for i in message.ids]
        failed = [i for message, ok in zip(messages, arrived, strict=True) if not ok for i in message.ids]
        async with self._database.transaction() as session:
            await mark_delivered(session, done)
            await give_back(session, failed)
        if failed:
            await asyncio.sleep(1)
        return len(done)

    async def _deliver(self, message: Message) -> bool:
        subject = str(message.subject_id)
        workflow, workflow_id = (
            (DraftWorkflow.run, draft_workflow_id(subject))
            if message.kind == "draft"
            else (PublicationWorkflow.run, publication_workflow_id(subject))
        )
        async with self._slots:
            try:
                await self._client.start_workflow(
                    workflow,
                    subject,
                    id=workflow_id,
                    task_queue=TASK_QUEUE,
                    start_signal="look_again",
                    rpc_timeout=_RPC,
                )
            except (RPCError, TimeoutError) as fault:
                log.warning("courier.engine_away", kind=message.kind, fault=type(fault).__name__)
                return False
        return True
