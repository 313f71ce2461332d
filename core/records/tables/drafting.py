"""Drafts, their immutable versions, their media and their schedule rows."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, data, datetime, instant, key, octets, words


class DraftRow(SQLModel, table=True):
    """`revision` rises with every act on the draft: one number tells dispatch that nothing changed since it was judged."""

    __tablename__ = "draft"
    __table_args__ = (Index("draft_changed_idx", "changed_at", "id"),)

    id: UUID = key()
    created_by: UUID = Field(foreign_key="person.id")
    created_at: datetime | None = instant(stamped=True)
    changed_at: datetime | None = instant(stamped=True)
    revision: int = counter(1)


class ManifestRow(SQLModel, table=True):
    """The canonical bytes that a digest names; the database itself refuses a digest that does not match them."""

    __tablename__ = "manifest"
    __table_args__ = (
        CheckConstraint("digest = 'v1:sha256:' || encode(sha256(canonical), 'hex')", name="manifest_digest_matches"),
    )

    digest: str = Field(sa_column=Column(Text, primary_key=True))
    canonical: bytes = octets()


class VersionRow(SQLModel, table=True):
    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("draft_id", "number", name="version_draft_number_key"),)

    id: UUID = key()
    draft_id: UUID = Field(foreign_key="draft.id")
    number: int
    digest: str = Field(sa_column=Column(Text, ForeignKey("manifest.digest"), nullable=False))
    source: dict[str, object] = data()
    saved_by: UUID = Field(foreign_key="person.id")
    saved_at: datetime | None = instant(stamped=True)


class ContributorRow(SQLModel, table=True):
    """Everyone who wrote, changed or uploaded anything in any version: none of them may decide on the draft."""

    __tablename__ = "contributor"
    __table_args__ = (Index("contributor_person_idx", "person_id", "draft_id"),)

    draft_id: UUID = Field(foreign_key="draft.id", primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    since: datetime | None = instant(stamped=True)


class VersionViewRow(SQLModel, table=True):
    """Which versions a person has looked at, so that the decide page can show what changed since."""

    __tablename__ = "version_view"

    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    draft_id: UUID = Field(foreign_key="draft.id", primary_key=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True))
    at: datetime | None = instant(stamped=True)


class MediaRow(SQLModel, table=True):
    """A cleaned original in the media store."""

    __tablename__ = "media"

    sha256: str = Field(sa_column=Column(Text, primary_key=True))
    mime: str = words()
    width: int
    height: int
    size: int
    uploaded_at: datetime | None = instant(stamped=True)


class UploadRow(SQLModel, table=True):
    """Who uploaded which image: uploading into a version makes a contributor, whoever saves it."""

    __tablename__ = "upload"

    sha256: str = Field(sa_column=Column(Text, ForeignKey("media.sha256"), primary_key=True))
    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    at: datetime | None = instant(stamped=True)


class DerivativeRow(SQLModel, table=True):
    """The exact bytes a platform will receive of an original."""

    __tablename__ = "derivative"

    source_sha256: str = Field(sa_column=Column(Text, ForeignKey("media.sha256"), primary_key=True))
    platform: str = Field(sa_column=Column(Text, primary_key=True))
    sha256: str = words()
    mime: str = words()
    width: int
    height: int
    size: int


class DraftImageRow(SQLModel, table=True):
    """Which images, originals and derivatives, stand in which draft: who may see the draft may see them."""

    __tablename__ = "draft_image"

    sha256: str = Field(sa_column=Column(Text, primary_key=True))
    draft_id: UUID = Field(foreign_key="draft.id", primary_key=True)


class ScheduleTimeRow(SQLModel, table=True):
    """When to publish: append-only, the highest revision counts; outside the digest."""

    __tablename__ = "schedule"

    draft_id: UUID = Field(foreign_key="draft.id", primary_key=True)
    revision: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    publish_at: datetime = instant()
    set_by: UUID = Field(foreign_key="person.id")
    set_at: datetime | None = instant(stamped=True)
