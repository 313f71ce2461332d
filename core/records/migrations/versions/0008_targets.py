"""Posts that a draft replies to, quotes or reposts.

The SQL stands in ../sql/0008_targets.sql; migrations only go forward.
"""

from core.records.migrations.running import run_sql

revision = "0008_targets"
down_revision = "0007_watching"


def upgrade() -> None:
    run_sql(revision)
