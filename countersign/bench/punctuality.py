"""Posts that are all due at one instant: through the gate, and beside that as bare timers of the engine."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2

from countersign.bench.engine import timers
from countersign.bench.figures import Lateness
from countersign.bench.stage import Stage
from countersign.embedded.trouble import EmbeddedTrouble

Say = Callable[[str], None]
ARRIVES_WITHIN = 90.0
# What authorising takes on a slow machine, and then the time in which the service must have got everything ready.
SECONDS_EACH, SECONDS_READY = 0.12, 60.0


async def through_the_gate(stage: Stage, count: int, say: Say) -> Lateness:
    """That many drafts, authorised by two people each, due at one instant."""
    run = f"gate {uuid4().hex[:8]}"
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=SECONDS_READY + SECONDS_EACH * count)
    await stage.authorised(await stage.submitted(count, publish_at=due, text=run))
    left = (due - datetime.now(UTC)).total_seconds()
    if left < 5:
        raise EmbeddedTrouble("This machine is too busy: the posts were authorised too late. Run the measurement again.")
    say(f"{count} posts are authorised, {left:.0f} s before their time, {due:%H:%M:%S} UTC")
    return await _arrived(stage, run, count, due)


async def as_bare_timers(stage: Stage, count: int, say: Say) -> Lateness:
    """That many workflows that sleep until one instant and then post, with the same sandbox."""
    run = f"timers {uuid4().hex[:8]}"
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10 + SECONDS_EACH / 3 * count)
    await timers(await stage.engine(), due.timestamp(), [f"{run} {number}" for number in range(count)])
    left = (due - datetime.now(UTC)).total_seconds()
    if left < 2:
        raise EmbeddedTrouble("This machine is too busy: the timers were started too late. Run the measurement again.")
    say(f"{count} bare timers are set, {left:.0f} s before their time, {due:%H:%M:%S} UTC")
    return await _arrived(stage, run, count, due)


async def _arrived(stage: Stage, run: str, count: int, due: datetime) -> Lateness:
    """By the platform's own ledger. Nobody asks it anything while the posts arrive."""
    await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()) + 3)
    deadline = time.monotonic() + ARRIVES_WITHIN
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        while True:
            rows = (await client.get(f"{stage.parts.addresses.url('x')}/_ledger")).json()["posts"]
            late = [datetime.fromisoformat(row["received_at"]) - due for row in rows if row["text"].startswith(run)]
            if len(late) >= count or time.monotonic() > deadline:
                break
            await asyncio.sleep(1)
    if len(late) != count:
        raise EmbeddedTrouble(f"{len(late)} posts arrived where {count} were due; see {stage.parts.state / 'logs'}.")
    return Lateness(tuple(sorted(each.total_seconds() for each in late)))
