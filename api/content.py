"""Between what callers send and see, and what the use-cases take and give."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from api.answered import (
    AnsweredPostOut,
    DecisionOut,
    DraftOut,
    DraftPublicationOut,
    ImageOut,
    PlanStepOut,
    RenditionOut,
    StepOut,
)
from api.asked import DraftContent, DraftImage
from api.door import Call
from core.domain.content import Source, SourceImage, Window
from core.domain.refusals import BadInput
from core.use_cases.looking import DraftView, Preview, StepView


class PlatformUnknown(BadInput):
    code = "platform_unknown"
    sentence = "There is no such platform. Name one that the accounts list names."


def source_of(call: Call, content: DraftContent) -> Source:
    """What was sent as a source to compose. Raises PlatformUnknown."""
    for platform in content.overrides:
        if platform not in call.door.platforms:
            raise PlatformUnknown(field=f"overrides.{platform}")
    return Source(
        purpose=content.purpose,
        text=content.text,
        overrides=content.overrides,
        link=content.link,
        images=tuple(SourceImage(image.sha256, "", 0, 0, image.alt) for image in content.images),
        window=Window(content.window_start, content.window_end),
        account_ids=tuple(str(account) for account in content.accounts),
        target=str(content.target) if content.target else None,
    )


def content_of(source: Source, publish_at: datetime) -> DraftContent:
    """What was last saved, in the shape in which it can be sent back."""
    return DraftContent(
        purpose=source.purpose,
        text=source.text,
        overrides=source.overrides,
        link=source.link,
        images=[DraftImage(sha256=image.sha256, alt=image.alt) for image in source.images],
        accounts=[UUID(account) for account in source.account_ids],
        window_start=source.window.start,
        window_end=source.window.end,
        publish_at=publish_at,
        target=UUID(source.target) if source.target else None,
    )


def draft_out(view: DraftView, content: DraftContent) -> DraftOut:
    return DraftOut(
        id=view.id,
        standing=view.standing,
        version=view.version,
        digest=view.digest,
        saved_by=view.saved_by,
        submitted_at=view.submitted_at,
        content=content,
        renditions=[_rendition_out(preview) for preview in view.previews],
        steps=[_plan_step_out(step) for step in view.steps],
        decisions=[DecisionOut.model_validate(decision) for decision in view.history],
        publications=[DraftPublicationOut.model_validate(publication) for publication in view.publications],
        may=sorted(view.may),
        open_step=StepOut.model_validate(view.open_step) if view.open_step else None,
        cannot_decide=view.cannot_decide,
    )


def _rendition_out(preview: Preview) -> RenditionOut:
    return RenditionOut(
        account_id=preview.account.id,
        account=preview.account.name,
        platform=preview.account.platform,
        handle=preview.account.handle,
        text=preview.rendition.text,
        link=preview.rendition.link,
        images=[ImageOut.model_validate(image) for image in preview.rendition.images],
        used=preview.used,
        limit=preview.limit,
        target=AnsweredPostOut.model_validate(preview.rendition.target) if preview.rendition.target else None,
    )


def _plan_step_out(view: StepView) -> PlanStepOut:
    step = view.step
    return PlanStepOut(
        number=step.number,
        role=step.role,
        label=step.label,
        quorum=step.quorum,
        paragraph=step.paragraph,
        state=view.state,
        eligible=list(view.eligible),
    )


def etag(version: int, publish_at: datetime) -> str:
    """Strong, over what PUT replaces: the version and the publish time. Where the draft stands is no part of it."""
    return f'"v{version}-{publish_at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"'


def tags_in(if_match: str) -> Iterable[str]:
    """The entity tags of an If-Match header. A weak one matches nothing (RFC 9110 §13.1.1)."""
    return [tag.strip() for tag in if_match.split(",") if tag.strip()]
