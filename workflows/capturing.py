"""Capturing the posts that drafts answer: the api asks by a row, the worker reads the platform, within a second or two."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from core.domain.content import Target
from core.records.database import Database
from core.records.facts import AccountFacts
from core.records.targets import MOST_TRIES, TargetRequest, take_requests, try_later, write_capture
from integrations.platforms.base import Platform
from integrations.platforms.values import Access, NoAccess, ReadFailed

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
READ_WITHIN_SECONDS = 20.0
AGAIN_SECONDS = 2.0

AccessFor = Callable[[AccountFacts], Awaitable[Access]]


class Capturer:
    """One per worker; each request is read by one of them at a time, up to three times, and always answered."""

    def __init__(self, database: Database, platforms: Mapping[str, Platform], access_for: AccessFor) -> None:
        self._database = database
        self._platforms = platforms
        self._access_for = access_for

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong is said and tried again."""
        while True:
            try:
                await self.capture_once()
            except Exception as fault:
                log.warning("capture.not_now", fault=type(fault).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def capture_once(self) -> int:
        """Answer what waits; returns how many requests were taken up."""
        async with self._database.transaction() as session:
            requests = await take_requests(session)
        await asyncio.gather(*(self._capture(request) for request in requests))
        return len(requests)

    async def _capture(self, request: TargetRequest) -> None:
        label = self._platforms[request.account.platform].label
        try:
            async with asyncio.timeout(READ_WITHIN_SECONDS):
                target = await self._read(request)
            note = f"There is no post on {label} at this address that a draft can answer. Check the address, and save again."
        except Exception as failed:
            if request.tries < MOST_TRIES and not isinstance(failed, NoAccess):
                async with self._database.transaction() as session:
                    await try_later(session, request.id, seconds=AGAIN_SECONDS)
                return
            log.warning("capture.failed", request=str(request.id), fault=type(failed).__name__)
            said = f" {failed}" if isinstance(failed, NoAccess | ReadFailed) else ""
            target, note = None, f"{label} could not be read, so that post was not captured.{said} Save again to try again."
        async with self._database.transaction() as session:
            await write_capture(session, request.id, target, note="" if target else note)

    async def _read(self, request: TargetRequest) -> Target | None:
        access = await self._access_for(request.account)
        return await self._platforms[request.account.platform].read_target(access, request.address, request.kind)
