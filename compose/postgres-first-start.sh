#!/bin/sh
# Runs once, when the data folder is empty: Temporal's login. The service's own roles are made by `countersign migrate`.
set -eu
psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 --set password="$TEMPORAL_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'password';
SQL
