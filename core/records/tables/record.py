"""What binds the parts: the audit chain, the outbox, heartbeats and idempotency keys."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, datetime, instant, octets, words


class AuditEventRow(SQLModel, table=True):
    """One act on the record. `body` is the exact bytes that were hashed; enters only through audit_append()."""

    __tablename__ = "audit_event"
    __table_args__ = (
        UniqueConstraint("subject", "number", name="audit_event_subject_number_key"),
        UniqueConstraint("prev", name="audit_event_prev_key"),
        CheckConstraint("hash = sha256(body)", name="audit_event_hash_matches"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    subject: str = words()
    number: int
    prev: bytes = octets()
    hash: bytes = octets()
    body: bytes = octets()
    at: datetime = instant()
    actor: str = words()
    action: str = words()
    paragraph: int | None = None


class AuditHeadRow(SQLModel, table=True):
    """The newest link of each subject's chain: its row lock puts concurrent acts on one subject in order."""

    __tablename__ = "audit_head"

    subject: str = Field(sa_column=Column(Text, primary_key=True))
    number: int
    hash: bytes = octets()


class OutboxRow(SQLModel, table=True):
    """A *look again* for one workflow, written with the act and delivered by the courier after it committed."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("kind IN ('draft', 'publication')", name="outbox_kind_known"),
        Index("outbox_subject_idx", "kind", "subject_id", "delivered_at"),
        Index("outbox_delivered_idx", "delivered_at"),
        Index("outbox_waiting_idx", "id", postgresql_where=text("delivered_at IS NULL")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    kind: str = words()
    subject_id: UUID
    created_at: datetime | None = instant(stamped=True)
    claimed_until: datetime | None = instant(nullable=True)
    delivered_at: datetime | None = instant(nullable=True)
    tries: int = counter(0)


class HeartbeatRow(SQLModel, table=True):
    """A worker's sign of life; `engine_at` is when it last reached Temporal."""

    __tablename__ = "heartbeat"

    worker: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime | None = instant(stamped=True)
    engine_at: datetime | None = instant(nullable=True)


class IdempotencyRow(SQLModel, table=True):
    """The answer a POST was given under its Idempotency-Key, kept in the same transaction as the act."""

    __tablename__ = "idempotency"

    caller: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    body: bytes | None = octets(nullable=True)
    created_at: datetime | None = instant(stamped=True)
