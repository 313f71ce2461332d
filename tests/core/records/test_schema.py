"""What the migrations make is what the tables say; who owns it cannot log in; what is written stays as it was written."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import CheckConstraint, create_engine, inspect

from core.domain.publication import LEGAL_MOVES, NOT_LIVE
from core.records.database import async_url
from core.records.migrate import LOGINS, OWNER, bootstrap, migrate
from core.records.tables import METADATA
from countersign.embedded.postgres import EmbeddedPostgres
from tests.core.publishing import as_admin
from tests.kit import PASSWORDS, Urls

pytestmark = pytest.mark.database

APPEND_ONLY = {
    "audit_event",
    "manifest",
    "version",
    "decision",
    "withdrawal",
    "submission",
    "schedule",
    "contributor",
    "transition",
    "attempt",
    "receipt",
    "media",
    "derivative",
    "upload",
    "known_post",
    "alarm",
    "alarm_answer",
    "target_capture",
    "publication_act",
    "carried_out",
    "look_up",
    "removal_evidence",
    "removal_call",
    "unexpected_post",
    "correction",
}


def test_the_migrated_schema_is_what_the_tables_say(urls: Urls) -> None:
    engine = create_engine(async_url(urls.admin))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        found = inspect(connection)
        for table in METADATA.tables.values():
            named = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
            assert {check["name"] for check in found.get_check_constraints(table.name)} == named, table.name
            defaults = {c["name"] for c in found.get_columns(table.name) if c["default"] == "clock_timestamp()"}
            assert defaults == {c.name for c in table.columns if "clock_timestamp" in str(getattr(c.server_default, "arg", ""))}
    engine.dispose()


def test_the_database_knows_exactly_the_legal_moves(urls: Urls) -> None:
    rows = as_admin(urls, "SELECT before, after FROM legal_move")
    assert {(row["before"], row["after"]) for row in rows} == {(str(before), str(after)) for before, after in LEGAL_MOVES}


def test_at_most_one_publication_per_account_is_live(urls: Urls) -> None:
    index = as_admin(urls, "SELECT indexdef FROM pg_indexes WHERE indexname = 'one_live_publication'")[0]["indexdef"]
    assert index.startswith("CREATE UNIQUE INDEX")
    assert {state for state in NOT_LIVE if f"'{state}'" in index} == set(NOT_LIVE)
    assert index.count("'") == 2 * len(NOT_LIVE)


def test_setting_up_and_migrating_again_changes_nothing(urls: Urls, postgres_server: EmbeddedPostgres) -> None:
    database = as_admin(urls, "SELECT current_database() AS name")[0]["name"]
    before = as_admin(urls, "SELECT version_num FROM alembic_version")
    for _ in range(2):
        bootstrap(postgres_server.admin_url(), database=database, passwords=PASSWORDS)
        migrate(urls.migrator)
    assert as_admin(urls, "SELECT version_num FROM alembic_version") == before
    with psycopg.connect(urls.api) as connection:
        connection.execute("SELECT 1")


def test_the_owner_cannot_log_in_and_nobody_has_more_than_a_login(urls: Urls) -> None:
    rows = as_admin(urls, "SELECT * FROM pg_roles WHERE rolname LIKE 'countersign%%'")
    assert {row["rolname"]: row["rolcanlogin"] for row in rows} == {OWNER: False, **dict.fromkeys(LOGINS, True)}
    for row in rows:
        powers = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
        assert not any(row[power] for power in powers), row
    members = as_admin(
        urls,
        "SELECT m.member::regrole::text AS member FROM pg_auth_members m WHERE m.roleid = %s::regrole",
        OWNER,
    )
    assert [row["member"] for row in members] == ["countersign_migrator"]


def test_passwords_are_kept_as_scram_verifiers(urls: Urls) -> None:
    kept = as_admin(urls, "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY(%s)", list(LOGINS))
    assert len(kept) == len(LOGINS)
    for row in kept:
        assert row["rolpassword"].startswith("SCRAM-SHA-256$")


def test_everything_belongs_to_the_owner(urls: Urls) -> None:
    owners = as_admin(urls, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert [row["tableowner"] for row in owners] == [OWNER]
    functions = as_admin(
        urls,
        "SELECT DISTINCT proowner::regrole::text AS owner FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    assert [row["owner"] for row in functions] == [OWNER]


def test_functions_that_run_as_the_owner_search_no_path_of_the_callers(urls: Urls) -> None:
    rows = as_admin(
        urls,
        "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname",
    )
    assert {row["proname"] for row in rows} == {
        *("audit_append", "dispatch", "publication_moved"),
        *("connect_account", "disconnect_account", "disconnect_in_emergency", "accounts_losing_tokens", "deny_consent"),
    }
    assert all(row["proconfig"] == ["search_path=pg_catalog, public, pg_temp"] for row in rows)


def test_the_database_refuses_a_digest_that_is_not_of_its_bytes(urls: Urls) -> None:
    with psycopg.connect(urls.api) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO manifest (digest, canonical) VALUES (%s, %s)", ("v1:sha256:" + "0" * 64, b"{}"))


@pytest.fixture
def owner(urls: Urls) -> Iterator[psycopg.Connection[Any]]:
    """As the owner itself, as a migration runs; nothing of it is kept."""
    with psycopg.connect(urls.migrator) as connection:
        connection.execute(f"SET ROLE {OWNER}")
        yield connection
        connection.rollback()


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("act", ["UPDATE", "DELETE", "TRUNCATE"])
def test_what_is_on_the_record_stays_even_for_the_owner(
    owner: psycopg.Connection[Any], urls: Urls, everything_written: None, table: str, act: str
) -> None:
    column = as_admin(urls, "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", table)[0]["attname"]
    assert as_admin(urls, f"SELECT count(*) FROM {table}")[0]["count"] > 0, "a trigger per row needs a row"  # noqa: S608
    if table == "audit_event":
        column = "subject"
    statement = {
        "UPDATE": sql.SQL("UPDATE {table} SET {column} = {column}"),
        "DELETE": sql.SQL("DELETE FROM {table}"),
        "TRUNCATE": sql.SQL("TRUNCATE {table} CASCADE"),
    }[act].format(table=sql.Identifier(table), column=sql.Identifier(column))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement)


def test_every_table_that_is_append_only_has_both_its_triggers(urls: Urls) -> None:
    rows = as_admin(urls, "SELECT tgrelid::regclass::text AS on_table FROM pg_trigger WHERE tgfoid = 'stays_as_written'::regproc")
    assert sorted(row["on_table"] for row in rows) == sorted([*APPEND_ONLY, *APPEND_ONLY])
