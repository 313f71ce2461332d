"""The rest of the publication machine: keys, resending, resolving, taking down, quotas.

The SQL stands in ../sql/0006_machine.sql; migrations only go forward.
"""

from core.records.migrations.running import run_sql

revision = "0006_machine"
down_revision = "0005_accounts"


def upgrade() -> None:
    run_sql(revision)
