"""What the API answers about the record: publications, accounts, the audit trail, prompts, health."""

from typing import Any
from uuid import UUID

from api.answered import At, Out
from core.domain.publication import State


class TransitionOut(Out):
    at: At
    before: str
    after: str
    note: str
    epoch: int


class AttemptOut(Out):
    dispatched_at: At
    epoch: int
    digest: str
    result: str | None
    status: int | None
    detail: str | None
    received_at: At | None


class PublicationOut(Out):
    """One publication's record. `owner` acts next: service, officer, authoriser, or nobody (null)."""

    id: UUID
    draft_id: UUID
    purpose: str
    account: str
    platform: str
    handle: str
    state: State
    owner: str | None
    note: str
    publish_at: At
    digest: str
    post_id: str | None
    permalink: str | None
    transitions: list[TransitionOut]
    attempts: list[AttemptOut]


class AccountOut(Out):
    id: UUID
    platform: str
    handle: str
    name: str
    status: str


class AuditEventOut(Out):
    id: int
    at: At
    subject: str
    number: int
    actor: str
    action: str
    paragraph: int | None
    digest: str | None
    detail: dict[str, Any]
    hash: str


class PromptOut(Out):
    key: str
    paragraph: int
    statement: str


class HealthOut(Out):
    """`status`: ok, or delayed: what people do is recorded, and carried out later than usual."""

    status: str
    worker_alive: bool
    engine_alive: bool
    waiting_seconds: float | None
