"""What the API answers: the shapes that OpenAPI promises and that the answers are written from."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict

from api.asked import DraftContent
from core.domain.calendar import as_utc
from core.domain.publication import State
from core.domain.route import Answer
from core.domain.standing import Standing

Item = TypeVar("Item")

# Always told in UTC, whatever zone the database speaks in.
At = Annotated[datetime, AfterValidator(as_utc)]


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PageOut(Out, Generic[Item]):
    """One page. `next` goes into `after` to ask for the following one; null at the end. Its form may change."""

    items: list[Item]
    next: str | None


class SavedOut(Out):
    """`changed` false: nothing that would be published changed, so the version is the one before."""

    id: UUID
    version: int
    digest: str
    publish_at: At
    changed: bool
    rescheduled: bool


class DraftLineOut(Out):
    draft_id: UUID
    purpose: str
    accounts: list[str]
    version: int
    publish_at: At
    changed_at: At
    standing: Standing


class ImageOut(Out):
    """An image as an account will receive it."""

    sha256: str
    mime: str
    size: int
    width: int
    height: int
    alt: str


class AnsweredPostOut(Out):
    """The post that another replies to, quotes or reposts, as it stood when it was captured."""

    kind: str
    post_id: str
    permalink: str
    author: str
    text: str


class TargetOut(Out):
    """A post asked for. `under_way`: look again in a second; else `post` is what was captured, or `note` why there is nothing."""

    id: UUID
    kind: str
    address: str
    under_way: bool
    post: AnsweredPostOut | None
    note: str
    captured_at: At | None


class RenditionOut(Out):
    """What one account will receive. `used` of `limit` as the platform counts."""

    account_id: UUID
    account: str
    platform: str
    handle: str
    text: str
    link: str | None
    images: list[ImageOut]
    used: int
    limit: int
    target: AnsweredPostOut | None


class StepOut(Out):
    number: int
    role: str
    label: str
    quorum: int
    paragraph: int


class PlanStepOut(StepOut):
    """`state`: met, open or later. `eligible`: who may decide it."""

    state: str
    eligible: list[str]


class DecisionOut(Out):
    person: str
    answer: Answer
    reason: str
    at: At
    version: int
    step_label: str


class DraftPublicationOut(Out):
    id: UUID
    account_id: UUID
    state: State
    note: str
    post_id: str | None
    permalink: str | None
    publish_at: At


class DraftOut(Out):
    """A draft as it stands for the caller. `content` can be changed and sent back with PUT; `may` names what they may do now."""

    id: UUID
    standing: Standing
    version: int
    digest: str
    saved_by: str
    submitted_at: At | None
    content: DraftContent
    renditions: list[RenditionOut]
    steps: list[PlanStepOut]
    decisions: list[DecisionOut]
    publications: list[DraftPublicationOut]
    may: list[str]
    open_step: StepOut | None
    cannot_decide: str | None


class VersionLineOut(Out):
    number: int
    digest: str
    saved_by: str
    saved_at: At


class VersionOut(VersionLineOut):
    """`digest` is `v1:sha256:` over the RFC 8785 form of `manifest`."""

    manifest: dict[str, Any]


class MediaOut(Out):
    sha256: str
    mime: str
    width: int
    height: int
    size: int


class SubmissionOut(Out):
    id: UUID
    draft_id: UUID
    digest: str


class StandingOut(Out):
    draft_id: UUID
    standing: Standing


class ScheduleOut(Out):
    draft_id: UUID
    publish_at: At


class DecidedOut(Out):
    """What was recorded, and where the draft stands after it."""

    draft_id: UUID
    standing: Standing
    step: StepOut
    answer: Answer


class WaitingOut(Out):
    draft_id: UUID
    step: int
    label: str
    purpose: str
    accounts: list[str]
    due: At
    since: At
    submitted_by: str
    version: int
