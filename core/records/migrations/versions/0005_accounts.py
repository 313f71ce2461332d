"""Connecting accounts, and their sealed secrets.

The SQL stands in ../sql/0005_accounts.sql; migrations only go forward.
"""

from core.records.migrations.running import run_sql

revision = "0005_accounts"
down_revision = "0004_second_person"


def upgrade() -> None:
    run_sql(revision)
