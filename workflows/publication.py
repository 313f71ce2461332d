"""`publication-{id}`: claims early, waits at the gate, makes one call, reads back. After any failure it reads the state."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from workflows.contracts import PublicationContract
from workflows.messages import PublicationStand

QUICK = timedelta(seconds=15)
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))
# One attempt for the irreversible: whatever went wrong, the rows say how far it came.
ONCE = RetryPolicy(maximum_attempts=1)
AT_THE_GATE = timedelta(minutes=10)
SIGN_OF_LIFE = timedelta(seconds=10)
# A thousand that wait at the gate would keep the engine busy with signs of life alone: there the lease says who is gone.
SIGN_OF_LIFE_AT_THE_GATE = timedelta(seconds=60)
# An activity that a worker took and died with before it claimed has no lease that could end.
CLAIMED_WITHIN = timedelta(seconds=10)
# What makes a call that publishes, and what may be repeated; each with the words that Temporal's own pages show.
CALLS = {
    "publish": (PublicationContract.publish, "publish at its time"),
    "send_again": (PublicationContract.send_again, "send again"),
}
READS = {
    "read_back": (PublicationContract.read_back, "read back"),
    "look_up": (PublicationContract.look_up, "look it up"),
    "remove": (PublicationContract.remove, "take down"),
}


def _nobody_asks(call: "asyncio.Task[str]") -> None:
    """Whatever became of it is in the rows; asking keeps Python from complaining that nobody did."""
    if not call.cancelled():
        call.exception()


@workflow.defn(name="publication")
class PublicationWorkflow:
    @workflow.init
    def __init__(self, publication_id: str) -> None:
        self._again = True

    @workflow.signal
    def look_again(self) -> None:
        """Something about the publication or its draft changed; what, is in the rows."""
        self._again = True

    @workflow.run
    async def run(self, publication_id: str) -> str:
        """Until the service has nothing left to do for it: it is final, or it waits for a person."""
        while True:
            self._again = False
            stand = await self._look(publication_id)
            workflow.set_current_details(f"{stand.state}: {stand.need}")
            if stand.need == "nothing":
                if self._again:
                    continue
                return stand.state
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(publication_id)
            if not await self._wait(stand.at, for_word=stand.need == "wait"):
                continue
            if stand.need in CALLS:
                await self._call(stand, publication_id)
            elif stand.need in READS:
                after = await self._read(stand.need, publication_id)
                if after.need == stand.need:
                    await self._wait(after.at, for_word=False)

    async def _look(self, publication_id: str) -> PublicationStand:
        return await workflow.execute_activity_method(
            PublicationContract.look, publication_id, start_to_close_timeout=QUICK, retry_policy=PATIENT, summary="look"
        )

    async def _call(self, before: PublicationStand, publication_id: str) -> None:
        publish, summary = CALLS[before.need]
        leases_tell = workflow.patched("leases-tell-who-is-gone")
        call = workflow.start_activity_method(
            publish,
            publication_id,
            start_to_close_timeout=AT_THE_GATE,
            heartbeat_timeout=SIGN_OF_LIFE_AT_THE_GATE if leases_tell else SIGN_OF_LIFE,
            retry_policy=ONCE,
            summary=summary,
        )
        if leases_tell and not await self._still_ours(call, before.epoch, publication_id):
            # Left to itself, not cancelled: an abandoned activity that fails afterwards would stop the workflow for ever (seen
            # with SDK 1.35: "ActivityMachine in state Canceled"). Its epoch fences it off from the rows.
            call.add_done_callback(_nobody_asks)
            return
        try:
            await call
        except ActivityError:
            # A worker that stops reports its activities as cancelled; only a workflow that was cancelled itself ends here.
            if workflow.cancellation_reason() is not None:
                raise

    async def _still_ours(self, call: workflow.ActivityHandle[str], epoch: int, publication_id: str) -> bool:
        """True when the call has ended; False when word came and it has lost its claim, or never came to one: its worker is
        gone, or fenced off for good."""
        began = workflow.now()
        while True:
            await workflow.wait_condition(lambda: call.done() or self._again)
            if call.done():
                return True
            self._again = False
            stand = await self._look(publication_id)
            lost = stand.epoch > epoch or workflow.now() - began > CLAIMED_WITHIN
            if stand.need != "wait" and lost and not call.done():
                self._again = True
                return False

    async def _read(self, need: str, publication_id: str) -> PublicationStand:
        """Reading is harmless, and so is removing what is gone: repeated, at the distance that the answer names."""
        read, summary = READS[need]
        return await workflow.execute_activity_method(
            read,
            publication_id,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=SIGN_OF_LIFE,
            retry_policy=PATIENT,
            summary=summary,
        )

    async def _wait(self, until: float | None, *, for_word: bool) -> bool:
        """True once the instant has come; False if word came before it. `for_word`: without an instant, wait for word."""
        if until is None:
            if for_word:
                await workflow.wait_condition(lambda: self._again)
            return not for_word
        seconds = until - workflow.time()
        if seconds <= 0:
            return True
        try:
            await workflow.wait_condition(lambda: self._again, timeout=timedelta(seconds=seconds), timeout_summary="until due")
        except TimeoutError:
            return True
        return False
