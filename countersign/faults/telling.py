"""How a run is told: what was struck, how publications ended by fault kind, every finding, and the sum as the last line."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console

from countersign.bench.figures import percentile
from countersign.faults.evidence import Facts
from countersign.faults.judge import Finding, Outcome, Wrong, table_of, unknown_for


def tell(console: Console, facts: Facts, findings: list[Finding], *, struck: Mapping[str, int], seed: int) -> None:
    table = table_of(facts)
    wrong = Counter(finding.kind for finding in findings)
    console.print("\nPublications under fault, by what was done and how they ended")
    _line(console, "", ["all", *Outcome, "broken"])
    for kind, ends in sorted(table.items()):
        _line(console, kind, [sum(ends.values()), *(ends[outcome] for outcome in Outcome), wrong[kind]])
    console.print()
    console.print("Struck: " + ", ".join(f"{what} {times}×" for what, times in sorted(struck.items())) + ".")
    lasted = unknown_for(facts)
    if lasted:
        p50, p95 = percentile(lasted, 0.5), percentile(lasted, 0.95)
        console.print(f"Unknown: {len(lasted)} times; reconciled or in front of people after p50 {p50:.1f} s, p95 {p95:.1f} s.")
    for finding in findings:
        console.print(f"BROKEN ({finding.wrong}) {finding.token} {finding.sentence}", markup=False)
    console.print(_sum(facts, findings, seed), markup=False, soft_wrap=True)


def _line(console: Console, first: str, cells: Sequence[object]) -> None:
    """Plain columns: they are read in the logs of runs as often as on a terminal."""
    console.print(f"{first:<27}" + "".join(f"{cell:>10}" for cell in cells), markup=False, soft_wrap=True)


def _sum(facts: Facts, findings: list[Finding], seed: int) -> str:
    counted = Counter(finding.wrong for finding in findings)
    parts = ", ".join(f"{counted[wrong]} {wrong}" for wrong in Wrong)
    return f"{len(facts.publications)} publications under fault: {parts} (SEED={seed})."
