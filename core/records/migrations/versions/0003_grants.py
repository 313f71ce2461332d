"""Who may write what. The SQL stands in ../sql/0003_grants.sql; migrations only go forward."""

from core.records.migrations.running import run_sql

revision = "0003_grants"
down_revision = "0002_machinery"


def upgrade() -> None:
    run_sql(revision)
