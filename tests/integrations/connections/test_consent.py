"""The sandboxes' consent pages and tokens, as a browser and an adapter meet them."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import html5lib  # type: ignore[import-untyped]
import httpx2
import pytest

from core.domain.content import Rendition
from core.domain.outcome import Result, SendKey
from integrations.connections.registry import connections
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.values import Access, Prepared
from integrations.platforms.wire import make_call, utc_now
from tests.integrations.connections.harness import CALLBACK, PASSWORD, There, consent, there
from tests.integrations.platforms.conformance import KEY

pytestmark = pytest.mark.anyio

HERE = connections(private_servers=True)
WITH_CODES = ("x", "facebook", "linkedin", "mastodon")
WITH_TOKENS = (*WITH_CODES, "bluesky")


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    platform: str = request.param
    with there(platform, HERE[platform], tmp_path) as running:
        yield running


def on(*platforms: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sandbox", platforms, indirect=True)


@on(*WITH_CODES)
async def test_the_page_says_who_asks_for_what_and_is_valid(sandbox: There) -> None:
    address = sandbox.begin(await sandbox.client()).address
    async with httpx2.AsyncClient(trust_env=False) as browser:
        page = await browser.get(address)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "<h1>Let Countersign use your account?</h1>" in page.text
    assert "This is not" in page.text
    assert f"form-action 'self' {CALLBACK.rpartition('/accounts')[0]}" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@on(*WITH_CODES)
@pytest.mark.parametrize("changed", [{"client_id": "stranger"}, {"redirect_uri": "https://thief.example/callback"}])
async def test_nobody_is_sent_to_an_address_that_is_not_registered(sandbox: There, changed: dict[str, str]) -> None:
    address = sandbox.begin(await sandbox.client(), **changed).address
    async with httpx2.AsyncClient(trust_env=False) as browser:
        page = await browser.get(address)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        posted = await browser.post(address.partition("?")[0], data={**asked, "decision": "allow", "account": "1001"})
    assert (page.status_code, posted.status_code) == (400, 400)
    assert "location" not in posted.headers


@on("x")
async def test_x_asks_for_pkce(sandbox: There) -> None:
    address = sandbox.begin(await sandbox.client()).address.replace("S256", "plain")
    async with httpx2.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(address)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == ["invalid_request"]


@on(*WITH_CODES)
async def test_an_account_that_is_not_there_cannot_be_chosen(sandbox: There) -> None:
    back = await consent(sandbox.begin(await sandbox.client()).address, decision="allow", accounts=("9999",))
    assert "code" not in back


async def publish(sandbox: There, account: str, token: str) -> Result:
    """One post through the platform's own adapter."""
    platform = PLATFORMS[sandbox.platform]
    access = Access(account, "DeptExample", token, sandbox.url)
    rendition = Rendition(account, sandbox.platform, f"Opened by consent, {uuid4()}", None, ())
    outcome = await platform.send(access, rendition, Prepared(), key=SendKey(uuid4(), utc_now()), may_start=lambda: True)
    return outcome.result


@on(*WITH_TOKENS)
async def test_a_token_from_consent_posts_until_it_is_revoked(sandbox: There) -> None:
    client = await sandbox.client()
    found = await sandbox.connection.exchange(client, secret=await sandbox.secret(client), redirect_uri=CALLBACK)
    account, token = found[0].platform_account_id, found[0].token
    assert await publish(sandbox, account, token.access_token) is Result.ACCEPTED
    await sandbox.connection.revoke(client, token)
    assert await publish(sandbox, account, token.access_token) is not Result.ACCEPTED
    assert await publish(sandbox, account, PASSWORD) is Result.ACCEPTED, "the account's fixed token still works"


@on("facebook", "linkedin")
async def test_each_chosen_account_can_be_posted_to(sandbox: There) -> None:
    client = await sandbox.client()
    secret = await sandbox.secret(client, accounts=("1001", "1002"))
    found = await sandbox.connection.exchange(client, secret=secret, redirect_uri=CALLBACK)
    results = [await publish(sandbox, one.platform_account_id, one.token.access_token) for one in found]
    assert results == [Result.ACCEPTED, Result.ACCEPTED]
    ledger = httpx2.get(f"{sandbox.url}/_ledger", trust_env=False).json()["posts"]
    assert {post["account"] for post in ledger} == {"1001", "1002"}
    assert await publish(sandbox, "1003", found[0].token.access_token) is not Result.ACCEPTED


@pytest.mark.parametrize(
    ("sandbox", "now", "status", "words"),
    [
        ("x", "expire", 401, "Unauthorized"),
        ("x", "revoke", 401, "Unauthorized"),
        ("facebook", "expire", 401, '"error_subcode":463'),
        ("facebook", "revoke", 401, '"error_subcode":458'),
        ("linkedin", "expire", 401, "EXPIRED_ACCESS_TOKEN"),
        ("linkedin", "revoke", 401, "REVOKED_ACCESS_TOKEN"),
        ("mastodon", "expire", 401, "The access token was expired"),
        ("mastodon", "revoke", 401, "The access token was revoked"),
        ("bluesky", "expire", 400, "ExpiredToken"),
        ("bluesky", "revoke", 400, "ExpiredToken"),
    ],
    indirect=["sandbox"],
)
async def test_a_dead_token_is_answered_in_the_platform_s_own_words(sandbox: There, now: str, status: int, words: str) -> None:
    client = await sandbox.client()
    found = await sandbox.connection.exchange(client, secret=await sandbox.secret(client), redirect_uri=CALLBACK)
    token = found[0].token.access_token
    sandbox.switch(now=now)
    platform = PLATFORMS[sandbox.platform]
    access = Access(found[0].platform_account_id, "DeptExample", token, sandbox.url)
    call = platform.post_call(access, Rendition("account", sandbox.platform, "Too late", None, ()), Prepared(), KEY)
    answer = await make_call(call, seconds=5)
    assert answer.status == status
    assert words in answer.body.decode()


@on("x", "linkedin", "bluesky")
async def test_new_tokens_live_as_long_as_the_switch_says(sandbox: There) -> None:
    sandbox.switch(expires_in=5)
    client = await sandbox.client()
    found = await sandbox.connection.exchange(client, secret=await sandbox.secret(client), redirect_uri=CALLBACK)
    ends = found[0].token.expires_at
    assert ends is not None
    assert 0 < (ends - utc_now()).total_seconds() <= 5


@pytest.mark.parametrize("platform", WITH_TOKENS)
async def test_what_was_given_out_survives_a_restart(platform: str, tmp_path: Path) -> None:
    connection = HERE[platform]
    with there(platform, connection, tmp_path) as before:
        client = await before.client()
        found = await connection.exchange(client, secret=await before.secret(client), redirect_uri=CALLBACK)
    with there(platform, connection, tmp_path) as after:
        account = found[0].platform_account_id
        assert await publish(after, account, found[0].token.access_token) is Result.ACCEPTED


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("platform", WITH_TOKENS)
async def test_no_token_rests_in_the_sandbox_in_the_clear(platform: str, tmp_path: Path) -> None:
    connection = HERE[platform]
    with there(platform, connection, tmp_path) as running:
        client = await running.client()
        found = await connection.exchange(client, secret=await running.secret(client), redirect_uri=CALLBACK)
        shown = str(running.tokens()).encode()
    token = found[0].token
    kept = shown + everything_in(tmp_path)
    assert b"access" in kept or b"page" in kept
    for secret in (token.access_token, token.refresh_token, client.client_secret or None):
        assert secret is None or secret.encode() not in kept


@on("bluesky")
async def test_the_account_s_own_password_is_sent_back(sandbox: There) -> None:
    secret = {"identifier": "@DeptExample", "app_password": f"own-{PASSWORD}"}
    with pytest.raises(Exception, match="own password") as failed:
        await sandbox.connection.exchange(await sandbox.client(), secret=secret, redirect_uri="")
    assert PASSWORD not in str(failed.value)
    assert not [row for row in sandbox.tokens() if row["live"]]


@on("bluesky")
async def test_a_wrong_app_password_is_said_to_be_wrong(sandbox: There) -> None:
    secret = {"identifier": "DeptExample", "app_password": "not-it-not-it"}
    with pytest.raises(Exception, match="does not know this handle with this app password"):
        await sandbox.connection.exchange(await sandbox.client(), secret=secret, redirect_uri="")
