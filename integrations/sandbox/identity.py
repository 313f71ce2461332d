"""A small OpenID provider for the demonstration and the tests. It asks for no password: NEVER for production.

It keeps the rules that the service relies on: registered redirect addresses, single-use codes that live 60 seconds, PKCE
S256, nonce, `prompt=login` and `max_age`, `auth_time`, refresh rotation with roles read anew, JWT access tokens
with an audience (RFC 9068), client credentials, and sign-out started by the service.
"""

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import uvicorn

from integrations.sandbox.identity_provider import SandboxIdentity
from integrations.sandbox.identity_tokens import API_AUDIENCE, Client, Faults, Person
from integrations.sandbox.lifeline import die_with_parent

__all__ = ["API_AUDIENCE", "MACHINE_CLIENT", "PEOPLE", "WEB_CLIENT", "Client", "Faults", "Person", "SandboxIdentity", "build"]

WEB_CLIENT = "countersign"
MACHINE_CLIENT = "countersign-machine"
WEB_SECRET_VARIABLE = "SANDBOX_WEB_CLIENT_SECRET"  # noqa: S105 – the name of a variable
MACHINE_SECRET_VARIABLE = "SANDBOX_MACHINE_CLIENT_SECRET"  # noqa: S105

PEOPLE: Mapping[str, Person] = {
    "olivia": Person("Olivia Okafor", "olivia.okafor@department.example", ("officer",)),
    "ade": Person("Ade Lawal", "ade.lawal@department.example", ("authoriser",), "press office"),
    "priya": Person("Priya Nair", "priya.nair@department.example", ("authoriser",), "policy owner"),
    "marcus": Person("Marcus Bell", "marcus.bell@department.example", ("account_manager",)),
    "grace": Person("Grace Obi", "grace.obi@department.example", ("account_manager",), "the second pair of eyes"),
    "audrey": Person("Audrey Lin", "audrey.lin@department.example", ("auditor",)),
    "sam": Person("Samira Khan", "samira.khan@department.example", ("officer", "authoriser"), "drafts too"),
    "norah": Person("Norah Vale", "norah.vale@department.example", ()),
}


def service_clients(base_url: str, web_secret: str, machine_secret: str) -> tuple[Client, ...]:
    """The two clients of the demonstration: the pages at `base_url`, and a machine that drafts."""
    base = base_url.rstrip("/")
    return (
        Client(WEB_CLIENT, web_secret, (f"{base}/auth/callback",), (f"{base}/signed-out",)),
        Client(MACHINE_CLIENT, machine_secret, roles=("officer",)),
    )


def build(
    issuer: str,
    people: Mapping[str, Person],
    clients: Iterable[Client],
    *,
    key_path: Path | None = None,
    now: Callable[[], float] = time.time,
) -> SandboxIdentity:
    """The provider; serve its `app` at `issuer`. With `key_path` its key stays there (mode 0600) and restarts end no session."""
    return SandboxIdentity(issuer, people, clients, key_path=key_path, now=now)


def main() -> int:
    """Serve on loopback until stopped, or until the process that started this one ends."""
    parser = argparse.ArgumentParser(description="The demonstration's OpenID provider. Never for production.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--base-url", required=True, help="where people reach the service, say http://127.0.0.1:8000")
    parser.add_argument("--key-file", type=Path, help="where the signing key is kept; without it, each start makes another")
    arguments = parser.parse_args()
    secrets = [os.environ.get(name, "") for name in (WEB_SECRET_VARIABLE, MACHINE_SECRET_VARIABLE)]
    if not all(secrets):
        print(f"Set {WEB_SECRET_VARIABLE} and {MACHINE_SECRET_VARIABLE}: the secrets of the two clients.", file=sys.stderr)
        return 2
    die_with_parent()
    try:
        listener = socket.create_server(("127.0.0.1", arguments.port))
    except OSError as error:
        print(f"The sign-in provider cannot listen on port {arguments.port}: {os.strerror(error.errno or 0)}.", file=sys.stderr)
        return 1
    clients = service_clients(arguments.base_url, *secrets)
    issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    provider = build(issuer, PEOPLE, clients, key_path=arguments.key_file)
    # No access log: its lines would carry authorisation codes.
    uvicorn.Server(uvicorn.Config(provider.app, access_log=False, log_level="warning")).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
