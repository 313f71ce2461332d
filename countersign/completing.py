"""What an upgrade leaves to do: images stored before a platform was registered are made ready for it, once, at the start."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.records.database import Database
from core.use_cases.media import complete_derivatives
from integrations.store import MediaStore

log = structlog.get_logger(__name__)


async def complete_images(database: Database, store: MediaStore) -> None:
    """A fault of the database or the store is noted, never fatal: the next start goes on where this one stopped."""
    try:
        made = await complete_derivatives(database, store)
    except (SQLAlchemyError, OSError) as fault:
        log.warning("completing.put_off", fault=type(fault).__name__)
        return
    if made:
        log.info("completing.done", images=made)
