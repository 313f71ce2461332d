"""SIGKILL to the worker at each named point of a publication: nothing lost, nothing twice."""

import asyncio
import os
import signal
import time

import psutil
import pytest

from tests.faults.running import Running, in_seconds, never_twice
from workflows.points import Point

pytestmark = [pytest.mark.faults, pytest.mark.anyio]

BATCH = 3
# What the killed publication must come to: its state, and its posts on the ledger.
COMES_TO = {
    Point.CLAIMED: ("verified", 1),
    Point.PREPARED: ("verified", 1),
    Point.JUDGED: ("verified", 1),
    Point.AT_THE_GATE: ("verified", 1),
    Point.DISPATCHED: ("unknown", 0),
    # Nobody heard the answer; it was found on the timeline afterwards.
    Point.ANSWERED: ("verified", 1),
    Point.RECORDED: ("verified", 1),
    Point.READ_BACK: ("verified", 1),
}


async def test_a_worker_killed_at_each_named_point_loses_nothing_and_sends_nothing_twice(service: Running) -> None:
    """A batch per point, one after another; what a kill interrupted goes on under the next worker, and may die again."""
    last: dict[str, Point] = {}
    service.parts.children["worker"].kill()
    for point in COMES_TO:
        service.parts.start_worker(str(point))
        await service.authorised(BATCH, due=in_seconds(6), platforms=("x",))
        last[service.worker_dies()] = point
    service.parts.start_worker()
    found = service.settled(BATCH * len(COMES_TO), seconds=120)
    never_twice(found)
    as_meant = set()
    for row in found:
        struck = last.get(str(row["id"]))
        if struck is not None and (row["state"], row["posts"]) == COMES_TO[struck]:
            as_meant.add(struck)
        elif row["state"] == "unknown":
            # It shared its process with one that died later: its call was allowed, and its outcome is not on the record.
            assert row["moves"][-2:] == ["sending", "unknown"], row
        else:
            assert (row["state"], row["posts"]) == ("verified", 1), (struck, row)
    assert len(as_meant) >= len(COMES_TO) - 3, "nearly every kill struck another publication, which came to what it should"
    assert await service.chains_hold()


async def test_a_worker_paused_between_dispatch_and_call_sends_nothing_late(service: Running) -> None:
    """Stopped for longer than two seconds there, it knows: the call never started, and is made at a later dispatch, once."""
    service.parts.children["worker"].kill()
    service.parts.start_worker(f"pause:{Point.DISPATCHED}")
    before = service.count
    (draft,) = await service.authorised(1, due=in_seconds(4))
    worker = service.parts.children["worker"]
    pid = until_stopped(worker.pid)
    await asyncio.sleep(2.5)
    os.kill(pid, signal.SIGCONT)
    found = service.settled(before + 1, seconds=60)
    never_twice(found)
    (row,) = [row for row in found if row["draft_id"] == draft]
    assert (row["state"], row["posts"], row["attempts"]) == ("verified", 1, 2)
    (first,) = service.rows(
        "SELECT r.result, r.detail FROM receipt r JOIN attempt a ON a.id = r.attempt_id "
        "WHERE a.publication_id = %(id)s ORDER BY r.received_at LIMIT 1",
        id=row["id"],
    )
    assert first["result"] == "not_sent"
    assert "too late" in first["detail"]
    assert await service.chains_hold()


def until_stopped(pid: int, seconds: float = 30.0) -> int:
    """Wait until the process is stopped by a signal (state T)."""
    deadline = time.monotonic() + seconds
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline, "the worker did not stop at its point"
        time.sleep(0.05)
    return pid
