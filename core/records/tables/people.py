"""People as the identity provider names them, and their sessions."""

from sqlalchemy import Column, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, data, datetime, instant, key, words


class PersonRow(SQLModel, table=True):
    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="person_issuer_subject_key"),)

    id: UUID = key()
    issuer: str = words()
    subject: str = words()
    name: str = words()
    email: str | None = words(nullable=True)
    roles: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    seen_at: datetime | None = instant(stamped=True)


class SessionRow(SQLModel, table=True):
    """A signed-in browser. Only the SHA-256 of its cookie is kept; secrets inside `data` are sealed with the cookie itself."""

    __tablename__ = "session"

    id_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    person_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id"), nullable=True))
    data: dict[str, object] = data()
    created_at: datetime = instant()
    seen_at: datetime = instant()
    auth_time: datetime | None = instant(nullable=True)
