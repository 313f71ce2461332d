"""The lexicons that a PDS holds records against: app.bsky.feed.post, app.bsky.feed.repost, and the calls that write them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import regex  # type: ignore[import-untyped]
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_TID = r"^[234567a-j][234567a-z]{12}$"


class _Open(BaseModel):
    """Lexicon objects are open: a field nobody knows is kept."""

    model_config = ConfigDict(extra="allow", strict=True, populate_by_name=True)


def _short_enough(text: str) -> str:
    if len(text.encode()) > 3000:
        raise ValueError("text must not be longer than 3000 bytes")
    if len(regex.findall(r"\X", text)) > 300:
        raise ValueError("text must not be longer than 300 graphemes")
    return text


def _is_time(text: str) -> str:
    if "T" not in text or datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("createdAt must be a valid atproto datetime")
    return text


Time = Annotated[str, AfterValidator(_is_time)]


class Reference(_Open):
    uri: Annotated[str, Field(pattern=r"^at://")]
    cid: Annotated[str, Field(pattern=r"^baf[a-z2-7]{56}$")]


class _Reply(_Open):
    root: Reference
    parent: Reference


class _Slice(_Open):
    byteStart: Annotated[int, Field(ge=0)]
    byteEnd: Annotated[int, Field(ge=0)]


class _Facet(_Open):
    index: _Slice
    features: list[dict[str, Any]]


class _BlobLink(_Open):
    link: Annotated[str, Field(alias="$link", pattern=r"^bafkrei")]


class _Blob(_Open):
    type: Annotated[Literal["blob"], Field(alias="$type")]
    ref: _BlobLink
    mimeType: Annotated[str, Field(pattern=r"^image/")]
    size: Annotated[int, Field(le=2_000_000)]


class Image(_Open):
    image: _Blob
    alt: str


class _Images(_Open):
    images: Annotated[list[Image], Field(max_length=4)] = []


class _Quoted(_Open):
    """`record` is the reference itself, or with media beside it an object that holds it."""

    record: Reference | dict[str, Any] | None = None


class _Embed(_Images, _Quoted):
    type: Annotated[str, Field(alias="$type", pattern=r"^app\.bsky\.embed\.(images|external|record|recordWithMedia)$")]
    media: _Images | None = None


class Post(_Open):
    type: Annotated[Literal["app.bsky.feed.post"], Field(alias="$type")]
    text: Annotated[str, AfterValidator(_short_enough)]
    createdAt: Time
    facets: list[_Facet] = []
    reply: _Reply | None = None
    embed: _Embed | None = None

    def images(self) -> list[Image]:
        return [] if self.embed is None else (self.embed.images or (self.embed.media.images if self.embed.media else []))

    def target(self) -> tuple[str, str] | None:
        """Kind and address of the post it refers to."""
        if self.reply:
            return "reply", self.reply.parent.uri
        record = self.embed.record if self.embed else None
        if isinstance(record, dict):
            record = Reference.model_validate(record.get("record"))
        return ("quote", record.uri) if record else None


class Repost(_Open):
    type: Annotated[Literal["app.bsky.feed.repost"], Field(alias="$type")]
    subject: Reference
    createdAt: Time
    text: str = ""

    def images(self) -> list[Image]:
        return []

    def target(self) -> tuple[str, str]:
        return "repost", self.subject.uri


class Write(BaseModel):
    """com.atproto.repo.putRecord and createRecord. An absent `swapRecord` and a null one mean different things."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repo: str
    collection: Literal["app.bsky.feed.post", "app.bsky.feed.repost"]
    rkey: Annotated[str, Field(pattern=_TID)] | None = None
    record: dict[str, Any]
    swapRecord: str | None = None
    swapCommit: str | None = None
    validates: Annotated[bool | None, Field(alias="validate")] = None


class Delete(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    repo: str
    collection: str
    rkey: str
    swapRecord: str | None = None
    swapCommit: str | None = None


RECORDS: dict[str, type[Post] | type[Repost]] = {"app.bsky.feed.post": Post, "app.bsky.feed.repost": Repost}
