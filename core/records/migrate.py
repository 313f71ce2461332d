"""Roles, database and migrations: who owns the tables, who logs in, and how the schema moves forward."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.records.database import async_url

OWNER = "countersign_owner"
LOGINS = ("countersign_migrator", "countersign_api", "countersign_worker")


def bootstrap(admin_url: str, *, database: str, passwords: dict[str, str]) -> None:
    """Create the owner (no login), the three logins and the database, as a superuser; safe to repeat.

    Passwords reach the server only as SCRAM-SHA-256 verifiers, so they cannot end up in its log.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        if OWNER not in known:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER)))
        for login in LOGINS:
            verifier = connection.pgconn.encrypt_password(passwords[login].encode(), login.encode(), b"scram-sha-256").decode()
            verb = "ALTER" if login in known else "CREATE"
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOINHERIT PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(login), sql.Literal(verifier)
                )
            )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(LOGINS[0])))
        for login in LOGINS[1:]:
            # A lock that is waited for longer than this is a fault, not a queue; people get an answer instead.
            connection.execute(sql.SQL("ALTER ROLE {} SET lock_timeout = '10s'").format(sql.Identifier(login)))
            connection.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = '30s'").format(sql.Identifier(login)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(OWNER)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        for login in LOGINS:
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(login))
            )


def migrate(migrator_url: str) -> None:
    """Bring the schema to the newest revision, as the owner role and under a lock timeout."""
    engine = create_engine(make_url(async_url(migrator_url)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.connect() as connection:
            connection.execute(text(f"SET ROLE {OWNER}"))
            connection.execute(text("SET lock_timeout = '4s'"))
            connection.execute(text("SELECT pg_advisory_lock(7300)"))
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()
