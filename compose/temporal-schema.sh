#!/bin/sh
# Temporal's two databases, brought to the schema of this version. Safe to repeat: what is there stays.
set -eu
for part in temporal visibility; do
    database=temporal
    [ "$part" = temporal ] || database=temporal_visibility
    sql() {
        temporal-sql-tool --plugin "$DB" --ep "$POSTGRES_SEEDS" --port "$DB_PORT" --user "$POSTGRES_USER" --db "$database" "$@"
    }
    sql create
    # Refused where the schema stands already, and then updating is all there is to do.
    sql setup-schema --version 0.0 || true
    sql update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$part/versioned"
done
