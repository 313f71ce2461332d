"""Who acts: a person by issuer and subject, with the roles the identity provider gives them."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """Roles of the identity provider's `roles` claim. Authority to decide comes from our register, not from here."""

    OFFICER = "officer"
    AUTHORISER = "authoriser"
    ACCOUNT_MANAGER = "account_manager"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class Person:
    """A signed-in person or a machine client acting under its own name."""

    id: UUID
    issuer: str
    subject: str
    name: str
    roles: frozenset[str]

    def has(self, *roles: Role) -> bool:
        return any(role in self.roles for role in roles)
