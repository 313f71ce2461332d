"""`countersign bench`: start-up, punctuality and decisions, each beside the bare thing; the last line is the sum."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from countersign.bench.decisions import ALONE, TOGETHER, Decisions
from countersign.bench.figures import Compared, Latencies, Lateness, latency_row, lateness_row, ms, show
from countersign.bench.punctuality import as_bare_timers, through_the_gate
from countersign.bench.stage import Stage
from countersign.bench.startup import Start, measure_start
from countersign.demo.parts import Parts
from countersign.demo.run import seed
from countersign.embedded.forget import forget
from countersign.embedded.ports import free_port
from countersign.embedded.state import claimed

FIRST_PAGE_WITHIN = 8.0
LAST_WITHIN = 2.0
TIMES_FASTER = 5.0


@dataclass(frozen=True)
class Size:
    posts: int
    alone: int
    together: int


FULL = Size(posts=1000, alone=200, together=600)
QUICK = Size(posts=20, alone=40, together=120)


@dataclass(frozen=True)
class Found:
    starts: tuple[Start, Start]
    gate: Lateness
    timers: Lateness
    worker_on: Latencies
    alone: Compared
    together: Compared


def run_bench(console: Console, quick: bool = False) -> None:
    """Raises EmbeddedTrouble where something cannot be measured. Everything runs in a folder that is gone afterwards."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        states = Path(folder) / "start", Path(folder) / "stage"
        try:
            console.print("Start-up: the demo on an empty folder, then again …")
            starts = measure_start(states[0]), measure_start(states[0])
            with claimed(states[1]):
                parts = Parts(states[1], port=free_port(), say=lambda words: console.print(f"  {words}"))
                try:
                    parts.start()
                    parts.wait_for_api()
                    found = asyncio.run(_measured(parts, starts, size, console))
                finally:
                    parts.stop()
        finally:
            for state in states:
                forget(state)
    _tell(console, found)


async def _measured(parts: Parts, starts: tuple[Start, Start], size: Size, console: Console) -> Found:
    await seed(parts, drafts=False)
    stage = await Stage.on(parts)
    stage.work_beside()

    def say(words: str) -> None:
        console.print(f"  {words}")

    try:
        console.print(f"Punctuality: {size.posts} posts due at one instant …")
        timers = await as_bare_timers(stage, size.posts, say)
        gate = await through_the_gate(stage, size.posts, say)
        decisions = Decisions(stage, alone=size.alone, together=size.together)
        console.print(f"Decisions over HTTP: {TOGETHER} at once while the worker carries them on …")
        worker_on = await decisions.ours(TOGETHER)
        # From here on nothing but what is measured: what is delivered meanwhile costs the same for all three.
        stage.stop_worker()
        floor = stage.serve_beside("floor", "countersign.bench.floor", {"DATABASE_URL": parts.login("countersign_api")})
        console.print(f"Decisions over HTTP: {size.alone} alone …")
        alone = await decisions.compared("alone", floor, ALONE)
        console.print(f"Decisions over HTTP: {size.together}, {TOGETHER} at once …")
        together = await decisions.compared(f"{TOGETHER} at once", floor, TOGETHER)
    finally:
        await stage.database.close()
    return Found(starts, gate, timers, worker_on, alone, together)


def _tell(console: Console, found: Found) -> None:
    first, again = found.starts
    rows = [[name, f"{s.first_page:.1f} s", f"{s.announced:.1f} s", ", ".join(s.parts)] for name, s in _named(first, again)]
    show(console, "Start-up", ("countersign demo", "first page", "announced", "parts"), rows)
    rows = [lateness_row("through the gate", found.gate), lateness_row("bare timers", found.timers)]
    show(console, "Posts due at one instant: how late the platform received them", _LATE, rows)
    rows = []
    for compared in (found.alone, found.together):
        rows += [
            latency_row(f"decision, {compared.name}", compared.ours),
            latency_row("  its transaction alone (floor)", compared.floor),
            latency_row("  bare engine update", compared.engine),
        ]
    rows.append(latency_row(f"decision, {TOGETHER} at once, worker on", found.worker_on))
    show(console, "A decision, from HTTP to committed", ("", "counted", "rate", "p50", "p99"), rows)
    console.print()
    console.print("Sum: " + "; ".join(_sum(found)) + ".", soft_wrap=True)


_LATE = ("", "posts", "first", "median", "last", "early")


def _named(first: Start, again: Start) -> list[tuple[str, Start]]:
    return [("on an empty folder", first), ("again", again)]


def _sum(found: Found) -> list[str]:
    """Each goal in one phrase, and whether it was kept."""
    faster = found.timers.last / found.gate.last
    punctual = found.gate.early == 0 and found.gate.last <= LAST_WITHIN and faster >= TIMES_FASTER
    start = max(start.first_page for start in found.starts)
    return [
        *(
            f"decision {c.name} {c.rate_of_floor:.1f}× the floor by rate and {c.p99_of_floor:.1f}× by p99, "
            f"{c.p99_of_engine:.2f}× the bare engine's p99 ({_verdict(c.kept)}; goal ≤ 2×, ≤ 2×, ≤ 0.5×)"
            for c in (found.alone, found.together)
        ),
        f"{len(found.gate.each)} posts {found.gate.early} early, last {ms(found.gate.last)} late, {faster:.1f}× faster than "
        f"bare timers ({_verdict(punctual)}; goal 0, ≤ 2 s, ≥ 5×)",
        f"first page after {start:.1f} s ({_verdict(start <= FIRST_PAGE_WITHIN)}; goal ≤ 8 s)",
    ]


def _verdict(kept: bool) -> str:
    return "kept" if kept else "missed"
