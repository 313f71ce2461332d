"""Together: order kept, nobody answered with another's answer, nobody failed for another, nobody made to wait alone."""

import asyncio

import pytest

from workflows.together import Together

pytestmark = pytest.mark.anyio


async def test_one_alone_is_done_at_once_and_many_are_done_together() -> None:
    batches: list[list[int]] = []

    async def act(asked: list[int]) -> list[int]:
        batches.append(asked)
        await asyncio.sleep(0)
        return [10 * one for one in asked]

    together = Together(act, most=40)
    assert await together.ask(7) == 70
    assert batches == [[7]]
    assert await asyncio.gather(*(together.ask(one) for one in range(100))) == [10 * one for one in range(100)]
    assert [one for batch in batches[1:] for one in batch] == list(range(100))
    assert [len(batch) for batch in batches[1:]] == [40, 40, 20]


async def test_who_fails_fails_alone() -> None:
    async def act(asked: list[int]) -> list[int]:
        if 3 in asked:
            raise ValueError("three")
        return asked

    together = Together(act, most=10)
    answers = await asyncio.gather(*(together.ask(one) for one in range(6)), return_exceptions=True)
    assert [a for a in answers if not isinstance(a, ValueError)] == [0, 1, 2, 4, 5]
    assert isinstance(answers[3], ValueError)
    assert await together.ask(8) == 8


async def test_who_stopped_waiting_does_not_disturb_the_others() -> None:
    go = asyncio.Event()

    async def act(asked: list[int]) -> list[int]:
        await go.wait()
        return asked

    together = Together(act, most=10)
    tasks = [asyncio.create_task(together.ask(one)) for one in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    go.set()
    assert [await tasks[0], await tasks[2]] == [0, 2]


async def test_as_many_acts_run_beside_one_another_as_were_allowed() -> None:
    busy: list[int] = []
    most_busy = 0

    async def act(asked: list[int]) -> list[int]:
        nonlocal most_busy
        busy.append(1)
        most_busy = max(most_busy, len(busy))
        await asyncio.sleep(0.01)
        busy.pop()
        return asked

    together = Together(act, most=5, at_once=2)
    await asyncio.gather(*(together.ask(one) for one in range(40)))
    assert most_busy == 2
