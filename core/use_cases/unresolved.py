"""The evidence people decide on: every outcome that waits for them, every look that was taken, everything that was asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person
from core.domain.publication import State
from core.use_cases.access import VISIBLE, visibility
from core.use_cases.publication_acts import seen_publication

TO_PEOPLE = (State.UNKNOWN, State.MISMATCH, State.REMOVAL_UNKNOWN)


@dataclass(frozen=True)
class Unresolved:
    """One publication that waits for people. `waiting`: somebody asked for something that a second person must confirm."""

    publication_id: UUID
    draft_id: UUID
    purpose: str
    account: str
    platform: str
    state: State
    since: datetime
    note: str
    looked: int
    last_look: datetime | None
    waiting: bool


@dataclass(frozen=True)
class FoundPost:
    """A post seen on the account. `ours`: another publication's; `differences`: how it differs, none if it is the same."""

    post_id: str
    at: datetime | None
    text: str
    permalink: str | None
    differences: tuple[str, ...]
    taken: bool


@dataclass(frozen=True)
class Look:
    """One look for the post: what it came to, in a sentence, and what was seen."""

    at: datetime
    sentence: str
    found: tuple[FoundPost, ...]


@dataclass(frozen=True)
class Said:
    """What somebody asked of the publication, and what the service did about it (`result` None: nothing yet)."""

    kind: str
    by: str
    confirmed_by: str | None
    reason: str
    link: str | None
    at: datetime
    result: str | None
    note: str


@dataclass(frozen=True)
class Removal:
    """One takedown: what stood before, and what the platform answered when asked to remove it."""

    at: datetime
    post_id: str
    stood: dict[str, Any]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """`unexpected`: sentences about posts that stand, or may, though the record says otherwise."""

    looks: tuple[Look, ...]
    said: tuple[Said, ...]
    removals: tuple[Removal, ...]
    unexpected: tuple[str, ...]


async def unknowns(session: AsyncSession, *, by: Person) -> tuple[Unresolved, ...]:
    """Every publication that this person may see and that waits for people to settle it, the oldest first."""
    rows = await session.execute(
        text(
            "SELECT p.id AS publication_id, p.draft_id, v.source ->> 'purpose' AS purpose, a.name AS account, a.platform, "  # noqa: S608
            "p.state, p.moved_at AS since, p.note, (SELECT count(*) FROM look_up l WHERE l.publication_id = p.id) AS looked, "
            "(SELECT max(l.at) FROM look_up l WHERE l.publication_id = p.id) AS last_look, "
            "EXISTS (SELECT 1 FROM proposal o WHERE o.subject = 'publication:' || p.id AND o.confirmed_at IS NULL "
            " AND o.withdrawn_at IS NULL AND o.good_until > clock_timestamp()) AS waiting "
            "FROM publication p JOIN draft d ON d.id = p.draft_id JOIN account a ON a.id = p.account_id "
            "JOIN submission s ON s.id = p.submission_id JOIN version v ON v.id = s.version_id "
            f"WHERE p.state = ANY(:states) AND {VISIBLE} ORDER BY p.moved_at"
        ),
        {"states": [str(state) for state in TO_PEOPLE], **visibility(by)},
    )
    return tuple(Unresolved(**{**row, "state": State(row["state"])}) for row in rows.mappings())


async def evidence(session: AsyncSession, *, by: Person, publication_id: UUID) -> Evidence:
    """Everything that is known beside the attempts and receipts of the publication's record; or NotFound."""
    await seen_publication(session, by, publication_id)
    return Evidence(
        looks=await _looks(session, publication_id),
        said=await _said(session, publication_id),
        removals=await _removals(session, publication_id),
        unexpected=await _unexpected(session, publication_id),
    )


async def _looks(session: AsyncSession, publication_id: UUID) -> tuple[Look, ...]:
    rows = await session.execute(
        text("SELECT at, sentence, found FROM look_up WHERE publication_id = :id ORDER BY at"), {"id": publication_id}
    )
    return tuple(Look(row.at, row.sentence, tuple(_found(post) for post in row.found)) for row in rows)


def _found(post: dict[str, Any]) -> FoundPost:
    return FoundPost(
        post_id=post["post_id"],
        at=datetime.fromisoformat(post["at"]) if post.get("at") else None,
        text=post["text"],
        permalink=post.get("permalink"),
        differences=tuple(post["differences"]),
        taken=post["taken"],
    )


async def _said(session: AsyncSession, publication_id: UUID) -> tuple[Said, ...]:
    rows = await session.execute(
        text(
            "SELECT said.kind, who.name AS by, other.name AS confirmed_by, said.reason, said.link, said.at, c.result, "
            "coalesce(c.note, '') AS note FROM ("
            " SELECT id, 'publication.' || kind AS kind, person_id, CAST(NULL AS uuid) AS second, reason, link, at "
            " FROM publication_act WHERE publication_id = :id UNION ALL "
            " SELECT id, kind, asked_by, confirmed_by, reason, detail ->> 'post', asked_at FROM proposal "
            " WHERE subject = :subject "
            ") said JOIN person who ON who.id = said.person_id LEFT JOIN person other ON other.id = said.second "
            "LEFT JOIN carried_out c ON c.act_id = said.id ORDER BY said.at"
        ),
        {"id": publication_id, "subject": f"publication:{publication_id}"},
    )
    return tuple(Said(**row) for row in rows.mappings())


async def _removals(session: AsyncSession, publication_id: UUID) -> tuple[Removal, ...]:
    rows = await session.execute(
        text(
            "SELECT e.at, e.post_id, e.stood, ARRAY(SELECT detail FROM removal_call c WHERE c.act_id = e.act_id ORDER BY c.at) "
            "AS answers FROM removal_evidence e WHERE e.publication_id = :id ORDER BY e.at"
        ),
        {"id": publication_id},
    )
    return tuple(Removal(row.at, row.post_id, row.stood, tuple(row.answers)) for row in rows)


async def _unexpected(session: AsyncSession, publication_id: UUID) -> tuple[str, ...]:
    rows = await session.execute(
        text("SELECT sentence FROM unexpected_post WHERE publication_id = :id ORDER BY at"), {"id": publication_id}
    )
    return tuple(row.sentence for row in rows)
