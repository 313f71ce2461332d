"""The tables. The SQL stands in ../sql/0001_tables.sql; migrations only go forward."""

from core.records.migrations.running import run_sql

revision = "0001_tables"
down_revision = None


def upgrade() -> None:
    run_sql(revision)
