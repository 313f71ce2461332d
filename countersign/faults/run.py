"""`countersign faults`: the real service under a seeded plan of faults, then a judge; the last line is the sum."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from rich.console import Console

from core.records.audit import verify
from countersign.demo.run import seed as seed_people
from countersign.embedded.forget import forget
from countersign.embedded.state import claimed
from countersign.embedded.trouble import EmbeddedTrouble
from countersign.faults.drafting import Desk
from countersign.faults.evidence import Facts, gather, still_open
from countersign.faults.field import WORKERS, Field
from countersign.faults.judge import judge
from countersign.faults.plan import Kind, Round, plan
from countersign.faults.striking import Striker
from countersign.faults.telling import tell

# Between the start of a round and its first due instant: enough to write and decide its drafts, as long as the round before
# took for that; over HTTP with the api killed in between, longer.
LEAD, OVER_HTTP = 2.5, 9.0
AFTER_ROUND = 1.0
SETTLES_WITHIN = 180.0
PILE, CATCHES_UP_WITHIN = 36, 20
EVERY = 5.0
A_LIMIT_RESETS_WITHIN = timedelta(seconds=90)

Meddle = Callable[[Field], None]
"""For tests of the judge: something that is done to the service behind its back before it is judged."""


@dataclass
class Run:
    """One run on one field: what was written in which round, and how long it took."""

    field: Field
    desk: Desk
    striker: Striker
    console: Console
    kinds: dict[UUID, str]
    wrote_in: float = 2.0

    async def play(self, rounds: list[Round]) -> None:
        done, began = 0, time.monotonic()
        for round_ in rounds:
            await self._round(round_)
            done += round_.publications
            self.console.print(
                f"  round {round_.number}/{len(rounds)}: {round_.kind}; {done} publications under fault, "
                f"{len(still_open(self.field, self.kinds, A_LIMIT_RESETS_WITHIN))} open, {time.monotonic() - began:.0f} s"
            )
        await self.striker.over()
        self.field.heal()

    async def _round(self, round_: Round) -> None:
        if round_.stop_at:
            # Whoever is still paused wakes first: what it does then is what a pause is for.
            await self.striker.over()
            # The other one is down until the round is healed: everything comes to the one that is to stop.
            for worker in WORKERS:
                await asyncio.to_thread(self.field.kill, worker)
            await asyncio.to_thread(self.field.work, WORKERS[0], round_.stop_at)
        lead = LEAD + self.wrote_in * 1.5 + (OVER_HTTP if round_.kind is Kind.API else 0.0)
        began = datetime.now(UTC)
        first_due = began + timedelta(seconds=lead)
        drafts = await self.desk.write(round_, first_due)
        if round_.kind is not Kind.API:
            self.wrote_in = (datetime.now(UTC) - began).total_seconds()
        self.kinds.update({draft.draft_id: str(round_.kind) for draft in drafts})
        await self.striker.play(round_, drafts, first_due)
        last = max(draft.publish_at for draft in drafts)
        await asyncio.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds()) + AFTER_ROUND)
        await asyncio.to_thread(self.field.heal)
        # What was connected to a killed server is no way to write the next round's drafts.
        await self.desk.database.engine.dispose()
        await self._caught_up()

    async def _caught_up(self) -> None:
        """Where a busy machine lets posts pile up, the next strikes would meet a queue instead of posts that leave."""
        for _ in range(CATCHES_UP_WITHIN):
            if len(still_open(self.field, self.kinds, A_LIMIT_RESETS_WITHIN)) <= PILE:
                return
            await asyncio.sleep(1)

    async def settled(self) -> None:
        """Until the service has finished with everything, or for three minutes: what is open then is a finding."""
        deadline = time.monotonic() + SETTLES_WITHIN
        while left := still_open(self.field, self.kinds, A_LIMIT_RESETS_WITHIN):
            if time.monotonic() > deadline:
                return
            self.console.print(f"  {len(left)} open: waiting for leases, answers and looks to end …")
            await asyncio.sleep(EVERY)

    async def facts(self) -> Facts:
        async with self.desk.database.transaction() as session:
            report = await verify(session)
        return gather(self.field, self.kinds, self.desk.acknowledged, chains_broken=len(report.faults))


def run_faults(console: Console, *, publications: int, seed: int | None = None, meddle: Meddle | None = None) -> bool:
    """Whether every promise was kept. Everything runs in a folder that is gone afterwards."""
    seed = seed if seed is not None else int(time.time())
    rounds = plan(seed, publications)
    if not rounds:
        raise EmbeddedTrouble("Say how many publications to put under fault: N=300, for instance.")
    console.print(f"{publications} publications in {len(rounds)} rounds; SEED={seed} repeats this plan.")
    with tempfile.TemporaryDirectory(prefix="countersign-faults-") as folder:
        state = Path(folder) / "state"
        try:
            with claimed(state):
                part = Field(state, say=lambda words: console.print(f"  {words}"))
                try:
                    part.begin()
                    return asyncio.run(_run(part, rounds, console, seed, meddle))
                finally:
                    part.stop()
        finally:
            forget(state)


async def _run(part: Field, rounds: list[Round], console: Console, seed: int, meddle: Meddle | None) -> bool:
    await seed_people(part, drafts=False)
    desk = await Desk.of(part)
    run = Run(part, desk, Striker(part, desk), console, {})
    try:
        await run.play(rounds)
        await run.settled()
        if meddle is not None:
            await asyncio.to_thread(meddle, part)
        facts = await run.facts()
    finally:
        await desk.database.close()
    findings = judge(facts)
    points = {f"killed at {point}": times for point, times in part.deaths.items()}
    tell(console, facts, findings, struck={**run.striker.told, **points}, seed=seed)
    return not findings
