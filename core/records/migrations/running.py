"""How a migration runs its SQL file: as one batch on the migration's own connection."""

from pathlib import Path

from alembic import op


def run_sql(revision: str) -> None:
    """Run sql/<revision>.sql as it stands (no parameters, so `%` and `:` need no escaping)."""
    statements = (Path(__file__).parent / "sql" / f"{revision}.sql").read_text(encoding="utf-8")
    cursor = op.get_bind().connection.cursor()
    cursor.execute(statements)
