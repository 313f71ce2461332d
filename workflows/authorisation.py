"""`draft-{id}`: opens steps, waits, starts publications, finishes. The rows are the truth; a message says only *look again*."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.contracts import DraftContract

QUICK = timedelta(seconds=15)
# The database may be away for hours: the workflow goes on asking, no slower than every half minute.
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name="draft")
class DraftWorkflow:
    @workflow.init
    def __init__(self, draft_id: str) -> None:
        self._again = True

    @workflow.signal
    def look_again(self) -> None:
        """Something about the draft changed; what, is in the rows."""
        self._again = True

    @workflow.run
    async def run(self, draft_id: str) -> str:
        """Until nothing is left to do for this draft; a later act starts the workflow again."""
        while True:
            self._again = False
            stand = await workflow.execute_activity_method(
                DraftContract.carry_on, draft_id, start_to_close_timeout=QUICK, retry_policy=PATIENT, summary="carry on"
            )
            workflow.set_current_details(f"{stand.stage}")
            if self._again:
                continue
            if stand.finished:
                return stand.stage
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(draft_id)
            await self._wait(stand.look_again_at)

    async def _wait(self, until: float | None) -> None:
        """For word, or for the instant."""
        if until is None:
            await workflow.wait_condition(lambda: self._again)
            return
        seconds = until - workflow.time()
        if seconds > 0:
            try:
                await workflow.wait_condition(
                    lambda: self._again, timeout=timedelta(seconds=seconds), timeout_summary="next deadline"
                )
            except TimeoutError:
                return
