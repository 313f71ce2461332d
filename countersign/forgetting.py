"""What the api process forgets by itself: sessions past their limit, and answers nobody will ask for again."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.records.database import Database
from core.use_cases.idempotency import forget_answers
from core.use_cases.sessions import delete_ended
from web.sessions import DEFAULT_LIMITS

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)
ANSWERS_KEPT = timedelta(days=7)


async def forget_for_ever(database: Database) -> None:
    """Until cancelled. A fault of the database is waited out, never fatal."""
    while True:
        try:
            await forget_once(database)
        except (SQLAlchemyError, OSError) as fault:
            log.warning("forgetting.database_away", fault=type(fault).__name__)
        await asyncio.sleep(EVERY.total_seconds())


async def forget_once(database: Database) -> None:
    now = datetime.now(UTC)
    await delete_ended(database, older_than=now - DEFAULT_LIMITS.absolute)
    await forget_answers(database, older_than=now - ANSWERS_KEPT)
