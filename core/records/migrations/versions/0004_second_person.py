"""Acts that take two people.

The SQL stands in ../sql/0004_second_person.sql; migrations only go forward.
"""

from core.records.migrations.running import run_sql

revision = "0004_second_person"
down_revision = "0003_grants"


def upgrade() -> None:
    run_sql(revision)
