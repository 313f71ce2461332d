"""Doing at once what many ask for at one instant: one statement for twenty, and nobody waits when nobody else asks."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Together(Generic[Asked, Answered]):
    """Collects what is asked while `act` is busy and gives it the rest together, at most `most` at a time, in order.

    `act` answers each in order, or fails for all of them; then each is asked alone, so that nobody fails for another.
    Asking the same again must be harmless.
    """

    def __init__(self, act: Callable[[list[Asked]], Awaitable[list[Answered]]], *, most: int, at_once: int = 1) -> None:
        self._act = act
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[Asked, asyncio.Future[Answered]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many have asked and nobody has begun on."""
        return len(self._waiting)

    async def ask(self, one: Asked) -> Answered:
        """What `act` answers to this one. Raises what it raised."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, answer))
        if len(self._running) < self._at_once:
            task = asyncio.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            try:
                answers = await self._act([one for one, _ in taken])
            except Exception as failure:
                await self._each_alone(taken, failure)
                continue
            for (_, answer), given in zip(taken, answers, strict=True):
                if not answer.done():
                    answer.set_result(given)

    async def _each_alone(self, taken: list[tuple[Asked, "asyncio.Future[Answered]"]], failure: Exception) -> None:
        for one, answer in taken:
            if answer.done():
                continue
            if len(taken) == 1:
                answer.set_exception(failure)
                continue
            try:
                [given] = await self._act([one])
                answer.set_result(given)
            except Exception as own:
                answer.set_exception(own)
