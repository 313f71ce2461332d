"""What people asked of a publication, what the service did about it, and the evidence that both look at."""

from datetime import timedelta

from sqlalchemy import CheckConstraint, Column, Index, Integer, Interval, Text
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, data, datetime, instant, key, words


class PlatformKeyRow(SQLModel, table=True):
    """For how long a platform answers the same call with the same key by the same post: dispatch() repeats no other call."""

    __tablename__ = "platform_key"

    platform: str = Field(sa_column=Column(Text, primary_key=True))
    keeps: timedelta = Field(sa_column=Column(Interval, nullable=False))


class PublicationActRow(SQLModel, table=True):
    """What one person asked of a publication, as it stood under `epoch`. What takes two is a proposal."""

    __tablename__ = "publication_act"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('take_down', 'give_up', 'posted', 'not_posted', 'seen_same', 'seen_different')",
            name="publication_act_known",
        ),
        Index("publication_act_idx", "publication_id", "at"),
    )

    id: UUID = key()
    publication_id: UUID = Field(foreign_key="publication.id")
    kind: str = words()
    epoch: int
    reason: str = words()
    link: str | None = words(nullable=True)
    person_id: UUID = Field(foreign_key="person.id")
    at: datetime | None = instant(stamped=True)


class CarriedOutRow(SQLModel, table=True):
    """What the service did about one act or proposal, once: the state it led to, or `void` with the reason."""

    __tablename__ = "carried_out"

    act_id: UUID = Field(primary_key=True)
    publication_id: UUID = Field(foreign_key="publication.id")
    result: str = words()
    note: str = words()
    at: datetime | None = instant(stamped=True)


class LookUpRow(SQLModel, table=True):
    """One look for a post whose outcome is not known: what was found on the account, and what that means."""

    __tablename__ = "look_up"
    __table_args__ = (Index("look_up_idx", "publication_id", "at"),)

    id: UUID = key()
    publication_id: UUID = Field(foreign_key="publication.id")
    epoch: int
    found: list[dict[str, object]] = data()
    sentence: str = words()
    at: datetime | None = instant(stamped=True)


class RemovalEvidenceRow(SQLModel, table=True):
    """What stood on the platform before it was taken down, kept before anything was removed."""

    __tablename__ = "removal_evidence"

    act_id: UUID = Field(foreign_key="publication_act.id", primary_key=True)
    publication_id: UUID = Field(foreign_key="publication.id")
    post_id: str = words()
    stood: dict[str, object] = data()
    at: datetime | None = instant(stamped=True)


class RemovalCallRow(SQLModel, table=True):
    """What the platform answered when it was asked to remove a post."""

    __tablename__ = "removal_call"
    __table_args__ = (Index("removal_call_idx", "act_id", "at"),)

    id: UUID = key()
    act_id: UUID = Field(foreign_key="removal_evidence.act_id")
    result: str = words()
    status: int | None = None
    detail: str = words()
    at: datetime | None = instant(stamped=True)


class UnexpectedPostRow(SQLModel, table=True):
    """A post that stands, or may, though the record says otherwise."""

    __tablename__ = "unexpected_post"

    attempt_id: UUID = Field(foreign_key="attempt.id", primary_key=True)
    publication_id: UUID = Field(foreign_key="publication.id")
    post_id: str | None = words(nullable=True)
    sentence: str = words()
    at: datetime | None = instant(stamped=True)


class CorrectionRow(SQLModel, table=True):
    """A draft that corrects what was published: linked, never silent (paragraph 34)."""

    __tablename__ = "correction"
    __table_args__ = (Index("correction_publication_idx", "publication_id"),)

    draft_id: UUID = Field(foreign_key="draft.id", primary_key=True)
    publication_id: UUID = Field(foreign_key="publication.id")
    person_id: UUID = Field(foreign_key="person.id")
    at: datetime | None = instant(stamped=True)


class QuotaRow(SQLModel, table=True):
    """What a platform's own answers said is left of one limit of an account, until it resets."""

    __tablename__ = "quota"

    account_id: UUID = Field(foreign_key="account.id", primary_key=True)
    bucket: str = Field(sa_column=Column(Text, primary_key=True))
    remaining: int = Field(sa_column=Column(Integer, nullable=False))
    reset_at: datetime = instant()
    answered_at: datetime = instant(stamped=True)
