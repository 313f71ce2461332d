"""The watch: reads every connected account's own timeline and raises an alarm for what the ledger does not explain.

A plain loop in every worker, beside Temporal and not through it (docs/adr/0011-watching-is-a-loop.md): an account that is taken
over is noticed although the delivery engine is down.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.outcome import SeenPost
from core.domain.publication import BY_HAND
from core.domain.watch import Edited, Findings, OurPost, Rogue, compare, fingerprint, in_turn
from core.records.alarms import raise_alarm
from core.records.database import Database
from core.records.facts import AccountFacts
from core.records.reads import accounts_by_id
from core.records.watching import (
    DueWatch,
    account_ledger,
    begin_watching,
    note_seen,
    note_trouble,
    remember_posts,
    take_due_watches,
)
from integrations.platforms.base import Platform
from integrations.platforms.values import Access, NoAccess, ReadFailed

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
AT_ONCE = 8
LOOK_BACK = timedelta(days=7)
READ_WITHIN_SECONDS = 60.0
LEASE = timedelta(seconds=90)
BLIND_AFTER = 3
"""Intervals without a good reading until people are told that the account is not seen."""
ASKED_BY_ID = 25
"""How many of our posts that a timeline did not show one reading asks for; the next one goes on with the others."""

AccessFor = Callable[[AccountFacts], Awaitable[Access]]


class Watcher:
    """One per worker; each account is read by one of them at a time. What is posted by hand has no timeline to read."""

    def __init__(
        self, database: Database, platforms: Mapping[str, Platform], access_for: AccessFor, *, look_back: timedelta = LOOK_BACK
    ) -> None:
        self._database = database
        self._platforms = platforms
        self._access_for = access_for
        self._look_back = look_back
        self._names = [name for name in platforms if name != BY_HAND]
        self._reading: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong with the database is waited out; with one account, it says so on that account."""
        try:
            while True:
                try:
                    for due in await self._take():
                        task = asyncio.create_task(self.read_one(due))
                        self._reading.add(task)
                        task.add_done_callback(self._reading.discard)
                except Exception as fault:
                    # Whatever goes wrong is said and tried again: without this loop nobody watches.
                    log.warning("watch.failed", fault=type(fault).__name__)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            for task in self._reading:
                task.cancel()

    async def watch_once(self) -> int:
        """Read every account that is due now; returns how many were."""
        taken = await self._take()
        await asyncio.gather(*(self.read_one(due) for due in taken))
        return len(taken)

    async def _take(self) -> tuple[DueWatch, ...]:
        async with self._database.transaction() as session:
            await begin_watching(session, self._names)
            return await take_due_watches(session, platforms=self._names, limit=AT_ONCE - len(self._reading), lease=LEASE)

    async def read_one(self, due: DueWatch) -> None:
        """Read one account, and write down what it came to; never raises."""
        try:
            await self._read_or_say(due)
        except (SQLAlchemyError, OSError) as fault:
            # Its lease ends, and it is due again.
            log.warning("watch.database_away", fault=type(fault).__name__)

    async def _read_or_say(self, due: DueWatch) -> None:
        try:
            async with asyncio.timeout(READ_WITHIN_SECONDS):
                await self._read(due)
        except (NoAccess, ReadFailed, TimeoutError) as failed:
            await self._failed(due, str(failed) or "It did not answer in time.", getattr(failed, "retry_at", None))
        except SQLAlchemyError:
            raise
        except Exception as fault:
            # An adapter that stumbles over an answer must not end the watch of the other accounts.
            log.warning("watch.reading_failed", account=str(due.account_id), fault=type(fault).__name__)
            await self._failed(due, "What its platform answered could not be read.", None)

    async def _read(self, due: DueWatch) -> None:
        async with self._database.transaction() as session:
            (account,) = await accounts_by_id(session, (due.account_id,))
        platform = self._platforms[account.platform]
        access = await self._access_for(account)
        since = due.now - self._look_back
        seen = await platform.timeline(access, since=since)
        async with self._database.transaction() as session:
            ledger = await account_ledger(
                session,
                account.id,
                seen=[post.post_id for post in seen],
                # What stands at the edges of the reading is not asked for: the platform's clock may be another than ours.
                since=since + timedelta(minutes=2),
                before=due.now - timedelta(minutes=2),
            )
        found = compare(seen, ledger, differences=platform.matches, now=due.now)
        gone = await _gone(platform, access, in_turn(found.missing, due.readings, most=ASKED_BY_ID))
        async with self._database.transaction() as session:
            await self._write(session, account, due, found, gone)

    async def _write(
        self, session: AsyncSession, account: AccountFacts, due: DueWatch, found: Findings, gone: list[OurPost]
    ) -> None:
        rogue = found.rogue
        if due.seen_at is None:
            before = [one.post for one in rogue if one.resembles is None and one.removed is None]
            await remember_posts(session, account.id, _named(before), why="stood_before")
            rogue = tuple(one for one in rogue if one.resembles is not None or one.removed is not None)
        await remember_posts(session, account.id, _named(found.accepted), why="accepted")
        label = self._platforms[account.platform].label
        for one in rogue:
            await _raise_rogue(session, account, label, one)
        for changed in found.edited:
            await _raise_edited(session, account, label, changed)
        for lost in gone:
            await raise_alarm(
                session,
                account.id,
                "vanished",
                about=lost.post_id,
                publication_id=lost.publication_id,
                post_id=lost.post_id,
                sentence=f"A published post is gone from {account.name} on {label}, and nobody took it down here. "
                "Find out who removed it: whoever did could get in.",
            )
        await note_seen(session, account.id, began=due.now)

    async def _failed(self, due: DueWatch, sentence: str, retry_at: datetime | None) -> None:
        last = due.seen_at or due.began_at
        async with self._database.transaction() as session:
            await note_trouble(session, due.account_id, sentence, retry_at=retry_at)
            if due.now - last <= BLIND_AFTER * due.every:
                return
            (account,) = await accounts_by_id(session, (due.account_id,))
            await raise_alarm(
                session,
                account.id,
                "blind",
                about=last.isoformat(),
                sentence=f"The service cannot read {account.name} on {self._platforms[account.platform].label}: "
                "a post by somebody else would not be noticed. Look at the account yourself, and at its connection.",
                evidence={"since": last, "said": sentence},
            )


async def _gone(platform: Platform, access: Access, missing: tuple[OurPost, ...]) -> list[OurPost]:
    """Those that are not there when asked for by id; where the platform does not say, the next reading asks again."""
    gone = []
    for post in missing:
        try:
            if not (await platform.read_back(access, post.post_id)).found:
                gone.append(post)
        except ReadFailed:
            continue
    return gone


def _named(posts: list[SeenPost] | tuple[SeenPost, ...]) -> list[tuple[str, str]]:
    return [(post.post_id, fingerprint(post.content)) for post in posts]


def _shown(post: SeenPost) -> dict[str, object]:
    """What people are shown of a post: as it stood when it was read."""
    content = post.content
    return {"text": content.text, "link": content.link, "alts": content.alts, "at": post.at, "permalink": content.permalink}


async def _raise_rogue(session: AsyncSession, account: AccountFacts, label: str, rogue: Rogue) -> None:
    sentence = (
        f"A post stands on {account.name} on {label} that nobody authorised here. Unless somebody posted it by hand, "
        "somebody else can get into the account: stop all posts, change its password, and take the post down."
        if rogue.resembles is None
        else f"A post stands on {account.name} on {label} that looks like one whose outcome is not known, and it has not been "
        "taken up. Look at both, and settle the unknown outcome."
    )
    if rogue.removed is not None:
        sentence = (
            f"A post that was taken down stands on {account.name} on {label}. Take it down on the platform itself, and find out "
            "whether it never came down or somebody put it back."
        )
    await raise_alarm(
        session,
        account.id,
        "rogue",
        about=rogue.post.post_id,
        publication_id=rogue.resembles or rogue.removed,
        post_id=rogue.post.post_id,
        sentence=sentence,
        evidence=_shown(rogue.post),
    )


async def _raise_edited(session: AsyncSession, account: AccountFacts, label: str, edited: Edited) -> None:
    authorised = edited.ours.rendition.text if edited.ours.rendition else None
    await raise_alarm(
        session,
        account.id,
        "edited",
        about=f"{edited.post.post_id} {fingerprint(edited.post.content)}",
        publication_id=edited.ours.publication_id,
        post_id=edited.post.post_id,
        sentence=f"A published post on {account.name} on {label} is no longer what was authorised. "
        "Find out who changed it: whoever did could get in.",
        evidence={**_shown(edited.post), "differences": edited.differences, "authorised": authorised},
    )
