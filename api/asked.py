"""What callers may send. Nothing unknown is taken, and every time carries its offset."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from core.domain.calendar import YEARS, InstantNotAware, as_utc
from core.domain.route import Answer

NOT_A_TIME = "Give the time as 2026-11-24T09:30:00+00:00 (RFC 3339)."
NOT_OUR_AGE = f"Give a time between the years {YEARS[0]} and {YEARS[-1]}."
NOT_TEXT = "Leave out the character U+0000 and halves of surrogate pairs: they are no text and cannot be kept."


def _instant(value: Any) -> datetime:
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("time_unreadable", NOT_A_TIME)
    try:
        instant = as_utc(datetime.fromisoformat(value) if isinstance(value, str) else value)
    except InstantNotAware as refusal:
        raise PydanticCustomError("time_without_zone", str(refusal)) from None
    except (ValueError, OverflowError):
        raise PydanticCustomError("time_unreadable", NOT_A_TIME) from None
    if instant.year not in YEARS:
        raise PydanticCustomError("time_out_of_range", NOT_OUR_AGE)
    return instant


def _text(words: str) -> str:
    # JSON can spell both ("\\u0000", "\\ud800"); neither PostgreSQL nor UTF-8 can hold them.
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in words):
        raise PydanticCustomError("not_text", NOT_TEXT)
    return words


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Words = Annotated[str, AfterValidator(_text)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in lower-case hex")]
Digest = Annotated[
    str,
    Field(pattern=r"^v1:sha256:[0-9a-f]{64}$", description="The digest of the version you were shown"),
]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DraftImage(Asked):
    """An image uploaded before, and its words for people who cannot see it."""

    sha256: Sha256
    alt: Words = ""


class DraftContent(Asked):
    """What a draft says, where, and when. The time lies inside the window; both are instants with an offset."""

    purpose: Words
    text: Words = ""
    overrides: dict[Words, Words] = Field(default_factory=dict, description="Another text for a platform, by its name")
    link: Words | None = None
    images: list[DraftImage] = Field(default_factory=list)
    accounts: list[UUID]
    window_start: Instant
    window_end: Instant
    publish_at: Instant
    target: UUID | None = Field(
        default=None, description="The captured post that this one answers: an id that POST /targets gave"
    )


class NewTarget(Asked):
    """A post to answer, by its public address. `accounts`: those the draft will go out on, all where that post stands."""

    accounts: list[UUID] = Field(max_length=100)
    kind: Literal["reply", "quote", "repost"]
    address: Words


class NewSubmission(Asked):
    digest: Digest


class NewWithdrawal(Asked):
    reason: Words = ""


class NewSchedule(Asked):
    publish_at: Instant


class NewDecision(Asked):
    """One answer at one step, over the digest that was read. Authorising needs every prompt's key in `confirmed`."""

    step: Annotated[int, Field(strict=True, ge=1)]
    digest: Digest
    answer: Answer
    reason: Words = ""
    confirmed: list[Words] = Field(default_factory=list, max_length=100)
