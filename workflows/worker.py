"""The worker: activities, workflows, the gate's keeper and the courier in one process. Scale out by running more of them."""

import asyncio
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from workflows.activities.draft import DraftActivities
from workflows.activities.means import Means
from workflows.activities.publication import PublicationActivities
from workflows.authorisation import DraftWorkflow
from workflows.courier import Courier
from workflows.messages import TASK_QUEUE
from workflows.publication import PublicationWorkflow
from workflows.quiet_failures import QuietFailures

log = structlog.get_logger(__name__)

# Longer than a send may take, so that a worker asked to stop finishes the call it is making.
GRACE = timedelta(seconds=25)
WAITING_MOST = 2000
CACHED_WORKFLOWS = 1000


def build_worker(client: Client, means: Means) -> Worker:
    """The Temporal worker with its real activities; `max_cached_workflows` bounds its memory whatever waits."""
    drafts = DraftActivities(means.database)
    publications = PublicationActivities(means)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[DraftWorkflow, PublicationWorkflow],
        activities=[
            drafts.carry_on,
            publications.look,
            publications.publish,
            publications.send_again,
            publications.look_up,
            publications.read_back,
            publications.remove,
        ],
        max_concurrent_activities=WAITING_MOST,
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=100,
        graceful_shutdown_timeout=GRACE,
        interceptors=[QuietFailures()],
    )


async def connect(address: str, *, namespace: str) -> Client:
    """A client once Temporal answers; until then it tries again every second."""
    said = False
    while True:
        try:
            return await Client.connect(address, namespace=namespace)
        except (RPCError, RuntimeError, OSError) as fault:
            if not said:
                log.warning("worker.engine_away", address=address, fault=type(fault).__name__)
                said = True
            await asyncio.sleep(1)


async def run_worker(client: Client, means: Means, stopped: asyncio.Event) -> None:
    """Work until `stopped` is set, then let what is in flight finish within the grace."""
    courier = Courier(means.database, client)
    beside = [asyncio.create_task(means.gate.keep()), asyncio.create_task(courier.run())]
    try:
        async with build_worker(client, means):
            asked = asyncio.create_task(stopped.wait())
            await asyncio.wait([*beside, asked], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            # What waits is anybody's again; leases are kept until the calls that are out have their answers.
            means.gate.close()
    finally:
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault
