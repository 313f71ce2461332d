"""The bare engine's workflows: an update with one activity, and a timer with one activity. Nothing heavy is imported here."""

import asyncio
from datetime import timedelta

from temporalio import workflow

QUEUE = "bench"
_QUICK = timedelta(seconds=60)


@workflow.defn(name="bare_update")
class BareUpdate:
    def __init__(self) -> None:
        self._done = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._done)

    @workflow.update
    async def decide(self) -> None:
        """One activity, and the workflow ends."""
        await workflow.execute_activity("note", start_to_close_timeout=_QUICK)
        self._done = True


@workflow.defn(name="bare_timer")
class BareTimer:
    @workflow.run
    async def run(self, at: float, text: str) -> None:
        """Sleep until `at` (seconds since the epoch), then post."""
        await asyncio.sleep(max(0.0, at - workflow.time()))
        await workflow.execute_activity("post", text, start_to_close_timeout=_QUICK)
