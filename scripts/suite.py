"""Every check and test, each shown whether or not one before it failed: `suite.py fast` or `suite.py all`.

The last line sums it all up as pytest would. Exit status 0 only if everything passed.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
NO_TESTS = 5  # pytest's exit status when a selection is empty

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "import contracts": ["lint-imports", "--no-logo"],
}
UNIT = "not database and not temporal and not browser and not faults and not peers"
SELECTIONS = {
    "fast": {"unit tests": ["-m", UNIT, "-n", "2"]},
    "all": {
        "tests with real servers": ["-m", "not browser and not faults and not peers", "-n", "2"],
        # One at a time: each starts other people's servers, and fetches them on a new machine.
        "peers": ["-m", "peers"],
        # Alone and one at a time: they kill things, and what they measure must not be slowed by others.
        "faults": ["-m", "faults"],
        # Their own process: sync Playwright and async tests in one session break each other.
        "browser tests": ["-m", "browser"],
    },
}


def run(title: str, command: list[str]) -> int:
    print(f"\n── {title}", flush=True)
    began = time.monotonic()
    code = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, check=False).returncode  # noqa: S603
    print(f"── {title}: {'passed' if code in (0, NO_TESTS) else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)
    return code


def run_tests(title: str, selection: list[str], reports: Path) -> tuple[bool, Counter[str]]:
    """Whether the selection passed, and its counts."""
    report = reports / f"{title.replace(' ', '-')}.xml"
    code = run(title, ["pytest", "-q", "--no-header", f"--junit-xml={report}", *selection])
    counts = counts_in(report)
    if code not in (0, NO_TESTS) and not counts["failed"] and not counts["error"]:
        counts["error"] += 1  # pytest itself broke: there is no report, or an incomplete one
    return code in (0, NO_TESTS), counts


def counts_in(report: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    if report.exists():
        for suite in ElementTree.parse(report).iter("testsuite"):  # noqa: S314 - our own file
            number = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
            counts["failed"] += number["failures"]
            counts["error"] += number["errors"]
            counts["skipped"] += number["skipped"]
            counts["passed"] += max(0, number["tests"] - number["failures"] - number["errors"] - number["skipped"])
    return counts


def summary(counts: Counter[str], seconds: float) -> str:
    words = {"failed": "failed", "passed": "passed", "skipped": "skipped", "error": "error" if counts["error"] == 1 else "errors"}
    parts = [f"{counts[kind]} {word}" for kind, word in words.items() if counts[kind]]
    return f"{', '.join(parts) or 'no tests ran'} in {seconds:.2f}s".join(("=" * 12 + " ", " " + "=" * 12))


def main(which: str) -> int:
    began = time.monotonic()
    failed = []
    total: Counter[str] = Counter()
    for title, command in CHECKS.items():
        if run(title, command):
            failed.append(title)
            total["error"] += 1
    if which == "all":
        run("a browser", ["python", "-m", "countersign.browser", "--install"])
    with tempfile.TemporaryDirectory() as folder:
        for title, selection in SELECTIONS[which].items():
            passed, counts = run_tests(title, selection, Path(folder))
            total += counts
            if not passed:
                failed.append(title)
    print(f"\nFailed: {', '.join(failed)}" if failed else "\nEverything passed.")
    print(summary(total, time.monotonic() - began), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    if len(sys.argv) != 2 or sys.argv[1] not in SELECTIONS:
        sys.exit(f"Say which: {' or '.join(SELECTIONS)}.")
    try:
        sys.exit(main(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
