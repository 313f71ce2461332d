"""Posts that a draft replies to, quotes or reposts: who asked for which address, and what stood there."""

from sqlalchemy import Boolean, CheckConstraint, Column
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, datetime, instant, key, words


class TargetRequestRow(SQLModel, table=True):
    """The api reads no platform: a person asks, and the worker captures with this account's access."""

    __tablename__ = "target_request"
    __table_args__ = (CheckConstraint("kind IN ('reply', 'quote', 'repost')", name="target_request_kind_known"),)

    id: UUID = key()
    account_id: UUID = Field(foreign_key="account.id")
    kind: str = words()
    address: str = words()
    asked_by: UUID = Field(foreign_key="person.id")
    asked_at: datetime | None = instant(stamped=True)
    claimed_until: datetime | None = instant(nullable=True)
    tries: int = counter(0)


class TargetCaptureRow(SQLModel, table=True):
    """What stood at the address when it was read; `note` says why there is nothing."""

    __tablename__ = "target_capture"
    __table_args__ = (
        CheckConstraint(
            "CASE WHEN found THEN post_id <> '' AND note = '' ELSE note <> '' END", name="target_capture_found_or_noted"
        ),
    )

    request_id: UUID = Field(foreign_key="target_request.id", primary_key=True)
    found: bool = Field(sa_column=Column(Boolean, nullable=False))
    note: str = words(default="")
    post_id: str = words(default="")
    permalink: str = words(default="")
    author: str = words(default="")
    text: str = words(default="")
    fingerprint: str = words(default="")
    captured_at: datetime | None = instant(stamped=True)
