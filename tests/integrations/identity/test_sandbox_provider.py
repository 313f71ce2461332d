"""The sandbox's provider keeps the rules on which the service's own tests stand."""

import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from integrations.sandbox.identity import API_AUDIENCE, PEOPLE, Client, SandboxIdentity, build
from integrations.sandbox.identity_tokens import s256
from tests.integrations.identity.harness import FirstForm, address, listener, served

BACK = "http://127.0.0.1:9/auth/callback"
CLIENTS = (
    Client("web", "web-secret", (BACK,), ("http://127.0.0.1:9/signed-out",)),
    Client("machine", "machine-secret", roles=("officer",)),
)
VERIFIER = secrets.token_urlsafe(48)


class Hands:
    """The clock of the provider, moved by hand."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@contextmanager
def running(key_path: Path | None = None) -> Iterator[tuple[SandboxIdentity, httpx2.Client, Hands]]:
    at, clock = listener(), Hands()
    provider = build(address(at), PEOPLE, CLIENTS, key_path=key_path, now=clock)
    with ExitStack() as stack:
        stack.enter_context(served(provider.app, at))
        client = stack.enter_context(httpx2.Client(base_url=provider.issuer, follow_redirects=False, trust_env=False))
        yield provider, client, clock


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[SandboxIdentity, httpx2.Client, Hands]]:
    with running() as parts:
        yield parts


@pytest.fixture
def client(parts: tuple[SandboxIdentity, httpx2.Client, Hands]) -> httpx2.Client:
    parts[1].cookies.clear()
    return parts[1]


@pytest.fixture
def clock(parts: tuple[SandboxIdentity, httpx2.Client, Hands]) -> Hands:
    return parts[2]


def asked(**changes: str) -> dict[str, str]:
    request = {
        "client_id": "web",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (request | changes).items() if value}


def answer(response: httpx2.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


def choose(client: httpx2.Client, subject: str = "olivia", **changes: str) -> str:
    form = FirstForm(client.get("/authorize", params=asked(**changes)).text)
    return answer(client.post("/authorize", data=form.hidden | {"sub": subject}))["code"]


def exchange(client: httpx2.Client, code: str, **changes: str) -> httpx2.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return client.post("/token", data=form | changes, auth=("web", "web-secret"))


def test_a_code_is_good_once(client: httpx2.Client) -> None:
    code = choose(client)
    assert exchange(client, code).status_code == 200
    assert exchange(client, code).json() == {"error": "invalid_grant"}


def test_a_code_ends_after_a_minute(client: httpx2.Client, clock: Hands) -> None:
    code = choose(client)
    clock.time += 60
    assert exchange(client, code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": "http://127.0.0.1:9/x"}]
)
def test_a_code_needs_its_verifier_and_address(client: httpx2.Client, changes: dict[str, str]) -> None:
    assert exchange(client, choose(client), **changes).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_request_without_pkce_or_nonce_is_sent_back(client: httpx2.Client, changes: dict[str, str], error: str) -> None:
    back = answer(client.get("/authorize", params=asked(**changes)))
    assert (back["error"], back["state"]) == (error, "s")


@pytest.mark.parametrize("changes", [{"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}])
def test_nobody_is_redirected_to_an_address_that_is_not_registered(client: httpx2.Client, changes: dict[str, str]) -> None:
    assert client.get("/authorize", params=asked(**changes)).status_code == 400
    assert client.post("/authorize", data=asked(**changes) | {"sub": "olivia"}).status_code == 400


def test_the_page_names_everybody_with_their_roles(client: httpx2.Client) -> None:
    page = client.get("/authorize", params=asked(state='"><script>')).text
    assert all(person.name in page for person in PEOPLE.values())
    assert "press office" in page
    assert "no role" in page
    assert "<script>" not in page


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "30"}, {"prompt": "select_account"}])
def test_a_login_is_remembered_until_proof_is_asked_for(client: httpx2.Client, clock: Hands, changes: dict[str, str]) -> None:
    choose(client)
    clock.time += 31
    assert client.get("/authorize", params=asked()).status_code == 303
    assert client.get("/authorize", params=asked(max_age="60")).status_code == 303
    assert client.get("/authorize", params=asked(**changes)).status_code == 200


def test_a_machine_gets_a_token_of_its_own_and_the_web_client_none(
    parts: tuple[SandboxIdentity, httpx2.Client, Hands], client: httpx2.Client
) -> None:
    granted = client.post("/token", data={"grant_type": "client_credentials"}, auth=("machine", "machine-secret")).json()
    decoded = jwt.decode(granted["access_token"], KeySet.import_key_set(client.get("/jwks").json()), algorithms=["RS256"])
    assert decoded.header["typ"] == "at+jwt"
    assert decoded.claims["sub"] == decoded.claims["client_id"] == "machine"
    assert (decoded.claims["aud"], decoded.claims["roles"]) == (API_AUDIENCE, ["officer"])
    assert set(granted) == {"access_token", "token_type", "expires_in"}
    refused = client.post("/token", data={"grant_type": "client_credentials"}, auth=("web", "web-secret"))
    assert refused.json() == {"error": "unauthorized_client"}


@pytest.mark.parametrize("auth", [("web", "wrong"), ("nobody", "web-secret"), ("", "")])
def test_a_client_must_know_its_secret(client: httpx2.Client, auth: tuple[str, str]) -> None:
    assert client.post("/token", data={"grant_type": "refresh_token"}, auth=auth).status_code == 401


def test_sign_out_returns_only_to_a_registered_address(client: httpx2.Client) -> None:
    choose(client)
    there = {"client_id": "web", "post_logout_redirect_uri": "http://127.0.0.1:9/signed-out", "state": "x"}
    assert client.get("/logout", params=there | {"post_logout_redirect_uri": "https://evil.example"}).status_code == 400
    assert client.get("/logout", params=there).headers["location"] == "http://127.0.0.1:9/signed-out?state=x"
    assert client.get("/authorize", params=asked()).status_code == 200


def test_a_restart_with_the_same_key_file_ends_no_session(tmp_path: Path) -> None:
    kept = tmp_path / "made" / "key.pem"
    with running(kept) as (provider, client, _):
        keys = client.get("/jwks").json()
        issuer = provider.issuer
        refresh = exchange(client, choose(client)).json()["refresh_token"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = build(issuer, PEOPLE, CLIENTS, key_path=kept, now=Hands())
    assert again.mint.jwks() == keys
    read = again.mint.read("refresh+jwt", refresh)
    assert read is not None
    assert read["sub"] == "olivia"
    assert again.mint.read("login+jwt", refresh) is None
