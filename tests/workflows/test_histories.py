"""Lives that began under an older definition go on under this one: recorded histories replay, fingerprints stand."""

import base64
import json
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.workflows.record import FINGERPRINTS, HISTORIES
from tests.workflows.variants import VARIANTS, fingerprint, played
from workflows.authorisation import DraftWorkflow
from workflows.messages import DraftStand, PublicationStand
from workflows.publication import PublicationWorkflow

pytestmark = pytest.mark.anyio

RECORDED = sorted(path for path in HISTORIES.glob("*.json") if path != FINGERPRINTS)
# Lives that began under earlier definitions, kept for as long as one of them may still run.
EARLIER = sorted((HISTORIES / "earlier").glob("*.json"))
CHANGES = {"leases-tell-who-is-gone"}
MESSAGE_FIELDS = {field.name for message in (DraftStand, PublicationStand) for field in fields(message)}
each_recording = pytest.mark.parametrize("recording", RECORDED, ids=lambda path: path.stem)


def history_in(recording: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(f"{recording.stem}", recording.read_text())


@pytest.mark.parametrize("recording", [*RECORDED, *EARLIER], ids=lambda path: f"{path.parent.stem} {path.stem}")
async def test_a_recorded_life_replays_in_the_workflow_sandbox(recording: Path) -> None:
    await Replayer(workflows=[DraftWorkflow, PublicationWorkflow]).replay_workflow(history_in(recording))


def test_every_variant_is_recorded() -> None:
    assert {path.stem for path in RECORDED} == set(VARIANTS) == set(json.loads(FINGERPRINTS.read_text()))


@workflow.defn(name="publication")
class Hasty:
    """A definition that forgot its first look."""

    @workflow.run
    async def run(self, publication_id: str) -> str:
        await workflow.sleep(1)
        return "published"


async def test_a_definition_that_acts_in_another_order_does_not_replay() -> None:
    replayer = Replayer(workflows=[Hasty], workflow_runner=UnsandboxedWorkflowRunner())
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(history_in(HISTORIES / "publication_published.json"))


@pytest.mark.temporal
@pytest.mark.parametrize("name", VARIANTS)
async def test_the_order_of_commands_is_the_committed_one(client: Client, name: str) -> None:
    """If this change is meant, gate it with workflow.patched() and run `python -m tests.workflows.record`."""
    assert fingerprint(await played(client, VARIANTS[name])) == json.loads(FINGERPRINTS.read_text())[name]


def payloads(data: Any) -> list[Any]:
    """Every payload anywhere in a history, decoded."""
    if isinstance(data, list):
        return [found for item in data for found in payloads(item)]
    if not isinstance(data, dict):
        return []
    if "metadata" in data and "data" in data:
        return [json.loads(base64.b64decode(data["data"]))]
    return [found for value in data.values() for found in payloads(value)]


@each_recording
def test_histories_hold_ids_and_stages_alone(recording: Path) -> None:
    for value in payloads(json.loads(recording.read_text())):
        if names_a_change(value):
            continue
        if isinstance(value, dict):
            assert set(value) <= MESSAGE_FIELDS
            assert all(word is None or not isinstance(word, str) or word.replace("_", "").isalpha() for word in value.values())
        else:
            assert is_id(value) or (value.replace("_", " ").replace(" ", "").isalpha() and len(value) < 30), value


def names_a_change(value: Any) -> bool:
    """What `workflow.patched()` writes: which changes of the definition this life knows."""
    if isinstance(value, dict) and set(value) == {"id", "deprecated"}:
        value = [value["id"]]
    return isinstance(value, list) and all(change in CHANGES for change in value)


def is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
