"""The proxy carries everything, until it is told to cut, to delay, or to swallow; healed, it carries everything again."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from countersign.embedded.ports import LOOPBACK
from countersign.faults.proxy import Wires

pytestmark = pytest.mark.anyio


@pytest.fixture
def wires() -> Iterator[Wires]:
    made = Wires()
    yield made
    made.close()


@pytest.fixture
async def heard(wires: Wires) -> AsyncIterator[list[bytes]]:
    """A server behind the wire "echo" that answers each line with itself; what it heard."""
    lines: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            lines.append(line)
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    wires.lay("echo", server.sockets[0].getsockname()[1])
    yield lines
    server.close()


async def ask(wires: Wires) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(LOOPBACK, wires["echo"].port)


async def said(reader: asyncio.StreamReader, seconds: float = 5.0) -> bytes:
    async with asyncio.timeout(seconds):
        return await reader.readline()


async def over(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ended with nothing more said."""
    try:
        return await said(reader) == b""
    except ConnectionResetError:
        return True


async def test_it_carries_both_ways(wires: Wires, heard: list[bytes]) -> None:
    reader, writer = await ask(wires)
    writer.write(b"one\n")
    assert await said(reader) == b"one\n"
    assert heard == [b"one\n"]


async def test_a_cut_ends_every_connection_and_lets_new_ones_through(wires: Wires, heard: list[bytes]) -> None:
    reader, writer = await ask(wires)
    writer.write(b"one\n")
    await said(reader)
    wires.cut("echo")
    assert await over(reader)
    reader, writer = await ask(wires)
    writer.write(b"two\n")
    assert await said(reader) == b"two\n"


async def test_swallowed_answers_leave_the_request_done_and_the_caller_unanswered(wires: Wires, heard: list[bytes]) -> None:
    wires.set("echo", answers=True)
    reader, writer = await ask(wires)
    writer.write(b"one\n")
    with pytest.raises(TimeoutError):
        await said(reader, 0.5)
    assert heard == [b"one\n"]
    wires.heal("echo")
    assert await over(reader), "what lost bytes is cut when it is healed"


async def test_swallowed_questions_never_arrive(wires: Wires, heard: list[bytes]) -> None:
    wires.set("echo", questions=True)
    reader, writer = await ask(wires)
    writer.write(b"one\n")
    with pytest.raises(TimeoutError):
        await said(reader, 0.5)
    assert heard == []


async def test_a_delay_is_waited_each_way(wires: Wires, heard: list[bytes]) -> None:
    wires.set("echo", delay=0.2)
    reader, writer = await ask(wires)
    began = time.monotonic()
    writer.write(b"one\n")
    assert await said(reader) == b"one\n"
    assert time.monotonic() - began >= 0.4
