"""The register of official accounts, the consents that connect them, and their sealed secrets."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from core.records.tables.base import UUID, SQLModel, counter, datetime, instant, key, octets, words


class AccountRow(SQLModel, table=True):
    """An official account in the register (paragraph 38: personal accounts cannot be registered).

    `platform_account_id` is empty until two people connected it, and stays from then on. `releaser` posts by hand.
    """

    __tablename__ = "account"
    __table_args__ = (
        Index(
            "account_platform_id_key",
            "platform",
            "server",
            "platform_account_id",
            unique=True,
            postgresql_where=text("platform_account_id <> ''"),
        ),
        Index(
            "one_bluesky_account",
            "platform_account_id",
            unique=True,
            postgresql_where=text("platform = 'bluesky' AND status = 'connected'"),
        ),
        CheckConstraint("status IN ('registered', 'connected', 'disconnected')", name="account_status_known"),
    )

    id: UUID = key()
    platform: str = words()
    platform_account_id: str = words(default="")
    handle: str = words()
    name: str = words()
    owner_team: str = words()
    status: str = words(default="registered")
    revision: int = counter(1)
    created_at: datetime | None = instant(stamped=True)
    server: str = words(default="")
    releaser: UUID | None = Field(default=None, foreign_key="person.id")
    registered_by: UUID | None = Field(default=None, foreign_key="person.id")


class ConnectionRow(SQLModel, table=True):
    """One consent, from the person who began it to what it found: ids, handles and names, never a token."""

    __tablename__ = "connection"
    __table_args__ = (
        CheckConstraint(
            "status IN ('begun', 'exchanging', 'found', 'failed', 'connected', 'ended')", name="connection_status_known"
        ),
        Index("one_connection_in_force", "account_id", unique=True, postgresql_where=text("status = 'connected'")),
        Index("connection_account_idx", "account_id", "begun_at"),
    )

    id: UUID = key()
    account_id: UUID = Field(foreign_key="account.id")
    asked_by: UUID = Field(foreign_key="person.id")
    begun_at: datetime | None = instant(stamped=True)
    state_hash: bytes = octets()
    browser: str = words()
    redirect_uri: str = words()
    status: str = words(default="begun")
    note: str = words(default="")
    found: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    moved_at: datetime | None = instant(stamped=True)


class PlatformAppRow(SQLModel, table=True):
    """This service as one server knows it, where each server is asked (Mastodon). No `client_id` yet: the worker will ask."""

    __tablename__ = "platform_app"

    platform: str = Field(sa_column=Column(Text, primary_key=True))
    server: str = Field(sa_column=Column(Text, primary_key=True))
    redirect_uri: str = Field(sa_column=Column(Text, primary_key=True))
    asked_at: datetime | None = instant(stamped=True)
    client_id: str | None = words(nullable=True)
    note: str = words(default="")
    retry_at: datetime | None = instant(nullable=True)


class WorkerKeyRow(SQLModel, table=True):
    """The X25519 key that the api seals to; its private half is a `service_secret`."""

    __tablename__ = "worker_key"
    __table_args__ = (CheckConstraint("octet_length(public_key) = 32", name="worker_key_is_x25519"),)

    id: UUID = key()
    public_key: bytes = octets()
    published_at: datetime | None = instant(stamped=True)


class ConnectionSecretRow(SQLModel, table=True):
    """A code or app password on its way to the worker, who deletes it when taking it: a secret never rests."""

    __tablename__ = "connection_secret"
    __table_args__ = (CheckConstraint("purpose IN ('verifier', 'code', 'app_password')", name="connection_secret_purpose_known"),)

    connection_id: UUID = Field(foreign_key="connection.id", primary_key=True)
    purpose: str = Field(sa_column=Column(Text, primary_key=True))
    worker_key_id: UUID = Field(foreign_key="worker_key.id")
    sealed: bytes = octets()
    sealed_at: datetime | None = instant(stamped=True)


class TokenRow(SQLModel, table=True):
    """An account's sealed token. It is in force while its connection is; every other one is destroyed.

    `ends_at`: when a person must consent again, however often it is refreshed. `refused`: the platform refreshes no more.
    """

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("connection_id", "platform_account_id", name="token_once"),)

    id: UUID = key()
    connection_id: UUID = Field(foreign_key="connection.id")
    platform_account_id: str = words()
    version: int = counter(1)
    sealed: bytes = octets()
    wrapped_key: bytes = octets()
    kek_id: str = words()
    refreshable: bool = Field(sa_column=Column(Boolean, nullable=False))
    granted_by: str = words(default="")
    sealed_at: datetime | None = instant(stamped=True)
    expires_at: datetime | None = instant(nullable=True)
    ends_at: datetime | None = instant(nullable=True)
    refused: str = words(default="")
    tries: int = counter(0)
    retry_at: datetime | None = instant(nullable=True)


class ServiceSecretRow(SQLModel, table=True):
    """What the service itself keeps sealed: private keys of `worker_key`, secrets of `platform_app`."""

    __tablename__ = "service_secret"
    __table_args__ = (
        UniqueConstraint("kind", "subject", name="service_secret_once"),
        CheckConstraint("kind IN ('worker_key', 'app')", name="service_secret_kind_known"),
    )

    id: UUID = key()
    kind: str = words()
    subject: str = words()
    version: int = counter(1)
    sealed: bytes = octets()
    wrapped_key: bytes = octets()
    kek_id: str = words()
    sealed_at: datetime | None = instant(stamped=True)


class AccountHealthRow(SQLModel, table=True):
    """Whether the service can post there, and until when, as the worker last found it."""

    __tablename__ = "account_health"

    account_id: UUID = Field(foreign_key="account.id", primary_key=True)
    can_post: bool = Field(sa_column=Column(Boolean, nullable=False))
    problem: str = words(default="")
    expires_at: datetime | None = instant(nullable=True)
    ends_at: datetime | None = instant(nullable=True)
    last_checked_at: datetime | None = instant(stamped=True)
    last_refresh_at: datetime | None = instant(nullable=True)
    last_success_at: datetime | None = instant(nullable=True)
    warned_days: int | None = None
