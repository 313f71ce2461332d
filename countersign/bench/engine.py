"""The bare engine: a worker of its own on the same Temporal server, and what drives it.

SANDBOX_URL=… SANDBOX_TOKEN=… python -m countersign.bench.engine --address 127.0.0.1:7233
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from uuid import uuid4

import httpx2
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from countersign.bench.engine_workflows import QUEUE, BareTimer, BareUpdate
from countersign.bench.figures import Latencies
from countersign.bench.wire import timed

AT_ONCE = 20


async def updates(client: Client, count: int, *, at_once: int, warm: int) -> Latencies:
    """That many updates, each of a workflow of its own that already waits."""

    async def start(_: int) -> WorkflowHandle[BareUpdate, None]:
        return await client.start_workflow(BareUpdate.run, id=f"bench-{uuid4()}", task_queue=QUEUE)

    async def update(handle: WorkflowHandle[BareUpdate, None]) -> None:
        await handle.execute_update(BareUpdate.decide)

    handles: list[WorkflowHandle[BareUpdate, None]] = []
    for first in range(0, count + warm, AT_ONCE):
        handles += await asyncio.gather(*(start(n) for n in range(first, min(first + AT_ONCE, count + warm))))
    await timed(handles[:warm], [update] * at_once)
    return await timed(handles[warm:], [update] * at_once)


async def timers(client: Client, at: float, texts: Sequence[str]) -> None:
    """One workflow per text, each with a timer for the same instant."""

    async def start(text: str) -> None:
        await client.start_workflow(BareTimer.run, args=[at, text], id=f"bench-{uuid4()}", task_queue=QUEUE)

    await timed(texts, [start] * AT_ONCE)


class _Activities:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False)

    @activity.defn(name="note")
    async def note(self) -> None:
        return None

    @activity.defn(name="post")
    async def post(self, text: str) -> None:
        (await self._client.post(f"{self._url}/2/tweets", json={"text": text})).raise_for_status()


async def _work(address: str) -> None:
    client = await Client.connect(address)
    activities = _Activities(os.environ["SANDBOX_URL"], os.environ["SANDBOX_TOKEN"])
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareUpdate, BareTimer],
        activities=[activities.note, activities.post],
        max_concurrent_activities=2000,
        max_concurrent_workflow_tasks=100,
    )
    await worker.run()


def main() -> None:
    parser = argparse.ArgumentParser(description="The bare engine's worker.")
    parser.add_argument("--address", required=True)
    asyncio.run(_work(parser.parse_args().address))


if __name__ == "__main__":
    main()
