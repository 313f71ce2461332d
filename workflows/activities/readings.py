"""Whatever goes wrong over what a platform answers is a reading that failed: said to people, never tried without end."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.domain.content import Rendition
from core.domain.outcome import ReadBack
from integrations.platforms.base import Platform
from integrations.platforms.values import NoAccess, ReadFailed

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
# One look asks three times at most, and is itself over within two minutes.
ANSWERS_WITHIN_SECONDS = 30.0
UNREADABLE = "What its platform answered could not be read."
TOO_SLOW = "Its platform did not answer in time."


def failed_reading(fault: Exception) -> NoAccess | ReadFailed:
    """`fault` as a reading that failed; raises it where it is our own database that is away, which is waited out.

    Nothing of what it says is kept: an adapter that stumbled may quote the answer.
    """
    if isinstance(fault, NoAccess | ReadFailed):
        return fault
    if isinstance(fault, DATABASE_AWAY):
        raise fault
    log.warning("platform.unreadable", fault=type(fault).__name__)
    return ReadFailed(TOO_SLOW if isinstance(fault, TimeoutError) else UNREADABLE)


async def answered(call: Awaitable[Answer]) -> Answer:
    """What a platform's read comes to. Raises ReadFailed or NoAccess whatever the adapter stumbled over."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            return await call
    except Exception as fault:
        failed = failed_reading(fault)
    raise failed


def differences(platform: Platform, rendition: Rendition, found: ReadBack) -> list[str]:
    """How what stands there differs from what was authorised. Raises ReadFailed where it cannot be compared."""
    try:
        return list(platform.matches(rendition, found))
    except Exception as fault:
        failed = failed_reading(fault)
    raise failed
