"""Lives of the two workflows, played on a real Temporal with activities that answer by a script: to record and to compare."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Worker

from workflows.authorisation import DraftWorkflow
from workflows.contracts import DraftContract, PublicationContract
from workflows.messages import DraftStand, PublicationStand
from workflows.publication import PublicationWorkflow

SUBJECT = "00000000-0000-4000-8000-00000000005e"
FAILS, HANGS, COMES_BACK, LATER = "fails", "hangs", "comes back and fails", "later"
SOON, FAR = 0.3, 3600.0

Answer = DraftStand | PublicationStand | str


@dataclass(frozen=True)
class Variant:
    """What the activities answer, call by call; `words` are sent one by one while it waits. `at` counts from the answer."""

    workflow: str
    answers: Sequence[Answer]
    words: int = 0


def stands(state: str, need: str, at: float | None = None, epoch: int = 0) -> PublicationStand:
    return PublicationStand(state, need, at, epoch)


VARIANTS = {
    "publication_published": Variant(
        "publication",
        (
            stands("scheduled", "publish", SOON),
            "accepted",
            stands("published", "read_back"),
            stands("verified", "nothing"),
            stands("verified", "nothing"),
        ),
    ),
    "publication_read_back_twice": Variant(
        "publication",
        (
            stands("published", "read_back"),
            stands("published", "read_back", SOON),
            stands("published", "read_back"),
            stands("mismatch", "nothing"),
            stands("mismatch", "nothing"),
        ),
    ),
    "publication_whose_worker_died": Variant(
        "publication",
        (
            stands("scheduled", "publish"),
            FAILS,
            stands("claimed", "wait", SOON),
            stands("scheduled", "publish"),
            "unknown",
            stands("unknown", "nothing"),
        ),
    ),
    "publication_whose_worker_is_gone": Variant(
        "publication",
        (
            stands("scheduled", "publish"),
            HANGS,
            stands("claimed", "wait", FAR, epoch=1),
            stands("scheduled", "publish", epoch=1),
            stands("scheduled", "publish", epoch=1),
            "accepted",
            stands("published", "nothing", epoch=2),
            stands("published", "nothing", epoch=2),
        ),
        words=2,
    ),
    # An abandoned activity that fails while its workflow goes on: cancelled, it would stop the workflow for ever.
    "publication_whose_worker_came_back": Variant(
        "publication",
        (
            stands("scheduled", "publish"),
            COMES_BACK,
            stands("scheduled", "publish", epoch=1),
            stands("scheduled", "publish", epoch=1),
            LATER,
            stands("published", "nothing", epoch=2),
            stands("published", "nothing", epoch=2),
        ),
        words=1,
    ),
    "publication_told_while_it_waits": Variant(
        "publication", (stands("scheduled", "publish", FAR), stands("withdrawn", "nothing")), words=1
    ),
    "publication_unknown_and_sent_again": Variant(
        "publication",
        (
            stands("unknown", "look_up", SOON),
            stands("unknown", "nothing"),
            stands("unknown", "send_again"),
            "accepted",
            stands("published", "read_back"),
            stands("verified", "nothing"),
            stands("verified", "nothing"),
        ),
    ),
    "publication_taken_down": Variant(
        "publication",
        (
            stands("verified", "remove"),
            stands("removing", "remove", SOON),
            stands("removing", "remove"),
            stands("removed", "nothing"),
            stands("removed", "nothing"),
        ),
    ),
    "draft_authorised_and_published": Variant(
        "draft",
        (DraftStand("awaiting", False, FAR), DraftStand("authorised", False, None), DraftStand("published", True)),
        words=2,
    ),
    "draft_whose_window_ended": Variant("draft", (DraftStand("awaiting", False, SOON), DraftStand("expired", True))),
}


class Scripted(DraftContract, PublicationContract):
    """Every activity gives the next answer of the script."""

    def __init__(self, variant: Variant) -> None:
        self._answers = list(variant.answers)

    def _next(self) -> Answer:
        answer = self._answers.pop(0)
        if answer == FAILS:
            raise RuntimeError("The worker died.")
        if isinstance(answer, DraftStand) and answer.look_again_at is not None:
            return replace(answer, look_again_at=time.time() + answer.look_again_at)
        if isinstance(answer, PublicationStand) and answer.at is not None:
            return replace(answer, at=time.time() + answer.at)
        return answer

    @activity.defn(name="carry_draft_on")
    async def carry_on(self, draft_id: str) -> DraftStand:
        answer = self._next()
        assert isinstance(answer, DraftStand)
        return answer

    @activity.defn(name="look_at_publication")
    async def look(self, publication_id: str) -> PublicationStand:
        return self._stand()

    @activity.defn(name="publish")
    async def publish(self, publication_id: str) -> str:
        answer = self._word()
        if answer == HANGS:
            await asyncio.sleep(10)
        if answer == COMES_BACK:
            await asyncio.sleep(2.5)
            raise RuntimeError("Its claim was lost meanwhile.")
        if answer == LATER:
            await asyncio.sleep(4)
        return answer

    @activity.defn(name="send_publication_again")
    async def send_again(self, publication_id: str) -> str:
        return self._word()

    @activity.defn(name="look_publication_up")
    async def look_up(self, publication_id: str) -> PublicationStand:
        return self._stand()

    @activity.defn(name="remove_publication")
    async def remove(self, publication_id: str) -> PublicationStand:
        return self._stand()

    @activity.defn(name="read_publication_back")
    async def read_back(self, publication_id: str) -> PublicationStand:
        return self._stand()

    def _word(self) -> str:
        answer = self._next()
        assert isinstance(answer, str)
        return answer

    def _stand(self) -> PublicationStand:
        answer = self._next()
        assert isinstance(answer, PublicationStand)
        return answer


async def played(client: Client, variant: Variant) -> WorkflowHistory:
    """The history of one life from start to end."""
    scripted, queue = Scripted(variant), f"variants-{uuid4()}"
    run = DraftWorkflow.run if variant.workflow == "draft" else PublicationWorkflow.run
    async with Worker(
        client,
        task_queue=queue,
        workflows=[DraftWorkflow, PublicationWorkflow],
        activities=[
            *(scripted.carry_on, scripted.look, scripted.publish, scripted.send_again),
            *(scripted.look_up, scripted.read_back, scripted.remove),
        ],
    ):
        handle = await client.start_workflow(run, SUBJECT, id=f"{variant.workflow}-{uuid4()}", task_queue=queue)
        for _ in range(variant.words):
            await asyncio.sleep(1)
            await handle.signal("look_again")
        await handle.result()
    return await handle.fetch_history()


def fingerprint(history: WorkflowHistory) -> list[str]:
    """The workflow's commands in order: what a change of its definition must not silently change."""
    commands = []
    for event in history.events:
        kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
        if event.HasField("activity_task_scheduled_event_attributes"):
            commands.append(f"{kind} {event.activity_task_scheduled_event_attributes.activity_type.name}")
        elif kind in COMMANDS:
            commands.append(kind)
    return commands


COMMANDS = {
    "timer_started",
    "timer_canceled",
    "marker_recorded",
    "activity_task_cancel_requested",
    "workflow_execution_completed",
    "workflow_execution_failed",
    "workflow_execution_canceled",
    "workflow_execution_continued_as_new",
}
