"""Recognising people: keyed by issuer and subject, whatever their name becomes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person
from core.domain.refusals import StepUpNeeded


async def recognise(
    session: AsyncSession, *, issuer: str, subject: str, name: str, email: str | None, roles: frozenset[str]
) -> Person:
    """The person's row, made on first sight and brought up to date with what the identity provider says now."""
    row = (
        await session.execute(
            text(
                "INSERT INTO person (id, issuer, subject, name, email, roles) "
                "VALUES (:id, :issuer, :subject, :name, :email, :roles) "
                "ON CONFLICT (issuer, subject) DO UPDATE SET name = excluded.name, "
                "email = coalesce(excluded.email, person.email), "
                "roles = excluded.roles, seen_at = clock_timestamp() RETURNING id"
            ),
            {"id": uuid4(), "issuer": issuer, "subject": subject, "name": name, "email": email, "roles": sorted(roles)},
        )
    ).one()
    return Person(id=row.id, issuer=issuer, subject=subject, name=name, roles=roles)


async def person_by_id(session: AsyncSession, person_id: UUID) -> Person | None:
    row = (
        await session.execute(text("SELECT id, issuer, subject, name, roles FROM person WHERE id = :id"), {"id": person_id})
    ).one_or_none()
    return Person(row.id, row.issuer, row.subject, row.name, frozenset(row.roles)) if row else None


async def caller(session: AsyncSession, *, issuer: str, subject: str, name: str, roles: frozenset[str]) -> Person:
    """The person behind an access token, without a write when nothing about them changed."""
    row = (
        await session.execute(
            text("SELECT id, name, roles FROM person WHERE issuer = :issuer AND subject = :subject"),
            {"issuer": issuer, "subject": subject},
        )
    ).one_or_none()
    if row is not None and frozenset(row.roles) == roles and row.name == name:
        return Person(row.id, issuer, subject, name, roles)
    return await recognise(session, issuer=issuer, subject=subject, name=name, email=None, roles=roles)


FRESH_FOR_SECONDS = 15 * 60


def is_fresh(authenticated_at: datetime | None, now: datetime) -> bool:
    """Step-up: a decision needs a sign-in at most 15 minutes old (ASVS 7.5.3)."""
    return authenticated_at is not None and (now - authenticated_at).total_seconds() <= FRESH_FOR_SECONDS


def require_fresh(authenticated_at: datetime | None, now: datetime) -> None:
    """Raises StepUpNeeded."""
    if not is_fresh(authenticated_at, now):
        raise StepUpNeeded()


@dataclass(frozen=True)
class Named:
    id: UUID
    name: str


async def people_to_name(session: AsyncSession) -> tuple[Named, ...]:
    """Everybody who signed in here once with a role that publishes, by name: who may be named to post by hand."""
    rows = await session.execute(
        text(
            "SELECT id, name FROM person WHERE roles && CAST(ARRAY['officer', 'authoriser', 'account_manager'] AS text[]) "
            "ORDER BY name, id"
        )
    )
    return tuple(Named(row.id, row.name) for row in rows)
