"""Watching the official accounts, and the alarms that it raises.

The SQL stands in ../sql/0007_watching.sql; migrations only go forward.
"""

from core.records.migrations.running import run_sql

revision = "0007_watching"
down_revision = "0006_machine"


def upgrade() -> None:
    run_sql(revision)
