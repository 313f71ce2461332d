"""The sandbox's provider as its own process: it starts, serves, and says in one sentence why it does not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from tests.integrations.identity.harness import listener

ROOT = Path(__file__).parents[3]
SECRETS = {"SANDBOX_WEB_CLIENT_SECRET": "a", "SANDBOX_MACHINE_CLIENT_SECRET": "b"}


def start(port: int, secrets: dict[str, str], *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "integrations.sandbox.identity",
        "--port",
        str(port),
        "--base-url",
        "http://127.0.0.1:1",
        *more,
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    return subprocess.Popen(command, env=kept | secrets, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_it_serves_until_told_to_stop(tmp_path: Path) -> None:
    with listener() as free:
        port = free.getsockname()[1]
    process = start(port, SECRETS, "--key-file", str(tmp_path / "key.pem"))
    try:
        for _ in range(200):
            try:
                issuer = httpx2.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration", trust_env=False).json()["issuer"]
                break
            except httpx2.TransportError:
                assert process.poll() is None
                time.sleep(0.05)
        assert issuer == f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert (tmp_path / "key.pem").exists()


def test_a_taken_port_or_a_missing_secret_is_one_sentence() -> None:
    with listener() as taken:
        port = taken.getsockname()[1]
        process = start(port, SECRETS)
        assert process.communicate(timeout=20)[1].strip() == (
            f"The sign-in provider cannot listen on port {port}: Address already in use."
        )
        assert process.returncode == 1
        process = start(port, {"SANDBOX_WEB_CLIENT_SECRET": "a"})
        assert "SANDBOX_MACHINE_CLIENT_SECRET" in process.communicate(timeout=20)[1]
        assert process.returncode == 2
