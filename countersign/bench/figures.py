"""Figures and how they are told: rates, percentiles, ratios beside what was measured in the same run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Latencies:
    """What a number of calls took, each in seconds, and how long all of them took together."""

    each: tuple[float, ...]
    together: float

    @property
    def rate(self) -> float:
        return len(self.each) / self.together

    @property
    def p50(self) -> float:
        return percentile(self.each, 0.50)

    @property
    def p99(self) -> float:
        return percentile(self.each, 0.99)


@dataclass(frozen=True)
class Compared:
    """One measure beside its baselines: `floor` the bare database, `engine` the bare engine."""

    name: str
    ours: Latencies
    floor: Latencies
    engine: Latencies

    @property
    def rate_of_floor(self) -> float:
        return self.floor.rate / self.ours.rate

    @property
    def p99_of_floor(self) -> float:
        return self.ours.p99 / self.floor.p99

    @property
    def p99_of_engine(self) -> float:
        return self.ours.p99 / self.engine.p99

    @property
    def kept(self) -> bool:
        """The goals: rate and p99 within 2× of the floor, p99 at most half of the engine's."""
        return self.rate_of_floor <= 2 and self.p99_of_floor <= 2 and self.p99_of_engine <= 0.5


@dataclass(frozen=True)
class Lateness:
    """How late each post arrived at the platform, in seconds after its time, sorted; a negative one was early."""

    each: tuple[float, ...]

    @property
    def early(self) -> int:
        return sum(late < 0 for late in self.each)

    @property
    def first(self) -> float:
        return self.each[0]

    @property
    def last(self) -> float:
        return self.each[-1]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share - 1e-9) - 1)]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def show(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def latency_row(name: str, measured: Latencies) -> list[str]:
    return [name, f"{len(measured.each)}", f"{measured.rate:.0f}/s", ms(measured.p50), ms(measured.p99)]


def lateness_row(name: str, measured: Lateness) -> list[str]:
    count = f"{len(measured.each)}"
    return [name, count, ms(measured.first), ms(percentile(measured.each, 0.5)), ms(measured.last), f"{measured.early}"]
