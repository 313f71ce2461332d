"""What the measurements are made of: percentiles, verdicts, load that counts no refusal; and a quick run of all of it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.bench.figures import Compared, Latencies, Lateness, percentile
from countersign.bench.wire import Request, load, timed
from countersign.embedded.trouble import EmbeddedTrouble

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_the_goals_are_judged_by_ratios() -> None:
    floor, engine = Latencies((0.004,) * 100, 0.4), Latencies((0.05,) * 100, 5.0)
    assert Compared("alone", Latencies((0.008,) * 100, 0.8), floor, engine).kept
    slow = Compared("alone", Latencies((0.009,) * 100, 0.9), floor, engine)
    assert not slow.kept
    assert (round(slow.rate_of_floor, 2), round(slow.p99_of_floor, 2)) == (2.25, 2.25)
    assert not Compared("alone", Latencies((0.004,) * 100, 0.4), floor, Latencies((0.007,) * 100, 0.7)).kept


def test_a_post_before_its_time_is_counted_as_early() -> None:
    assert Lateness((-0.001, 0.0, 0.5)).early == 1


@pytest.mark.anyio
async def test_each_hand_takes_the_next_item_and_none_is_taken_twice() -> None:
    taken: list[int] = []

    async def take(item: int) -> None:
        await asyncio.sleep(0)
        taken.append(item)

    measured = await timed(range(100), [take] * 7)
    assert sorted(taken) == list(range(100))
    assert len(measured.each) == 100


async def answering(answer: bytes) -> asyncio.Server:
    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(answer)

    return await asyncio.start_server(answered, "127.0.0.1", 0)


@pytest.mark.anyio
async def test_warm_up_is_not_counted() -> None:
    server = await answering(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    measured = await load(url, [Request("/", {"n": n}) for n in range(30)], at_once=3, warm=10)
    assert len(measured.each) == 20
    server.close()


@pytest.mark.anyio
async def test_a_refusal_ends_the_measurement_instead_of_making_it_faster() -> None:
    server = await answering(b"HTTP/1.1 409 Conflict\r\nContent-Length: 7\r\n\r\nchanged")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(EmbeddedTrouble, match="409 Conflict: changed"):
        await load(url, [Request("/", {})], at_once=1, warm=0)
    server.close()


@pytest.mark.faults
def test_a_quick_run_measures_everything_and_ends_with_the_sum() -> None:
    """Among the faults, which run alone: beside others it would slow them and be slowed."""
    command = [sys.executable, "-m", "countersign", "bench", "--quick"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    last = ran.stdout.strip().splitlines()[-1]
    assert last.startswith("Sum: decision alone ")
    assert " 20 posts 0 early" in last
