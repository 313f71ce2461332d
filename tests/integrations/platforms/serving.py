"""Real servers on 127.0.0.1 for the tests: a sandbox platform, and one that answers exactly the bytes it is given."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from integrations.sandbox.platforms.app import build
from integrations.sandbox.platforms.house import SandboxAccount

# One for all: making a client reads the machine's certificates, which takes longer than most of these calls.
_CLIENT = httpx2.Client(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))


class Sandbox:
    """A running sandbox platform as a test sees it: its address and its ledger."""

    def __init__(self, url: str) -> None:
        self.url = url

    def posts(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = _CLIENT.get(f"{self.url}/_ledger").json()["posts"]
        return posts

    def media(self, sha256: str) -> bytes:
        return _CLIENT.get(f"{self.url}/_ledger/media/{sha256}").content

    def lie(self, mode: str, *, times: int = 1, seconds: float = 0.0, call: str = "post") -> None:
        told = {"mode": mode, "times": times, "seconds": seconds, "call": call}
        _CLIENT.post(f"{self.url}/_lie", json=told).raise_for_status()

    def rogue(self, account_id: str, text: str) -> str:
        """A post that nobody sent through the API; its id."""
        answer = _CLIENT.post(f"{self.url}/_rogue", json={"account": account_id, "text": text})
        return str(answer.raise_for_status().json()["post_id"])

    def edit(self, post_id: str, text: str) -> None:
        _CLIENT.patch(f"{self.url}/_posts/{post_id}", json={"text": text}).raise_for_status()

    def vanish(self, post_id: str) -> None:
        _CLIENT.delete(f"{self.url}/_posts/{post_id}").raise_for_status()

    def limit(self, *, posts: int, seconds: float) -> None:
        told = {"posts": posts, "seconds": seconds}
        _CLIENT.post(f"{self.url}/_limit", json=told).raise_for_status()


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The app over real HTTP in a thread, on a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def sandbox(platform: str, account: SandboxAccount, folder: Path, *, refuse_duplicates: bool = False) -> Iterator[Sandbox]:
    path = folder / f"{platform}.sqlite"
    app = build(platform, accounts=[account], ledger_path=path, refuse_duplicates=refuse_duplicates)
    with serve(app) as url:
        yield Sandbox(url)


class Scripted:
    """Answers every connection with the same bytes, then closes. `connections` counts them, `first` keeps what was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.connections = 0
        self.first = b""

    def run(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self.connections += 1
                self.first = self.first or connection.recv(65536)
                connection.sendall(self.answer)


@contextmanager
def scripted(answer: bytes) -> Iterator[tuple[str, Scripted]]:
    script = Scripted(answer)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=script.run, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", script
        listener.shutdown(socket.SHUT_RDWR)
