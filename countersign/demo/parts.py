"""The demo's parts as processes, started in an order that wastes no second, each waited for until it answers."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from json import dumps
from pathlib import Path

from core.records.migrate import LOGINS, bootstrap, migrate
from countersign.demo.addresses import Addresses, kept_addresses, login_url
from countersign.demo.seeds import ACCOUNTS, BESIDES, TO_CONNECT
from countersign.demo.tokens import key_file
from countersign.embedded.children import Children, wait_until
from countersign.embedded.ports import LOOPBACK, port_taken
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.state import kept_secret
from countersign.embedded.temporal import EmbeddedTemporal
from countersign.embedded.trouble import EmbeddedTrouble
from integrations.connections.registry import CONNECTIONS
from integrations.secrets.keyring import KeyFile
from web.sign_in import CONSENT_CALLBACK

READY_WITHIN = 30.0
CLIENT_ID = "countersign"
# What a part is told comes from here alone, whatever stands in the surroundings.
OURS = ("COUNTERSIGN_", "SANDBOX_", "OIDC_", "TEMPORAL_", "DATABASE_")
Say = Callable[[str], None]
SANDBOXES = ACCOUNTS | TO_CONNECT


@dataclass(frozen=True)
class Secrets:
    """Made up at the first start and kept in the state folder, readable by its owner alone."""

    logins: Mapping[str, str]
    web_client: str
    machine_client: str
    tokens: Mapping[str, str]
    besides: Mapping[str, str]
    """Of the accounts that nobody connected yet."""
    clients: Mapping[str, str]
    """What proves this service at each platform where people consent."""


def kept_secrets(state: Path) -> Secrets:
    folder = state / "secrets"
    return Secrets(
        logins={login: kept_secret(folder / login) for login in LOGINS},
        web_client=kept_secret(folder / "web_client"),
        machine_client=kept_secret(folder / "machine_client"),
        tokens={platform: kept_secret(folder / f"token_{platform}") for platform in SANDBOXES},
        besides={platform: kept_secret(folder / f"token_{platform}_besides") for platform in BESIDES},
        clients={
            platform: kept_secret(folder / f"client_{platform}")
            for platform in ACCOUNTS
            if CONNECTIONS[platform].kind == "oauth" and not CONNECTIONS[platform].needs_app_registration
        },
    )


class Parts:
    """Everything the demo runs. `port` is where the service listens."""

    def __init__(self, state: Path, *, port: int, say: Say) -> None:
        self.state, self.port, self._say = state.absolute(), port, say
        self.children = Children(self.state / "logs")
        self.postgres = EmbeddedPostgres(self.state, self.children)
        self.temporal = EmbeddedTemporal(self.state, self.children)
        self.addresses: Addresses = kept_addresses(self.state)
        self.secrets = kept_secrets(self.state)
        KeyFile(key_file(self.state)).make()

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def issuer(self) -> str:
        return self.addresses.url("identity")

    def login(self, login: str) -> str:
        return login_url(login, self.secrets.logins[login], self.postgres.port)

    def start(self, stop_worker_at: str = "") -> None:
        """Servers, schema, sandboxes, api, worker. Raises EmbeddedTrouble naming what did not come up."""
        if port_taken(LOOPBACK, self.port):
            raise EmbeddedTrouble(f"Port {self.port} is taken by another program; choose one with PORT=, or stop that program.")
        with ThreadPoolExecutor() as together:
            temporal = together.submit(self._timed, "Temporal", self.temporal.start)
            self._timed("PostgreSQL", self.postgres.start)
            # The api comes up while the schema is made: people wait for its first page.
            self.start_api()
            self._timed("Schema", self.prepare_database)
            self.start_sandboxes()
            temporal.result()
        self.start_worker(stop_worker_at)
        self._answers("identity", self.addresses.port("identity"), "/.well-known/openid-configuration")
        for platform in SANDBOXES:
            self._answers("platforms", self.addresses.port(platform), "/")

    def prepare_database(self) -> None:
        bootstrap(self.postgres.admin_url(), database="countersign", passwords=dict(self.secrets.logins))
        migrate(self.login("countersign_migrator"))

    def start_sandboxes(self) -> None:
        """The identity provider, and one process for all the platforms, each on a port of its own."""
        self._python(
            "identity",
            [
                "integrations.sandbox.identity",
                *("--port", str(self.addresses.port("identity")), "--base-url", self.base_url),
                *("--key-file", str(self.state / "secrets" / "identity.json")),
            ],
            {"SANDBOX_WEB_CLIENT_SECRET": self.secrets.web_client, "SANDBOX_MACHINE_CLIENT_SECRET": self.secrets.machine_client},
        )
        stands = [
            {
                "platform": platform,
                "port": self.addresses.port(platform),
                "ledger": str(self.state / f"{platform}.sqlite"),
                "accounts": [account, *([BESIDES[platform]] if platform in BESIDES else [])],
            }
            for platform, account in SANDBOXES.items()
        ]
        served = [word for stand in stands for word in ("--serve", dumps(stand))]
        tokens = {ids[0]: self.secrets.tokens[platform] for platform, ids in SANDBOXES.items()}
        tokens |= {ids[0]: self.secrets.besides[platform] for platform, ids in BESIDES.items()}
        registered = {
            platform: {"client_id": CLIENT_ID, "client_secret": secret, "redirect_uris": [f"{self.base_url}{CONSENT_CALLBACK}"]}
            for platform, secret in self.secrets.clients.items()
        }
        secret = {"SANDBOX_TOKENS": dumps(tokens), "SANDBOX_CLIENTS": dumps(registered)}
        self._python("platforms", ["integrations.sandbox.platforms", *served], secret)

    def start_api(self) -> None:
        self._python(
            "api",
            ["countersign", "api", "--host", LOOPBACK, "--port", str(self.port)],
            {
                "DATABASE_URL": self.login("countersign_api"),
                "OIDC_ISSUER": self.issuer,
                "COUNTERSIGN_OIDC_CLIENT_SECRET": self.secrets.web_client,
                "COUNTERSIGN_BASE_URL": self.base_url,
                "COUNTERSIGN_MEDIA_FOLDER": str(self.state / "media"),
                "COUNTERSIGN_CLIENT_IDS": dumps(dict.fromkeys(self.secrets.clients, CLIENT_ID)),
                "COUNTERSIGN_PUBLIC_URLS": dumps({platform: self.addresses.url(platform) for platform in SANDBOXES}),
                "COUNTERSIGN_SANDBOX": "true",
            },
        )

    def start_worker(self, stop_at: str = "") -> None:
        platforms = {platform: self.addresses.url(platform) for platform in SANDBOXES}
        self._python(
            "worker",
            ["countersign", "worker"],
            {
                "DATABASE_URL": self.login("countersign_worker"),
                "TEMPORAL_ADDRESS": self.temporal.address,
                "COUNTERSIGN_MEDIA_FOLDER": str(self.state / "media"),
                "COUNTERSIGN_PLATFORM_URLS": dumps(platforms),
                "COUNTERSIGN_PUBLIC_URLS": dumps(platforms),
                "COUNTERSIGN_KEY_FILE": str(key_file(self.state)),
                "COUNTERSIGN_CLIENTS": dumps(
                    {platform: {"id": CLIENT_ID, "secret": secret} for platform, secret in self.secrets.clients.items()}
                ),
                "COUNTERSIGN_PRIVATE_SERVERS": "true",
                "COUNTERSIGN_STOP_AT": stop_at,
            },
        )

    def wait_for_api(self) -> None:
        self._timed("Pages", lambda: self._answers("api", self.port, "/sign-in"))

    def stop(self) -> None:
        self.children.stop()

    def _python(self, name: str, module: list[str], environment: Mapping[str, str]) -> None:
        """A part of ours: its secrets reach it through its environment alone."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS) and k != "PYTHONDONTWRITEBYTECODE"}
        self.children.start(name, [sys.executable, "-m", *module], environment={**kept, **environment})

    def _answers(self, name: str, port: int, path: str) -> None:
        if not wait_until(lambda: _responds(port, path), self.children[name], READY_WITHIN):
            death = self.children[name].death()
            last = f" It last said: {death.last_lines[-1]}" if death and death.last_lines else ""
            raise EmbeddedTrouble(f"The {name} did not start; see {self.children[name].log}.{last}")

    def _timed(self, what: str, act: Callable[[], None]) -> None:
        began = time.monotonic()
        act()
        self._say(f"{what} ready ({time.monotonic() - began:.1f} s)")


def _responds(port: int, path: str) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
