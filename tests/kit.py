"""A migrated database with accounts, a route and people, and the main job's steps as short calls."""

import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from core.domain.content import Source, Window
from core.domain.people import Person
from core.domain.prompts import PROMPTS
from core.domain.route import Answer
from core.records.database import Database
from core.records.migrate import LOGINS, bootstrap, migrate
from core.use_cases.deciding import Decided, decide
from core.use_cases.drafting import Saved, create_draft
from core.use_cases.people import recognise
from core.use_cases.submitting import submit
from countersign.embedded.postgres import EmbeddedPostgres

ISSUER = "https://identity.test"
PASSWORDS = {login: f"secret of {login}" for login in LOGINS}
ALL_PROMPTS = frozenset(prompt.key for prompt in PROMPTS)


@dataclass(frozen=True)
class Urls:
    """One migrated database as each login reaches it."""

    admin: str
    migrator: str
    api: str
    worker: str


def _url(server: EmbeddedPostgres, login: str, database: str) -> str:
    return f"postgresql://{login}:{quote(PASSWORDS[login])}@127.0.0.1:{server.port}/{database}"


def make_database(server: EmbeddedPostgres) -> Urls:
    name = f"t_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    bootstrap(server.admin_url(), database=name, passwords=PASSWORDS)
    migrator, api, worker = (_url(server, login, name) for login in LOGINS)
    migrate(migrator)
    return Urls(server.admin_url(name), migrator, api, worker)


@pytest.fixture(scope="module")
def urls(postgres_server: EmbeddedPostgres) -> Urls:
    """One migrated database per test module; tests make their own people and drafts in it."""
    made = make_database(postgres_server)
    seed_register(made)
    return made


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    """The api's own login."""
    made = Database(urls.api, pool_size=10)
    yield made
    await made.close()


@pytest.fixture
async def worker_database(urls: Urls) -> AsyncIterator[Database]:
    """The worker's own login."""
    made = Database(urls.worker, pool_size=10)
    yield made
    await made.close()


ACCOUNTS: dict[str, UUID] = {
    "x": UUID("00000000-0000-4000-8000-0000000000a1"),
    "facebook": UUID("00000000-0000-4000-8000-0000000000a2"),
    "linkedin": UUID("00000000-0000-4000-8000-0000000000a3"),
}


def seed_register(urls: Urls) -> None:
    """Three connected accounts and a default route of two steps, as an administrator of the register would have them."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        for platform, account in ACCOUNTS.items():
            connection.execute(
                "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status, revision) "
                "VALUES (%s, %s, %s, %s, 'Department', 'Press office', 'connected', 1)",
                (account, platform, f"{platform}-1", "department"),
            )
        connection.execute(
            "INSERT INTO route (id, version, name, steps, made_by, confirmed_by) VALUES (%s, 1, 'Default', %s, 'a', 'b')",
            (
                uuid4(),
                Jsonb(
                    [
                        {"role": "press_office", "label": "Press office", "quorum": 1, "paragraph": 36},
                        {"role": "policy_owner", "label": "Policy owner", "quorum": 1, "paragraph": 37},
                    ]
                ),
            ),
        )


async def new_person(database: Database, *roles: str, name: str = "Somebody") -> Person:
    async with database.transaction() as session:
        return await recognise(session, issuer=ISSUER, subject=uuid4().hex, name=name, email=None, roles=frozenset(roles))


def grant(
    urls: Urls,
    person: Person,
    role: str,
    *,
    account: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> UUID:
    """A grant in the register, given by two others."""
    grant_id = uuid4()
    now = datetime.now(UTC)
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO authority (id, person_id, role, account_id, valid_from, valid_until, granted_by, "
            "confirmed_by, revision) VALUES (%s, %s, %s, %s, %s, %s, 'a', 'b', 1)",
            (grant_id, person.id, role, account, since or now - timedelta(days=1), until or now + timedelta(days=365)),
        )
    return grant_id


async def new_authoriser(database: Database, urls: Urls, role: str, *more: str, **options: Any) -> Person:
    person = await new_person(database, "authoriser", *more)
    grant(urls, person, role, **options)
    return person


def source(**changes: Any) -> Source:
    """What an officer might type, with a window from now for two days."""
    now = datetime.now(UTC)
    typed: dict[str, Any] = {
        "purpose": "Pension Credit week",
        "text": "Check if you can get Pension Credit.",
        "overrides": {},
        "link": None,
        "images": (),
        "window": Window(now - timedelta(minutes=5), now + timedelta(days=2)),
        "account_ids": (str(ACCOUNTS["x"]),),
    }
    return Source(**{**typed, **changes})


def in_minutes(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


async def written(database: Database, by: Person, *, publish_at: datetime | None = None, **changes: Any) -> Saved:
    async with database.transaction() as session:
        return await create_draft(session, by=by, source=source(**changes), publish_at=publish_at or in_minutes(60))


async def submitted(database: Database, by: Person, *, publish_at: datetime | None = None, **changes: Any) -> Saved:
    saved = await written(database, by, publish_at=publish_at, **changes)
    async with database.transaction() as session:
        await submit(session, by=by, draft_id=saved.draft_id, digest=saved.digest)
    return saved


async def decided(database: Database, by: Person, saved: Saved, *, step: int, **changes: Any) -> Decided:
    asked: dict[str, Any] = {
        "authenticated_at": datetime.now(UTC),
        "digest": saved.digest,
        "answer": Answer.AUTHORISE,
        "confirmed": ALL_PROMPTS,
    }
    async with database.transaction() as session:
        return await decide(session, by=by, draft_id=saved.draft_id, step=step, **{**asked, **changes})


@dataclass(frozen=True)
class Cast:
    """The people of the main job: one officer, and one authoriser per step."""

    officer: Person
    press: Person
    policy: Person


async def new_cast(database: Database, urls: Urls) -> Cast:
    return Cast(
        officer=await new_person(database, "officer", name="Olivia Okafor"),
        press=await new_authoriser(database, urls, "press_office"),
        policy=await new_authoriser(database, urls, "policy_owner"),
    )


async def authorised(database: Database, cast: Cast, *, publish_at: datetime | None = None, **changes: Any) -> Saved:
    saved = await submitted(database, cast.officer, publish_at=publish_at, **changes)
    await decided(database, cast.press, saved, step=1)
    await decided(database, cast.policy, saved, step=2)
    return saved
