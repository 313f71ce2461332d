"""What the service did: publications, their transitions, attempts and receipts."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, text
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, data, datetime, instant, key, words


class PublicationRow(SQLModel, table=True):
    """One authorised version on one account. Every move is checked against `legal_move` by the database."""

    __tablename__ = "publication"
    __table_args__ = (
        Index(
            "one_live_publication",
            "draft_id",
            "account_id",
            unique=True,
            postgresql_where=text("state NOT IN ('abandoned', 'removed', 'stale', 'withdrawn')"),
        ),
        # Nothing is published a second time on one submission, whatever became of the first: not even after a takedown.
        Index("publication_once_per_submission", "submission_id", "account_id", unique=True),
        Index("publication_state_idx", "state", "publish_at"),
        Index("publication_draft_idx", "draft_id"),
    )

    id: UUID = key()
    draft_id: UUID = Field(foreign_key="draft.id")
    account_id: UUID = Field(foreign_key="account.id")
    submission_id: UUID = Field(foreign_key="submission.id")
    digest: str = Field(foreign_key="manifest.digest")
    state: str = words(default="scheduled")
    moves: int = counter(0)
    epoch: int = counter(0)
    lease_until: datetime | None = instant(nullable=True)
    worker: str | None = words(nullable=True)
    not_before: datetime | None = instant(nullable=True)
    schedule_revision: int
    publish_at: datetime = instant()
    post_id: str | None = words(nullable=True)
    permalink: str | None = words(nullable=True)
    note: str = words(default="")
    created_at: datetime | None = instant(stamped=True)
    moved_at: datetime | None = instant(stamped=True)


class TransitionRow(SQLModel, table=True):
    __tablename__ = "transition"

    publication_id: UUID = Field(foreign_key="publication.id", primary_key=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    before: str = words()
    after: str = words()
    epoch: int
    note: str = words()
    at: datetime | None = instant(stamped=True)


class LegalMoveRow(SQLModel, table=True):
    __tablename__ = "legal_move"

    before: str = Field(sa_column=Column(Text, primary_key=True))
    after: str = Field(sa_column=Column(Text, primary_key=True))


class AttemptRow(SQLModel, table=True):
    """One call to a platform, allowed by dispatch: written before the call, with the verdict it rests on.

    `key_id` and `key_at` are its SendKey, taken over from the first call that may have reached the platform; `resend` is the
    proposal on which two people had it sent again, each at most once.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        Index("attempt_publication_epoch_key", "publication_id", "epoch", unique=True),
        Index("attempt_once_per_resend", "resend", unique=True),
    )

    id: UUID = key()
    publication_id: UUID = Field(foreign_key="publication.id")
    epoch: int
    digest: str = Field(foreign_key="manifest.digest")
    verdict: dict[str, object] = data()
    dispatched_at: datetime = instant()
    send_by: datetime = instant()
    key_id: UUID
    key_at: datetime = instant()
    resend: UUID | None = Field(default=None, foreign_key="proposal.id")


class ReceiptRow(SQLModel, table=True):
    """What the platform answered. A late receipt is recorded too."""

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("result IN ('accepted', 'processing', 'not_sent', 'refused', 'unknown')", name="receipt_result_known"),
    )

    id: UUID = key()
    attempt_id: UUID = Field(sa_column=Column(ForeignKey("attempt.id"), nullable=False, index=True))
    result: str = words()
    status: int | None = None
    post_id: str | None = words(nullable=True)
    permalink: str | None = words(nullable=True)
    detail: str = words()
    received_at: datetime | None = instant(stamped=True)
