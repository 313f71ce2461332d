"""The gate: who waits there, and under which claim."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from core.records.database import Database
from workflows.gate import Gate

pytestmark = pytest.mark.anyio


async def test_an_old_claim_that_leaves_takes_nothing_from_the_new_one_of_the_same_worker() -> None:
    """Its lease ended in a database outage, and the same worker claimed it anew before the first activity noticed."""
    gate, publication_id = Gate(Database("postgresql://nobody@127.0.0.1:1/nothing")), uuid4()
    gate.enter(publication_id, epoch=1, draft_revision=1)
    gate.enter(publication_id, epoch=2, draft_revision=1)
    gate.leave(publication_id, epoch=1)
    gate.judged(publication_id, epoch=2, draft_revision=2)
    assert await gate.wait(publication_id, datetime.now(UTC), epoch=2)
