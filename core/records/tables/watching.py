"""Watching the official accounts: how often, what needs no explaining, alarms and their answers."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, data, datetime, instant, key, words


class AccountWatchRow(SQLModel, table=True):
    """`every_seconds` is people's; everything else is the worker's: the next reading, the last good one, what went wrong."""

    __tablename__ = "account_watch"
    __table_args__ = (CheckConstraint("every_seconds BETWEEN 1 AND 240", name="account_watch_is_often"),)

    account_id: UUID = Field(foreign_key="account.id", primary_key=True)
    every_seconds: int = counter(120)
    next_at: datetime | None = instant(stamped=True)
    leased_until: datetime | None = instant(nullable=True)
    readings: int = counter(0)
    seen_at: datetime | None = instant(nullable=True)
    trouble: str = words(default="")
    began_at: datetime | None = instant(stamped=True)


class KnownPostRow(SQLModel, table=True):
    """A post that stood before the watch began, or one of ours that two people accepted as it stands."""

    __tablename__ = "known_post"
    __table_args__ = (CheckConstraint("why IN ('stood_before', 'accepted')", name="known_post_why_known"),)

    account_id: UUID = Field(foreign_key="account.id", primary_key=True)
    post_id: str = Field(sa_column=Column(Text, primary_key=True))
    why: str = words()
    fingerprint: str = words()
    at: datetime | None = instant(stamped=True)


class AlarmRow(SQLModel, table=True):
    """Raised once for the same thing (`about`), and shown until it is answered."""

    __tablename__ = "alarm"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "about", name="alarm_once"),
        CheckConstraint("kind IN ('rogue', 'edited', 'vanished', 'blind', 'late_receipt')", name="alarm_kind_known"),
        Index("alarm_raised_idx", "raised_at"),
    )

    id: UUID = key()
    account_id: UUID = Field(foreign_key="account.id")
    kind: str = words()
    about: str = words()
    publication_id: UUID | None = Field(default=None, foreign_key="publication.id")
    post_id: str | None = words(nullable=True)
    sentence: str = words()
    evidence: dict[str, object] = data()
    raised_at: datetime | None = instant(stamped=True)


class AlarmAnswerRow(SQLModel, table=True):
    """What a person did about an alarm, in their words."""

    __tablename__ = "alarm_answer"
    __table_args__ = (CheckConstraint("length(trim(words)) > 0", name="alarm_answer_says_something"),)

    alarm_id: UUID = Field(sa_column=Column(ForeignKey("alarm.id"), primary_key=True))
    person_id: UUID = Field(foreign_key="person.id")
    words: str = words()
    at: datetime | None = instant(stamped=True)
