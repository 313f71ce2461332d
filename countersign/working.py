"""The worker process."""

import asyncio
import contextlib
import os
import signal
import sys

from sqlalchemy.exc import SQLAlchemyError

from countersign.logs import write_logs
from countersign.settings import WorkerSettings, read
from countersign.wiring import build_means
from integrations.platforms.warming import warm
from workflows.capturing import Capturer
from workflows.connecting import Connecting
from workflows.housekeeping import Housekeeper
from workflows.refreshing import Refreshing
from workflows.watching import Watcher
from workflows.worker import connect, run_worker


def work() -> None:
    """Work until told to stop; the call being made is finished first."""
    settings = read(WorkerSettings)
    write_logs()
    asyncio.run(_work(settings))
    # The SDK's native threads can abort a process that ends the ordinary way.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _work(settings: WorkerSettings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    means, tokens = build_means(settings)
    # Better no worker than one that finds out at a due instant that it can open nothing.
    await tokens.strongbox.keys.current()
    with contextlib.suppress(SQLAlchemyError, OSError):
        await means.database.warm()
    warming = asyncio.create_task(asyncio.to_thread(warm))
    housekeeper = Housekeeper(means.database, worker=means.worker)
    watcher = Watcher(means.database, means.platforms, means.access_for)
    capturer = Capturer(means.database, means.platforms, means.access_for)
    # Accounts are connected and kept able to post whether or not Temporal answers.
    connector = Connecting(means.database, tokens.strongbox, tokens.clients)
    refresher = Refreshing(means.database, tokens)
    keeping = [asyncio.create_task(loop.run()) for loop in (housekeeper, watcher, capturer, connector, refresher)]
    connecting = asyncio.create_task(connect(settings.temporal_address, namespace=settings.temporal_namespace))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait([connecting, stopping], return_when=asyncio.FIRST_COMPLETED)
    if connecting.done() and not stopped.is_set():
        housekeeper.client = connecting.result()
        await run_worker(housekeeper.client, means, stopped)
    connecting.cancel()
    for task in keeping:
        task.cancel()
    await warming
    await means.database.close()
