"""Alembic's environment: runs on a connection that `core.records.migrate` opened, as the owner role."""

from alembic import context

from core.records.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
