"""Column kinds every table shares."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Text, TextClause, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

METADATA: MetaData = SQLModel.metadata


def key() -> Any:
    return Field(default_factory=uuid4, primary_key=True)


def instant(*, nullable: bool = False, stamped: bool = False) -> Any:
    """A UTC instant. `stamped`: the database's own clock fills it in, so that no process can backdate an act."""
    default = text("clock_timestamp()") if stamped else None
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default))


def words(*, nullable: bool = False, default: str | None = None) -> Any:
    given = None if default is None else literal(default)
    return Field(default=default, sa_column=Column(Text, nullable=nullable, server_default=given))


def counter(start: int) -> Any:
    return Field(default=start, sa_column=Column(Integer, nullable=False, server_default=text(str(start))))


def literal(words: str) -> TextClause:
    return text("'" + words.replace("'", "''") + "'")


def data() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))


def octets(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable))


def ids() -> Any:
    return Field(default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False))


__all__ = ["METADATA", "UUID", "SQLModel", "counter", "data", "datetime", "ids", "instant", "key", "octets", "words"]
