"""A sandbox platform over real HTTP, and a person with a browser who consents there."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from integrations.connections.base import Client, Connection
from integrations.sandbox.platforms.app import build
from integrations.sandbox.platforms.authorisation.mounting import SandboxApplication
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import serve

CALLBACK = "https://countersign.example/accounts/callback"
CLIENT_SECRET = "canary-client-secret-0123456789"
PASSWORD = "canary-pass-word-test"


def accounts_of(platform: str) -> tuple[SandboxAccount, ...]:
    """Two accounts that the person may post as, and one that they may only read."""
    ids = {
        "bluesky": ("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "did:plc:cccccccccccccccccccccccc")
    }
    first, second, third = ids.get(platform, ("1001", "1002", "1003"))
    return (
        SandboxAccount(first, "DeptExample", "Department for Examples", PASSWORD),
        SandboxAccount(second, "OfficeExample", "Office of Examples", "canary-other-pass-word"),
        SandboxAccount(third, "ReadOnly", "Archive", "canary-third-pass-word", may_post=False),
    )


@dataclass
class There:
    """The running sandbox, as the flows and a person see it."""

    platform: str
    url: str
    connection: Connection

    async def client(self) -> Client:
        if self.connection.needs_app_registration:
            return await self.connection.register(self.url, CALLBACK)
        return Client("countersign", CLIENT_SECRET, self.url)

    def switch(self, **asked: Any) -> None:
        httpx2.post(f"{self.url}/_tokens", json=asked, trust_env=False).raise_for_status()

    def tokens(self, kind: str = "") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = httpx2.get(f"{self.url}/_tokens", trust_env=False).json()
        return [row for row in rows if kind in ("", row["kind"])]

    def begin(self, client: Client, **changed: str) -> "Asked":
        """What the api does before it sends the browser away; `changed` is what went otherwise."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        address = self.connection.authorize_address(
            site=self.connection.site(client),
            client_id=changed.get("client_id", client.client_id),
            redirect_uri=changed.get("redirect_uri", CALLBACK),
            state=state,
            challenge=create_s256_code_challenge(verifier),
        )
        return Asked(address, state, verifier)

    async def secret(self, client: Client, *, accounts: tuple[str, ...] = ("1001",)) -> dict[str, str]:
        """What the callback (or the form for an app password) gives the worker after a person allowed it."""
        if self.connection.kind == "app_password":
            return {"identifier": "DeptExample", "app_password": PASSWORD}
        asked = self.begin(client)
        back = await consent(asked.address, decision="allow", accounts=accounts)
        assert back["state"] == asked.state
        return {"code": back["code"], "verifier": asked.verifier}


@dataclass(frozen=True)
class Asked:
    address: str
    state: str
    verifier: str


@contextmanager
def there(platform: str, connection: Connection, folder: Path) -> Iterator[There]:
    application = SandboxApplication("countersign", CLIENT_SECRET, (CALLBACK,))
    ledger = folder / f"{platform}.sqlite"
    with serve(build(platform, accounts=accounts_of(platform), ledger_path=ledger, application=application)) as url:
        yield There(platform, url, connection)


async def consent(address: str, *, decision: str, accounts: tuple[str, ...] = ("1001",)) -> dict[str, str]:
    """A person opens the page, chooses and presses a button; what the browser then brings back to us."""
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=False) as browser:
        page = await browser.get(address)
        assert page.status_code == 200, page.text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
        sent: dict[str, Any] = {**hidden, "decision": decision, "account": list(accounts)}
        answer = await browser.post(address.partition("?")[0], data=sent)
    assert answer.status_code == 303, answer.text
    back = answer.headers["location"]
    assert back.startswith(f"{CALLBACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
