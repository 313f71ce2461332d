"""A TCP proxy of our own between the workers and everything they talk to: it cuts, delays and swallows on command."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from countersign.embedded.ports import LOOPBACK, free_port

CHUNK = 65536


@dataclass(eq=False)
class _Pair:
    """One client's connection and ours to the server behind. `holed`: bytes of it were swallowed, so it can only be cut."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    holed: bool = False

    def cut(self) -> None:
        for end in (self.client, self.server):
            if end is not None:
                end.transport.abort()


@dataclass(eq=False)
class Wire:
    """One server behind the proxy. `target` is its port; ours is `port`."""

    target: int
    port: int = 0
    delay: float = 0.0
    swallows_questions: bool = False
    swallows_answers: bool = False
    pairs: set[_Pair] = field(default_factory=set)

    async def serve(self) -> asyncio.Server:
        self.port = self.port or free_port()
        return await asyncio.start_server(self._meet, LOOPBACK, self.port)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(writer)
        self.pairs.add(pair)
        try:
            answers, pair.server = await asyncio.open_connection(LOOPBACK, self.target)
            asking = asyncio.create_task(self._carry(pair, reader, pair.server, lambda: self.swallows_questions))
            answering = asyncio.create_task(self._carry(pair, answers, writer, lambda: self.swallows_answers))
            await asyncio.wait([asking, answering], return_when=asyncio.FIRST_EXCEPTION)
            asking.cancel()
            answering.cancel()
        except OSError:
            pass  # nobody listens behind: the client sees its connection end
        finally:
            pair.cut()
            self.pairs.discard(pair)

    async def _carry(
        self, pair: _Pair, source: asyncio.StreamReader, sink: asyncio.StreamWriter, swallowed: Callable[[], bool]
    ) -> None:
        while chunk := await source.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            if swallowed() or pair.holed:
                pair.holed = True
                continue
            sink.write(chunk)
            await sink.drain()
        # One side is done: HTTP clients may still wait for the other.
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()

    def cut(self) -> None:
        """Every connection breaks now; new ones are let through."""
        for pair in list(self.pairs):
            pair.cut()

    def heal(self) -> None:
        """From now on it carries everything again; what lost bytes is cut."""
        self.delay, self.swallows_questions, self.swallows_answers = 0.0, False, False
        for pair in list(self.pairs):
            if pair.holed:
                pair.cut()


class Wires:
    """All of them, on a thread of their own, so that nothing else that goes on here slows what they carry."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._named: dict[str, Wire] = {}

    def __getitem__(self, name: str) -> Wire:
        return self._named[name]

    def lay(self, name: str, target: int) -> Wire:
        """A wire to this port; one that is there already leads to it from now on."""
        if name in self._named:
            self._named[name].target = target
            return self._named[name]
        wire = self._named[name] = Wire(target)
        self._run(wire.serve())
        return wire

    def set(self, name: str, *, delay: float = 0.0, questions: bool = False, answers: bool = False) -> None:
        wire = self[name]
        wire.delay, wire.swallows_questions, wire.swallows_answers = delay, questions, answers

    def cut(self, name: str) -> None:
        self._loop.call_soon_threadsafe(self[name].cut)

    def heal(self, *names: str) -> None:
        for name in names or tuple(self._named):
            self._loop.call_soon_threadsafe(self[name].heal)

    def close(self) -> None:
        for name in self._named:
            self.cut(name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self, act: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(act, self._loop).result(10)
