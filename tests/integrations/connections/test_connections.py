"""One suite for every way of connecting: the whole dance against its sandbox, over HTTP, and what goes wrong in it."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from integrations.connections.base import Client, ConnectFailed, Connection, RefreshRefused, TokenSet
from integrations.connections.registry import CONNECTIONS, connections
from integrations.platforms.registry import PLATFORMS
from tests.integrations.connections.harness import CALLBACK, CLIENT_SECRET, PASSWORD, There, accounts_of, consent, there
from tests.integrations.platforms.serving import scripted

pytestmark = pytest.mark.anyio

HERE = connections(private_servers=True)
WITH_CODES = ("x", "facebook", "linkedin", "mastodon")
WITH_TOKENS = (*WITH_CODES, "bluesky")
REFRESHED = ("x", "linkedin", "bluesky")
ONCE = ("x", "bluesky")
WHO = {
    "x": "/2/users/me",
    "facebook": "/v26.0/1001",
    "linkedin": "/rest/posts?q=author&author=urn:li:organization:1001",
    "mastodon": "/api/v1/accounts/verify_credentials",
    "bluesky": "/xrpc/com.atproto.server.getSession",
}


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    platform: str = request.param
    with there(platform, HERE[platform], tmp_path) as running:
        yield running


def on(*platforms: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sandbox", platforms, indirect=True)


async def connected(sandbox: There) -> tuple[Client, TokenSet]:
    client = await sandbox.client()
    found = await sandbox.connection.exchange(client, secret=await sandbox.secret(client), redirect_uri=CALLBACK)
    return client, found[0].token


async def who(sandbox: There, token: str) -> httpx2.Response:
    """A call to the sandbox's API, as the platform's adapter makes one."""
    headers = {
        "Authorization": f"Bearer {token}",
        "LinkedIn-Version": "202609",
        "X-Restli-Protocol-Version": "2.0.0",
        "X-RestLi-Method": "FINDER",
    }
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.get(sandbox.url + WHO[sandbox.platform], headers=headers)


def taken(answer: httpx2.Response) -> bool:
    """The token was accepted (Facebook then knows no object of that name)."""
    return answer.status_code == 200 or '"code":100,' in answer.text


def test_every_platform_has_its_way_of_connecting() -> None:
    assert set(PLATFORMS) == set(CONNECTIONS)
    assert all(connection.name == name for name, connection in CONNECTIONS.items())


@on(*WITH_TOKENS)
async def test_a_consent_finds_the_account_and_a_token_that_opens_it(sandbox: There) -> None:
    client = await sandbox.client()
    found = await sandbox.connection.exchange(client, secret=await sandbox.secret(client), redirect_uri=CALLBACK)
    assert [(one.platform_account_id, one.handle) for one in found] == [
        (accounts_of(sandbox.platform)[0].account_id, "DeptExample")
    ]
    assert taken(await who(sandbox, found[0].token.access_token))


@on("facebook", "linkedin")
async def test_only_accounts_that_may_be_posted_to_are_found(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client, accounts=("1001", "1002", "1003"))
    found = await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert [one.platform_account_id for one in found] == ["1001", "1002"]


@on("facebook", "linkedin")
async def test_nothing_is_connected_where_one_may_only_read(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client, accounts=("1003",))
    with pytest.raises(ConnectFailed, match="You may post") as failed:
        await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert not failed.value.again


@on("facebook")
async def test_each_page_has_a_token_of_its_own_that_does_not_end(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client, accounts=("1001", "1002"))
    one, other = await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert one.token.access_token != other.token.access_token
    assert one.token.expires_at is None
    assert one.token.granted_by


@on(*WITH_CODES)
async def test_who_says_no_is_told_that_nothing_was_connected(sandbox: There) -> None:
    asked = sandbox.begin(await sandbox.client())
    back = await consent(asked.address, decision="deny")
    assert "code" not in back
    assert back["state"] == asked.state
    sentence = sandbox.connection.refused(back)
    assert sentence is not None
    assert "did not allow" in sentence
    assert sandbox.connection.refused({"code": "c", "state": "s"}) is None


@on(*WITH_CODES)
async def test_a_code_is_good_once_and_used_again_takes_everything_back(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client)
    found = await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    with pytest.raises(ConnectFailed, match="good once"):
        await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert not taken(await who(sandbox, found[0].token.access_token))


@on(*WITH_CODES)
async def test_a_code_that_is_too_old_asks_for_a_new_consent(sandbox: There) -> None:
    sandbox.switch(code_expires_in=0.001)
    client = await sandbox.client()
    secret = await sandbox.secret(client)
    with pytest.raises(ConnectFailed, match="connect again") as failed:
        await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert not failed.value.again


@on("x", "mastodon")
async def test_a_stolen_code_is_worthless_without_the_verifier(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client) | {"verifier": "f" * 43}
    with pytest.raises(ConnectFailed):
        await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert sandbox.tokens("access") == []


@on(*WITH_CODES)
async def test_the_return_address_must_be_the_one_consented_to(sandbox: There) -> None:
    client = await sandbox.client()
    with pytest.raises(ConnectFailed):
        await sandbox.connection.exchange(client, secret=await sandbox.secret(client), redirect_uri=f"{CALLBACK}/other")


@on(*WITH_CODES)
async def test_a_wrong_client_secret_is_a_matter_for_whoever_runs_the_service(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client)
    stranger = replace(client, client_secret="not-the-secret")
    with pytest.raises(ConnectFailed, match="whoever runs it"):
        await sandbox.connection.exchange(stranger, secret=secret, redirect_uri=CALLBACK)
    # The code was not spent by a stranger.
    assert await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)


@on("x", "mastodon")
async def test_a_token_that_nobody_can_use_is_not_left_behind(sandbox: There) -> None:
    """The platform gives a token and then does not say whose it is: the token is given back."""
    client = await sandbox.client()
    secret = await sandbox.secret(client)
    httpx2.post(f"{sandbox.url}/_lie", json={"mode": "token_expired"}, trust_env=False).raise_for_status()
    with pytest.raises(ConnectFailed, match="Connect again") as failed:
        await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert not failed.value.again, "the code is spent"
    assert len(sandbox.tokens("access")) == 1
    assert not [row for row in sandbox.tokens("access") if row["live"]]


@on("facebook")
async def test_facebook_s_consent_is_left_alone_when_nothing_was_found(sandbox: There) -> None:
    """Taking it back would take away every Page that the same person connected before."""
    client, token = await connected(sandbox)
    secret = await sandbox.secret(client, accounts=("1003",))
    with pytest.raises(ConnectFailed):
        await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert taken(await who(sandbox, token.access_token))


@on(*REFRESHED)
async def test_refreshing_gives_a_token_that_works(sandbox: There) -> None:
    client, token = await connected(sandbox)
    fresh = await sandbox.connection.refresh(client, token)
    assert fresh.access_token != token.access_token
    assert fresh.expires_at is not None
    assert taken(await who(sandbox, fresh.access_token))


@on(*ONCE)
async def test_a_refresh_token_is_good_once_and_used_again_ends_the_family(sandbox: There) -> None:
    client, token = await connected(sandbox)
    fresh = await sandbox.connection.refresh(client, token)
    with pytest.raises(RefreshRefused, match="connect the account again"):
        await sandbox.connection.refresh(client, token)
    assert not taken(await who(sandbox, fresh.access_token))
    with pytest.raises(RefreshRefused):
        await sandbox.connection.refresh(client, fresh)


@on(*REFRESHED)
async def test_a_refresh_token_that_ended_needs_a_person(sandbox: There) -> None:
    sandbox.switch(refresh_expires_in=0.001)
    client, token = await connected(sandbox)
    with pytest.raises(RefreshRefused, match="connect the account again"):
        await sandbox.connection.refresh(client, token)


@on("linkedin")
async def test_linkedin_s_year_is_not_extended_by_refreshing(sandbox: There) -> None:
    client, token = await connected(sandbox)
    assert token.refresh_expires_at is not None
    assert timedelta(days=364) < token.refresh_expires_at - datetime.now(UTC) <= timedelta(days=365)
    fresh = await sandbox.connection.refresh(client, token)
    assert fresh.refresh_token == token.refresh_token
    assert fresh.refresh_expires_at is not None
    assert fresh.refresh_expires_at <= token.refresh_expires_at


@on("facebook", "mastodon")
async def test_what_cannot_be_refreshed_says_so(sandbox: There) -> None:
    client, token = await connected(sandbox)
    with pytest.raises(RefreshRefused):
        await sandbox.connection.refresh(client, token)


@on(*WITH_TOKENS)
async def test_a_revoked_token_opens_nothing_and_revoking_again_is_harmless(sandbox: There) -> None:
    client, token = await connected(sandbox)
    await sandbox.connection.revoke(client, token)
    assert not taken(await who(sandbox, token.access_token))
    await sandbox.connection.revoke(client, token)


@on("x", "facebook", "linkedin", "mastodon")
async def test_revoking_by_a_stranger_changes_nothing(sandbox: There) -> None:
    client, token = await connected(sandbox)
    with pytest.raises(ConnectFailed):
        await sandbox.connection.revoke(replace(client, client_secret="not-the-secret"), token)
    assert taken(await who(sandbox, token.access_token))


@pytest.mark.parametrize("name", WITH_TOKENS)
async def test_a_platform_that_cannot_be_reached_may_be_tried_again(name: str) -> None:
    client = Client("countersign", CLIENT_SECRET, "http://127.0.0.1:1")
    secret = {"code": "canary-code", "verifier": "v" * 43, "identifier": "dept", "app_password": PASSWORD}
    with pytest.raises(ConnectFailed, match="could not be reached") as failed:
        await HERE[name].exchange(client, secret=secret, redirect_uri=CALLBACK)
    assert failed.value.again


@pytest.mark.parametrize("name", WITH_TOKENS)
@pytest.mark.parametrize(
    ("head", "again"),
    [
        ("503 Service Unavailable", True),
        ("429 Too Many Requests", True),
        ("302 Found\r\nLocation: /steal", False),
        ("200 OK", False),
    ],
)
async def test_an_answer_that_proves_nothing_connects_nothing(name: str, head: str, again: bool) -> None:
    body = b"<html>gateway</html>"
    answer = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    secret = {"code": "canary-code", "verifier": "v" * 43, "identifier": "dept", "app_password": PASSWORD}
    with scripted(answer) as (url, script):
        with pytest.raises(ConnectFailed) as failed:
            await HERE[name].exchange(Client("countersign", CLIENT_SECRET, url), secret=secret, redirect_uri=CALLBACK)
        assert failed.value.again is again
        assert script.connections == 1


@on(*WITH_TOKENS)
async def test_no_secret_is_logged_shown_or_put_into_an_address(sandbox: There, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = await sandbox.client()
    secret = await sandbox.secret(client)
    caplog.clear()  # the person's own browser is not ours
    found = await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    token = found[0].token
    shown = [repr(found), repr(client), repr(token)]
    if token.refresh_token:
        token = await sandbox.connection.refresh(client, token)
    await sandbox.connection.revoke(client, token)
    for attempt in (
        sandbox.connection.exchange(client, secret={**secret, "app_password": f"{PASSWORD}-wrong"}, redirect_uri=CALLBACK),
        sandbox.connection.refresh(client, token),
    ):
        with pytest.raises((ConnectFailed, RefreshRefused)) as failed:
            await attempt
        shown += [str(failed.value), repr(failed.value), repr(failed.value.__cause__), repr(failed.value.__context__)]
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "HTTP Request" in logged
    canaries = {
        secret.get("code"),
        secret.get("verifier"),
        client.client_secret,
        PASSWORD,
        token.access_token,
        token.refresh_token,
    }
    canaries |= {found[0].token.access_token, found[0].token.refresh_token}
    for canary in filter(None, canaries):
        assert canary not in logged
        assert not [text for text in shown if canary in text]


@pytest.mark.parametrize("status", [b"302 Found", b"403 Forbidden", b"404 Not Found"])
@pytest.mark.parametrize("name", ["x", "linkedin"])
async def test_a_page_that_is_not_the_platform_s_no_costs_no_account_its_access(name: str, status: bytes) -> None:
    answer = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with scripted(answer) as (url, _):
        with pytest.raises(ConnectFailed) as failed:
            await HERE[name].refresh(Client("countersign", CLIENT_SECRET, url), TokenSet("access", "refresh"))
        assert failed.value.again


async def test_by_hand_there_is_nothing_to_exchange() -> None:
    manual: Connection = CONNECTIONS["manual"]
    client = Client("", "", "")
    (found,) = await manual.exchange(client, secret={"identifier": "@dept"}, redirect_uri="")
    assert (found.handle, found.token.access_token) == ("dept", "")
    await manual.revoke(client, found.token)
