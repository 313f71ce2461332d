"""Who may see and touch which draft. Unknown and invisible are the same answer: not found."""

import re
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import SourceImage
from core.domain.people import Person, Role
from core.domain.refusals import NoRole, NotFound
from core.records.facts import DraftFacts, draft_facts, lock_draft

# Officers work as a team and auditors read everything; the others see what was submitted to somebody, or what they touched.
SEES_ALL = (Role.OFFICER, Role.AUDITOR)
WRITERS = (Role.OFFICER, Role.AUTHORISER)

_SHA256 = re.compile(r"[0-9a-f]{64}")

VISIBLE = """(
    :sees_all
    OR EXISTS (SELECT 1 FROM submission vs WHERE vs.draft_id = d.id AND :sees_submitted)
    OR EXISTS (SELECT 1 FROM contributor vc WHERE vc.draft_id = d.id AND vc.person_id = :viewer AND :sees_submitted)
)"""


def visibility(person: Person) -> dict[str, object]:
    """The parameters of VISIBLE for this person."""
    return {"sees_all": person.has(*SEES_ALL), "sees_submitted": person.has(*Role), "viewer": person.id}


def require(person: Person, *roles: Role) -> None:
    if not person.has(*roles):
        raise NoRole()


def may_see(person: Person, facts: DraftFacts) -> bool:
    if person.has(*SEES_ALL):
        return True
    return person.has(*Role) and (facts.submission is not None or person.id in facts.contributors)


async def seen_draft(session: AsyncSession, person: Person, draft_id: UUID) -> DraftFacts:
    """The draft as it stands, or NotFound."""
    facts = await draft_facts(session, draft_id)
    if facts is None or not may_see(person, facts):
        raise NotFound()
    return facts


async def locked_draft(session: AsyncSession, person: Person, draft_id: UUID) -> DraftFacts:
    """The draft under its row lock, to act on; or NotFound."""
    await lock_draft(session, draft_id)
    return await seen_draft(session, person, draft_id)


async def images_seen(session: AsyncSession, person: Person, hashes: set[str]) -> dict[str, SourceImage]:
    """The originals among `hashes` that this person uploaded or may see in a draft, by hash; without alt text."""
    hashes = {one for one in hashes if _SHA256.fullmatch(one)}
    if not hashes:
        return {}
    rows = await session.execute(
        text(
            "SELECT m.sha256, m.mime, m.width, m.height FROM media m WHERE m.sha256 = ANY(:hashes) AND ("  # noqa: S608
            "EXISTS (SELECT 1 FROM upload u WHERE u.sha256 = m.sha256 AND u.person_id = :viewer) "
            f"OR EXISTS (SELECT 1 FROM draft_image i JOIN draft d ON d.id = i.draft_id WHERE i.sha256 = m.sha256 AND {VISIBLE}))"
        ),
        {"hashes": sorted(hashes), **visibility(person)},
    )
    return {row.sha256: SourceImage(row.sha256, row.mime, row.width, row.height, "") for row in rows}


async def may_see_image(session: AsyncSession, person: Person, sha256: str) -> bool:
    """Whoever uploaded it, or may see a draft it stands in."""
    # VISIBLE is a constant of ours, with parameters.
    found = await session.execute(
        text(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM upload WHERE sha256 = :sha AND person_id = :viewer) "  # noqa: S608
            f"OR EXISTS (SELECT 1 FROM draft_image i JOIN draft d ON d.id = i.draft_id WHERE i.sha256 = :sha AND {VISIBLE})"
        ),
        {"sha": sha256, **visibility(person)},
    )
    return found.first() is not None
