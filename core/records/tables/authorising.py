"""Routes, the authority register, submissions, decisions and holds."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, data, datetime, ids, instant, key, words


class RouteRow(SQLModel, table=True):
    """A route's version: ordered steps with role and quorum. `account_id` NULL is the default route. Two people change it."""

    __tablename__ = "route"
    __table_args__ = (
        UniqueConstraint("account_id", "version", name="route_account_version_key", postgresql_nulls_not_distinct=True),
        CheckConstraint("made_by <> confirmed_by", name="route_takes_two"),
    )

    id: UUID = key()
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    version: int
    name: str = words()
    steps: list[dict[str, object]] = data()
    made_by: str = words()
    confirmed_by: str = words()
    made_at: datetime | None = instant(stamped=True)


class AuthorityRow(SQLModel, table=True):
    """A dated grant. `granted_by` and `confirmed_by` are issuer|subject names; granting takes two, revoking one."""

    __tablename__ = "authority"
    __table_args__ = (
        CheckConstraint("granted_by <> confirmed_by", name="authority_takes_two"),
        CheckConstraint("valid_from < valid_until", name="authority_has_a_span"),
        Index("authority_person_idx", "person_id"),
    )

    id: UUID = key()
    person_id: UUID = Field(foreign_key="person.id")
    role: str = words()
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    valid_from: datetime = instant()
    valid_until: datetime = instant()
    granted_by: str = words()
    confirmed_by: str = words()
    granted_at: datetime | None = instant(stamped=True)
    revoked_at: datetime | None = instant(nullable=True)
    revoked_by: str | None = words(nullable=True)
    revision: int = counter(1)


class SubmissionRow(SQLModel, table=True):
    """One version going through its frozen plan."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("draft_id", "number", name="submission_draft_number_key"),)

    id: UUID = key()
    draft_id: UUID = Field(foreign_key="draft.id")
    number: int
    version_id: UUID = Field(foreign_key="version.id")
    version_number: int
    digest: str = Field(foreign_key="manifest.digest")
    plan: dict[str, object] = data()
    account_ids: list[UUID] = ids()
    window_start: datetime = instant()
    window_end: datetime = instant()
    submitted_by: UUID = Field(foreign_key="person.id")
    submitted_at: datetime | None = instant(stamped=True)


class WithdrawalRow(SQLModel, table=True):
    __tablename__ = "withdrawal"

    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    person_id: UUID = Field(foreign_key="person.id")
    reason: str = words()
    at: datetime | None = instant(stamped=True)


class DecisionRow(SQLModel, table=True):
    """One person decides once on a submission, over the digest they were shown (derived from paragraphs 36 and 37)."""

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("submission_id", "person_id", name="decision_once_per_person"),
        CheckConstraint("answer IN ('authorise', 'ask_for_changes', 'reject')", name="decision_answer_known"),
        CheckConstraint("answer = 'authorise' OR length(trim(reason)) > 0", name="decision_no_needs_a_reason"),
        Index("decision_person_idx", "person_id", "decided_at"),
    )

    id: UUID = key()
    submission_id: UUID = Field(foreign_key="submission.id")
    step: int
    person_id: UUID = Field(foreign_key="person.id")
    authority_id: UUID = Field(foreign_key="authority.id")
    answer: str = words()
    digest: str = Field(foreign_key="manifest.digest")
    reason: str = words(default="")
    answers: dict[str, object] = data()
    decided_at: datetime | None = instant(stamped=True)


class AwaitingRow(SQLModel, table=True):
    """The answer of `progress` per open step, so that a queue is one indexed read."""

    __tablename__ = "awaiting"
    __table_args__ = (Index("awaiting_role_due_idx", "role", "due", "submission_id"),)

    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    step: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    draft_id: UUID = Field(sa_column=Column(ForeignKey("draft.id"), nullable=False, index=True))
    role: str = words()
    label: str = words()
    account_ids: list[UUID] = ids()
    due: datetime = instant()
    since: datetime | None = instant(stamped=True)


class StepClockRow(SQLModel, table=True):
    """When the service opened a step: the workflow starts its clock."""

    __tablename__ = "step_clock"

    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    step: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    opened_at: datetime | None = instant(stamped=True)


class HoldRow(SQLModel, table=True):
    """Stops publishing for all, a platform, an account or a draft from an instant until its end, or until two people lift it."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("scope IN ('all', 'platform', 'account', 'draft')", name="hold_scope_known"),
        CheckConstraint(
            "lifted_at IS NULL OR coalesce(lifted_by, '') <> coalesce(lift_confirmed_by, '') "
            "AND lifted_by IS NOT NULL AND lift_confirmed_by IS NOT NULL",
            name="hold_lift_takes_two",
        ),
        CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name="hold_has_a_span"),
        Index("hold_standing_idx", "scope", "target", postgresql_where=text("lifted_at IS NULL")),
    )

    id: UUID = key()
    scope: str = words()
    target: str = words(default="")
    reason: str = words()
    placed_by: str = words()
    placed_at: datetime | None = instant(stamped=True)
    starts_at: datetime = instant()
    lifted_at: datetime | None = instant(nullable=True)
    lifted_by: str | None = words(nullable=True)
    lift_confirmed_by: str | None = words(nullable=True)
    ends_at: datetime | None = instant(nullable=True)
