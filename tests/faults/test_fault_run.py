"""The run that continuous integration makes; and that a run whose judge finds something ends with 1."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from countersign.faults.field import Field
from countersign.faults.run import run_faults

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
SUM = re.compile(r"^(\d+) publications under fault: (.*) \(SEED=(\d+)\)\.$")


def test_300_publications_under_fault_break_no_promise() -> None:
    command = [sys.executable, "-m", "countersign", "faults", "--n", "300"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    last = SUM.match(ran.stdout.strip().splitlines()[-1])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert last is not None, ran.stdout
    assert all(part.split()[0] == "0" for part in last[2].split(", "))
    # What a stop at the last moment leaves without a publication was not under fault.
    assert 270 <= int(last[1]) <= 300


def planted(part: Field) -> None:
    """Two broken promises, behind the service's back: a post once more, and a hold that had stood all the time."""
    twice = next(post for post in part.ledger("x") if str(post["text"]).startswith("F"))
    part.tell_sandbox("x", "/_rogue", {"account": twice["account"], "text": twice["text"]})
    with psycopg.connect(part.postgres.admin_url("countersign")) as rows:
        rows.execute(
            "INSERT INTO hold (id, scope, target, reason, placed_by, starts_at) VALUES (gen_random_uuid(), 'all', '', 'planted', "
            "'nobody', %s)",
            (datetime.now(UTC) - timedelta(hours=1),),
        )


def test_a_run_with_planted_faults_is_reported_and_fails(tmp_path: Path) -> None:
    out = tmp_path / "said"
    with out.open("w") as file:
        kept = run_faults(Console(file=file, width=200), publications=12, seed=5, meddle=planted)
    said = out.read_text()
    assert not kept
    assert "BROKEN (duplicates)" in said
    assert "BROKEN (in a hold)" in said
    last = SUM.match(said.strip().splitlines()[-1])
    assert last is not None
    assert not last[2].startswith("0 duplicates")
