"""The tables, one module per part of the story. Importing this package registers them all on the metadata."""

from core.records.tables import (
    accounts,
    authorising,
    drafting,
    people,
    publishing,
    record,
    resolving,
    second_person,
    targets,
    watching,
)
from core.records.tables.base import METADATA

__all__ = [
    "METADATA",
    "accounts",
    "authorising",
    "drafting",
    "people",
    "publishing",
    "record",
    "resolving",
    "second_person",
    "targets",
    "watching",
]
