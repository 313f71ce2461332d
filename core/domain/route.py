"""Routes, plans and progress: which people must say yes to a draft (derived from paragraphs 36 and 37).

A route is data; evaluated for one version it is a plan; `progress` says from the plan and the decisions what is open.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Answer(StrEnum):
    """What a person may decide at a step."""

    AUTHORISE = "authorise"
    ASK_FOR_CHANGES = "ask_for_changes"
    REJECT = "reject"


@dataclass(frozen=True)
class Step:
    """One step of a plan: a step role of the authority register, and how many of its holders must authorise."""

    number: int
    role: str
    label: str
    quorum: int
    paragraph: int = 36


@dataclass(frozen=True)
class Plan:
    """The concrete steps one submission must pass, in order; frozen at submission with the routes it came from."""

    steps: tuple[Step, ...]
    routes: tuple[str, ...]

    def step(self, number: int) -> Step | None:
        return next((step for step in self.steps if step.number == number), None)


@dataclass(frozen=True)
class Decision:
    """One person's decision at one step of a submission, over a digest."""

    step: int
    person_id: UUID
    answer: Answer
    digest: str
    authority_id: UUID
    at: datetime


class Stage(StrEnum):
    """Where a submission stands by its decisions alone."""

    OPEN = "open"
    AUTHORISED = "authorised"
    CHANGES_ASKED = "changes_asked"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Progress:
    """`open_steps` are the steps that wait for people now; `authorised_at` is when the last of them was met."""

    stage: Stage
    open_steps: tuple[Step, ...]
    met: tuple[int, ...]
    authorised_at: datetime | None


def progress(plan: Plan, decisions: tuple[Decision, ...], digest: str) -> Progress:
    """Where the plan stands. Decisions over another digest count for nothing; a no ends it; steps open one after another.

    No step is met by nobody, whatever quorum its route names (promise 8).
    """
    counted = [decision for decision in decisions if decision.digest == digest]
    for answer, stage in ((Answer.REJECT, Stage.REJECTED), (Answer.ASK_FOR_CHANGES, Stage.CHANGES_ASKED)):
        if any(decision.answer is answer for decision in counted):
            return Progress(stage, (), (), None)
    met: list[int] = []
    for step in plan.steps:
        people = {decision.person_id for decision in counted if decision.step == step.number}
        if len(people) < max(1, step.quorum):
            return Progress(Stage.OPEN, (step,), tuple(met), None)
        met.append(step.number)
    at = max((decision.at for decision in counted), default=None)
    if at is None:
        # A plan without a single authorisation authorises nothing (fails towards people, promise 8).
        return Progress(Stage.OPEN, (), (), None)
    return Progress(Stage.AUTHORISED, (), tuple(met), at)


def plan_from(route_steps: list[list[dict[str, Any]]], routes: tuple[str, ...]) -> Plan:
    """One plan from the routes of every target account: each role once, with the highest quorum any of them asks."""
    merged: dict[str, dict[str, Any]] = {}
    for steps in route_steps:
        for step in steps:
            known = merged.setdefault(step["role"], dict(step))
            known["quorum"] = max(known["quorum"], step["quorum"])
    return Plan(
        steps=tuple(
            Step(number, step["role"], step["label"], step["quorum"], step.get("paragraph", 36))
            for number, step in enumerate(merged.values(), start=1)
        ),
        routes=routes,
    )


def plan_as_data(plan: Plan) -> dict[str, Any]:
    return {
        "routes": list(plan.routes),
        "steps": [
            {"number": s.number, "role": s.role, "label": s.label, "quorum": s.quorum, "paragraph": s.paragraph}
            for s in plan.steps
        ],
    }


def plan_in(data: dict[str, Any]) -> Plan:
    return Plan(steps=tuple(Step(**step) for step in data["steps"]), routes=tuple(data["routes"]))
