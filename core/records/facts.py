"""Everything on the record about one draft, read in one statement: what the pure rules judge."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Rendition, SourceImage, Window
from core.domain.manifest import renditions_in, window_in
from core.domain.publication import State
from core.domain.route import Answer, Decision, Plan, plan_in
from core.domain.standing import DraftRows, ScheduleRow, SubmissionRow


@dataclass(frozen=True)
class AccountFacts:
    id: UUID
    platform: str
    platform_account_id: str
    handle: str
    name: str
    status: str
    revision: int
    server: str = ""


@dataclass(frozen=True)
class PublicationFacts:
    id: UUID
    account_id: UUID
    state: State
    note: str
    post_id: str | None
    permalink: str | None
    publish_at: datetime
    schedule_revision: int


@dataclass(frozen=True)
class SubmissionFacts:
    id: UUID
    number: int
    version_number: int
    digest: str
    plan: Plan
    submitted_by: UUID
    submitted_at: datetime
    withdrawn_at: datetime | None
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class DraftFacts:
    """One draft as it stands at `now`, the database's clock."""

    id: UUID
    revision: int
    created_by: UUID
    now: datetime
    version_id: UUID
    version_number: int
    digest: str
    canonical: bytes
    source: dict[str, Any]
    schedule: ScheduleRow
    contributors: frozenset[UUID]
    submission: SubmissionFacts | None
    publications: tuple[PublicationFacts, ...]
    accounts: tuple[AccountFacts, ...]

    @property
    def window(self) -> Window:
        return window_in(self.canonical)

    @property
    def renditions(self) -> tuple[Rendition, ...]:
        return renditions_in(self.canonical)

    @property
    def rows(self) -> DraftRows:
        submission = self.submission
        return DraftRows(
            newest_version=self.version_number,
            window=self.window,
            submission=None
            if submission is None
            else SubmissionRow(
                version_number=submission.version_number,
                digest=submission.digest,
                plan=submission.plan,
                submitted_at=submission.submitted_at,
                withdrawn_at=submission.withdrawn_at,
                decisions=submission.decisions,
            ),
            schedule=self.schedule,
            publications=tuple(publication.state for publication in self.publications),
        )

    @property
    def account_ids(self) -> tuple[UUID, ...]:
        return tuple(account.id for account in self.accounts)

    @property
    def source_images(self) -> tuple[SourceImage, ...]:
        return tuple(SourceImage(**image) for image in self.source["images"])


_LOCK = text("SELECT 1 FROM draft WHERE id = :draft FOR UPDATE")

_FACTS = text(
    """
    SELECT d.id, d.revision, d.created_by, clock_timestamp() AS now,
           v.id AS version_id, v.number AS version_number, v.digest, v.source, m.canonical,
           t.revision AS schedule_revision, t.publish_at, t.set_at,
           s.id AS submission_id, s.number AS submission_number, s.version_number AS submitted_version,
           s.digest AS submitted_digest, s.plan, s.submitted_by, s.submitted_at, w.at AS withdrawn_at,
           ARRAY(SELECT person_id FROM contributor WHERE draft_id = d.id) AS contributors,
           (SELECT json_agg(json_build_object('step', step, 'person_id', person_id, 'answer', answer, 'digest', digest,
                                              'authority_id', authority_id, 'at', decided_at) ORDER BY decided_at)
              FROM decision WHERE submission_id = s.id) AS decisions,
           (SELECT json_agg(json_build_object('id', p.id, 'account_id', p.account_id, 'state', p.state, 'note', p.note,
                    'post_id', p.post_id, 'permalink', p.permalink, 'publish_at', p.publish_at,
                    'schedule_revision', p.schedule_revision) ORDER BY p.account_id)
              FROM publication p WHERE p.submission_id = s.id) AS publications,
           (SELECT json_agg(json_build_object('id', a.id, 'platform', a.platform, 'platform_account_id', a.platform_account_id,
                    'handle', a.handle, 'name', a.name, 'status', a.status, 'revision', a.revision,
                    'server', a.server) ORDER BY a.platform, a.id)
              FROM account a WHERE v.source -> 'account_ids' ? a.id::text) AS accounts
      FROM draft d
      JOIN LATERAL (SELECT * FROM version WHERE draft_id = d.id ORDER BY number DESC LIMIT 1) v ON true
      JOIN manifest m ON m.digest = v.digest
      JOIN LATERAL (SELECT * FROM schedule WHERE draft_id = d.id ORDER BY revision DESC LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT * FROM submission WHERE draft_id = d.id ORDER BY number DESC LIMIT 1) s ON true
      LEFT JOIN withdrawal w ON w.submission_id = s.id
     WHERE d.id = :draft
    """
)


async def lock_draft(session: AsyncSession, draft_id: UUID) -> None:
    """Take the draft's row lock. A statement of its own: a read in the same statement would see what stood before the wait."""
    await session.execute(_LOCK, {"draft": draft_id})


async def draft_facts(session: AsyncSession, draft_id: UUID) -> DraftFacts | None:
    """What stands now, or None if there is no such draft."""
    row = (await session.execute(_FACTS, {"draft": draft_id})).mappings().one_or_none()
    if row is None:
        return None
    return DraftFacts(
        id=row["id"],
        revision=row["revision"],
        created_by=row["created_by"],
        now=row["now"],
        version_id=row["version_id"],
        version_number=row["version_number"],
        digest=row["digest"],
        canonical=bytes(row["canonical"]),
        source=row["source"],
        schedule=ScheduleRow(row["schedule_revision"], row["publish_at"], row["set_at"]),
        contributors=frozenset(row["contributors"]),
        submission=_submission(row) if row["submission_id"] else None,
        publications=tuple(_publication(p) for p in row["publications"] or ()),
        accounts=tuple(AccountFacts(**{**a, "id": UUID(a["id"])}) for a in row["accounts"] or ()),
    )


def _submission(row: Any) -> SubmissionFacts:
    return SubmissionFacts(
        id=row["submission_id"],
        number=row["submission_number"],
        version_number=row["submitted_version"],
        digest=row["submitted_digest"],
        plan=plan_in(row["plan"]),
        submitted_by=row["submitted_by"],
        submitted_at=row["submitted_at"],
        withdrawn_at=row["withdrawn_at"],
        decisions=tuple(
            Decision(
                step=d["step"],
                person_id=UUID(d["person_id"]),
                answer=Answer(d["answer"]),
                digest=d["digest"],
                authority_id=UUID(d["authority_id"]),
                at=datetime.fromisoformat(d["at"]),
            )
            for d in row["decisions"] or ()
        ),
    )


def _publication(data: dict[str, Any]) -> PublicationFacts:
    return PublicationFacts(
        id=UUID(data["id"]),
        account_id=UUID(data["account_id"]),
        state=State(data["state"]),
        note=data["note"],
        post_id=data["post_id"],
        permalink=data["permalink"],
        publish_at=datetime.fromisoformat(data["publish_at"]),
        schedule_revision=data["schedule_revision"],
    )
