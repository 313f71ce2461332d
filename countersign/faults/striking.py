"""Carrying the plan's strikes out at their seconds, undoing each, and leaving the field whole."""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from core.domain.refusals import Refusal
from core.use_cases.holding import lift_hold, place_hold
from countersign.demo.seeds import account_id
from countersign.faults.drafting import Desk, Written
from countersign.faults.field import WORKERS, Field
from countersign.faults.plan import Act, Round, Strike

# A pause that outlasts a round goes on in the next ones, which leave that worker alone.
LONG = 6.0
POINTS_WITHIN = 20.0


class Striker:
    """Strikes at a field; `told` counts what was really done."""

    def __init__(self, field: Field, desk: Desk) -> None:
        self.field, self.desk = field, desk
        self.told: dict[str, int] = {}
        self._long: list[asyncio.Task[None]] = []

    async def play(self, round_: Round, drafts: list[Written], first_due: datetime) -> None:
        """The round's strikes and the people's stops, each at its second; returns when all are done and undone."""
        acts = [self._strike(strike, drafts, first_due) for strike in round_.strikes]
        acts += [self._stop(draft, first_due) for draft in drafts if draft.wanted.stop]
        if round_.stop_at:
            acts.append(self._at_its_point(round_))
        await asyncio.gather(*acts)

    async def over(self) -> None:
        """Until the long pauses are over too."""
        await asyncio.gather(*self._long)
        self._long.clear()

    async def _strike(self, strike: Strike, drafts: list[Written], first_due: datetime) -> None:
        await _until(first_due, strike.at)
        do: Callable[[Strike, list[Written]], Awaitable[None]] = {
            Act.KILL: self._kill,
            Act.PAUSE: self._pause,
            Act.LIE: self._lie,
            Act.HOLD: self._hold,
        }.get(strike.act, self._wire)
        await do(strike, drafts)

    def _count(self, what: str) -> None:
        self.told[what] = self.told.get(what, 0) + 1

    async def _kill(self, strike: Strike, _: list[Written]) -> None:
        if strike.whom in self.field.paused:
            return
        await asyncio.to_thread(self.field.kill, strike.whom)
        self._count(f"{strike.whom} killed")
        await asyncio.sleep(strike.seconds)
        await asyncio.to_thread(self.field.start_again, strike.whom)

    async def _pause(self, strike: Strike, _: list[Written]) -> None:
        if strike.whom in self.field.paused:
            return
        self.field.pause(strike.whom)
        self._count("worker paused")
        await self._resumed(strike.whom, strike.seconds)

    async def _resumed(self, worker: str, seconds: float) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            self.field.resume(worker)

        if seconds > LONG:
            self._long.append(asyncio.create_task(later()))
        else:
            await later()

    async def _wire(self, strike: Strike, _: list[Written]) -> None:
        wires = self.field.wires
        self._count(f"{strike.whom} wire: {strike.act}")
        if strike.act is Act.CUT:
            wires.cut(strike.whom)
            return
        wires.set(
            strike.whom,
            delay=0.4 if strike.act is Act.DELAY else 0.0,
            questions=strike.act is Act.SWALLOW,
            answers=strike.act in (Act.SWALLOW, Act.SWALLOW_ANSWERS),
        )
        await asyncio.sleep(strike.seconds)
        wires.heal(strike.whom)

    async def _lie(self, strike: Strike, _: list[Written]) -> None:
        lie = {"mode": strike.how, "times": strike.times, "seconds": strike.seconds}
        await asyncio.to_thread(self.field.tell_sandbox, strike.whom, "/_lie", lie)
        self._count(f"lie: {strike.how}")

    async def _hold(self, strike: Strike, drafts: list[Written]) -> None:
        target = {
            "all": "",
            "platform": strike.whom,
            "account": str(account_id(strike.whom)),
            "draft": str(drafts[len(drafts) // 2].draft_id),
        }[strike.how]
        try:
            async with self.desk.database.transaction() as session:
                placed: UUID = await place_hold(
                    session, actor="Fault run", scope=strike.how, target=target, reason="A fault run holds it."
                )
        except (SQLAlchemyError, Refusal, OSError):
            return
        self._count(f"hold: {strike.how}")
        await asyncio.sleep(strike.seconds)
        await self.lift(placed)

    async def lift(self, hold_id: UUID) -> None:
        """Tried until the database answers: a hold left behind would stop the rest of the run."""
        for _ in range(60):
            try:
                async with self.desk.database.transaction() as session:
                    await lift_hold(session, hold_id=hold_id, first="Fault run one", second="Fault run two")
                return
            except Refusal:
                return  # lifted already: that answer was lost
            except (SQLAlchemyError, OSError):
                await asyncio.sleep(0.5)

    async def _stop(self, draft: Written, first_due: datetime) -> None:
        await _until(first_due, draft.wanted.stop_at)
        await self.desk.stop(draft)
        self._count(f"person: {draft.wanted.stop}")

    async def _at_its_point(self, round_: Round) -> None:
        """Once the first worker died at its named point, start it again; one that paused there goes on later."""
        worker = WORKERS[0]
        deadline = time.monotonic() + POINTS_WITHIN
        while time.monotonic() < deadline:
            child = self.field.children[worker]
            if not child.alive:
                await asyncio.to_thread(self.field.start_again, worker)
                return
            if round_.paused_for and _stopped(child.pid):
                self._count(f"paused at {round_.stop_at.removeprefix('pause:')} for {round_.paused_for:.0f} s")
                self.field.paused.add(worker)
                await self._resumed(worker, round_.paused_for)
                return
            await asyncio.sleep(0.05)


def _stopped(pid: int) -> bool:
    """Whether the process is stopped by a signal."""
    said = subprocess.run(["/bin/ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)  # noqa: S603
    return said.stdout.startswith("T")


async def _until(first_due: datetime, seconds: float) -> None:
    await asyncio.sleep(max(0.0, (first_due - datetime.now(UTC)).total_seconds() + seconds))
