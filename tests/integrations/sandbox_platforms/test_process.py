"""A sandbox platform as a process: it loses nothing when killed, and never outlives its parent."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil

TOKEN = "token-canary-33"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def command(port: int, ledger: Path, parent: int) -> list[str]:
    return [sys.executable, "-m", "integrations.sandbox.platforms", *stand("x", port, ledger), "--parent-pid", str(parent)]


def stand(platform: str, port: int, ledger: Path) -> list[str]:
    accounts = [["1", "dept", "Department"]]
    return ["--serve", json.dumps({"platform": platform, "port": port, "ledger": str(ledger), "accounts": accounts})]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait(what: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/_ledger", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def test_what_was_answered_survives_sigkill(tmp_path: Path) -> None:
    environment = {**os.environ, "SANDBOX_TOKENS": json.dumps({"1": TOKEN})}
    sent = []
    for _ in range(2):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with subprocess.Popen(command(port, tmp_path / "x.sqlite", os.getpid()), env=environment) as server:
            try:
                wait(lambda url=url: answers(url))  # type: ignore[misc]
                answer = httpx2.post(f"{url}/2/tweets", json={"text": f"Post {port}"}, headers=BEARER, trust_env=False)
                sent.append(answer.json()["data"]["id"])
                kept = [post["post_id"] for post in httpx2.get(f"{url}/_ledger", trust_env=False).json()["posts"]]
                assert TOKEN not in " ".join(psutil.Process(server.pid).cmdline())
            finally:
                server.send_signal(signal.SIGKILL)
    assert kept == sent[::-1]


def test_one_process_serves_several_platforms(tmp_path: Path) -> None:
    ports = {"x": free_port(), "facebook": free_port()}
    stands = [word for name, port in ports.items() for word in stand(name, port, tmp_path / f"{name}.sqlite")]
    asked = [sys.executable, "-m", "integrations.sandbox.platforms", *stands, "--parent-pid", str(os.getpid())]
    with subprocess.Popen(asked, env={**os.environ, "SANDBOX_TOKENS": json.dumps({"1": TOKEN})}) as server:
        try:
            wait(lambda: all(answers(f"http://127.0.0.1:{port}") for port in ports.values()))
            server.send_signal(signal.SIGTERM)
            wait(lambda: server.poll() is not None)
        finally:
            server.kill()


def test_an_account_without_a_token_is_not_served(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "integrations.sandbox.platforms", *stand("x", free_port(), tmp_path / "x.sqlite")]
    ended = subprocess.run(asked, env={**os.environ, "SANDBOX_TOKENS": "{}"}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no token for account 1" in ended.stderr


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    port = free_port()
    script = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen({command(port, tmp_path / 'x.sqlite', 0)[:-1]!r} + [str(os.getpid())])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "SANDBOX_TOKENS": json.dumps({"1": TOKEN})}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        try:
            wait(lambda: answers(f"http://127.0.0.1:{port}"))
            parent.kill()
            wait(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        finally:
            if child.is_running():
                child.kill()
