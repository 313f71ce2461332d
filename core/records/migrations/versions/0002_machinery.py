"""Audit chain, publication machine and dispatch; the SQL stands in ../sql/0002_machinery.sql."""

from core.records.migrations.running import run_sql

revision = "0002_machinery"
down_revision = "0001_tables"


def upgrade() -> None:
    run_sql(revision)
