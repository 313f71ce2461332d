"""Acts that take two people: what one asked for and another confirmed (derived from paragraph 36)."""

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, data, datetime, instant, key, words


class ProposalRow(SQLModel, table=True):
    """`kind` names the act, `subject` what it is about; at most one is open for the same act on the same subject."""

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> asked_by", name="proposal_takes_two"),
        CheckConstraint("confirmed_at IS NULL OR withdrawn_at IS NULL", name="proposal_ends_once"),
        Index(
            "one_open_proposal",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL AND withdrawn_at IS NULL"),
        ),
        Index("proposal_subject_idx", "subject", "asked_at"),
    )

    id: UUID = key()
    kind: str = words()
    subject: str = words()
    detail: dict[str, object] = data()
    reason: str = words()
    asked_by: UUID = Field(foreign_key="person.id")
    asked_at: datetime | None = instant(stamped=True)
    good_until: datetime = instant()
    confirmed_by: UUID | None = Field(default=None, foreign_key="person.id")
    confirmed_at: datetime | None = instant(nullable=True)
    withdrawn_by: UUID | None = Field(default=None, foreign_key="person.id")
    withdrawn_at: datetime | None = instant(nullable=True)
