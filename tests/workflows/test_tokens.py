"""Tokens in use: one refresher, the new pair stored first, rows bound to their place, keys rotated while posts go out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from core.records.database import Database
from integrations.connections.base import Client, TokenSet
from integrations.connections.x import X
from integrations.platforms.values import NoAccess, NoAccessNow
from integrations.secrets.keyring import KeyFile
from tests.kit import Urls
from tests.workflows.safe import Safe, open_safe, platforms
from workflows.rotating import rewrap_everything
from workflows.strongbox import Strongbox, columns_of

pytestmark = [pytest.mark.anyio, pytest.mark.database]

KEPT = "SELECT sealed, wrapped_key, kek_id FROM token t JOIN connection c ON c.id = t.connection_id WHERE c.account_id = %s"
PUT = (
    "UPDATE token SET sealed = %s, wrapped_key = %s, kek_id = %s "
    "WHERE connection_id IN (SELECT id FROM connection WHERE account_id = %s)"
)


class Held(X):
    """X, answering as it does, and then a moment in which anything may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()

    async def refresh(self, client: Client, token: TokenSet) -> TokenSet:
        fresh = await super().refresh(client, token)
        self.answered.set()
        await asyncio.sleep(0.3)
        return fresh


@pytest.fixture
def names() -> tuple[str, ...]:
    return ("x",)


@pytest.fixture
async def safe(urls: Urls, tmp_path: Path, names: tuple[str, ...]) -> AsyncIterator[Safe]:
    with platforms(tmp_path, *names) as there:
        async with open_safe(urls, tmp_path, there) as opened:
            yield opened


def works(safe: Safe, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{safe.there['x'].url}/2/users/me", headers=headers, trust_env=False).status_code == 200


async def test_many_who_need_a_token_at_once_refresh_it_once(safe: Safe, urls: Urls) -> None:
    """X's refresh tokens are good once, and a second use ends the family: two refreshers would lose the account."""
    account_id = await safe.connected("x")
    old = await safe.tokens.token_for(account_id)
    safe.age(account_id, "1 minute")
    elsewhere = Database(urls.worker, pool_size=10)
    both = [safe.tokens, safe.another(elsewhere)]
    got = await asyncio.gather(*(tokens.token_for(account_id) for _ in range(10) for tokens in both))
    await elsewhere.close()
    assert len(set(got)) == 1
    assert got[0] != old
    assert works(safe, got[0])
    refreshes = safe.there["x"].tokens("refresh")
    assert [row["used"] for row in refreshes].count(True) == 1
    assert safe.rows("SELECT version FROM token") == [{"version": 2}]


async def test_a_token_is_refreshed_well_before_its_end_and_then_left_alone(safe: Safe) -> None:
    account_id = await safe.connected("x")
    assert await safe.refreshing.refresh_due() == 0
    safe.rows("UPDATE token SET expires_at = now() + interval '29 minutes', sealed_at = now() - interval '91 minutes'")
    assert await safe.refreshing.refresh_due() == 1
    assert await safe.refreshing.refresh_due() == 0
    assert works(safe, await safe.tokens.token_for(account_id))
    await safe.refreshing.look_after_health()
    assert (await safe.account(account_id)).can_post


async def test_a_refresh_that_is_cut_off_still_stores_the_new_pair(safe: Safe) -> None:
    account_id = await safe.connected("x")
    held = Held()
    safe.tokens.clients.connections = {"x": held}
    safe.age(account_id, "1 minute")
    asking = asyncio.create_task(safe.tokens.token_for(account_id))
    await held.answered.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert safe.rows("SELECT version FROM token") == [{"version": 2}]
    assert works(safe, await safe.tokens.token_for(account_id))


async def test_a_refusal_to_refresh_goes_to_people_and_is_not_tried_again(safe: Safe) -> None:
    account_id = await safe.connected("x")
    safe.there["x"].switch(now="revoke")
    safe.age(account_id, "1 minute")
    for _ in range(2):
        with pytest.raises(NoAccess, match="connect the account again"):
            await safe.tokens.token_for(account_id)
    assert await safe.refreshing.refresh_due() == 0
    await safe.refreshing.look_after_health()
    account = await safe.account(account_id)
    assert (account.status, account.can_post) == ("connected", False)
    assert "connect the account again" in account.problem
    assert safe.events(account_id).count("account.refresh_refused") == 1


async def test_while_the_platform_is_away_the_old_token_serves_as_long_as_it_lives(safe: Safe) -> None:
    account_id = await safe.connected("x")
    old = await safe.tokens.token_for(account_id)
    safe.tokens.clients._known.urls["x"] = "http://127.0.0.1:1"  # type: ignore[index]
    safe.age(account_id, "3 minutes")
    assert await safe.tokens.token_for(account_id) == old
    assert await safe.refreshing.refresh_due() == 0, "it was tried a moment ago"
    safe.age(account_id, "-1 second")
    with pytest.raises(NoAccessNow, match="could not be renewed"):
        await safe.tokens.token_for(account_id)
    await safe.refreshing.look_after_health()
    account = await safe.account(account_id)
    assert (account.can_post, "keeps trying" in account.problem) == (False, True)


async def test_a_token_that_was_not_taken_is_refreshed_once_and_by_one(safe: Safe) -> None:
    account_id = await safe.connected("x")
    old = await safe.tokens.token_for(account_id)
    safe.there["x"].switch(now="expire")
    assert not works(safe, old)
    got = await asyncio.gather(*(safe.tokens.token_for(account_id, instead_of=old) for _ in range(5)))
    assert len(set(got)) == 1
    assert works(safe, got[0])
    assert safe.rows("SELECT version FROM token") == [{"version": 2}]


@pytest.mark.parametrize("names", [("mastodon",)])
async def test_a_token_that_cannot_be_refreshed_and_is_not_taken_is_for_a_person(safe: Safe) -> None:
    account_id = await safe.connected("mastodon")
    token = await safe.tokens.token_for(account_id)
    with pytest.raises(NoAccess, match="does not take"):
        await safe.tokens.token_for(account_id, instead_of=token)
    with pytest.raises(NoAccess):
        await safe.tokens.token_for(account_id)


@pytest.mark.parametrize("names", [("x", "bluesky")])
async def test_a_token_moved_to_another_account_or_put_back_does_not_open(safe: Safe) -> None:
    x, bluesky = await safe.connected("x"), await safe.connected("bluesky")
    own, other = (tuple(safe.rows(KEPT, account)[0].values()) for account in (x, bluesky))
    safe.rows(PUT, *own, bluesky)
    with pytest.raises(NoAccess, match="does not open"):
        await safe.tokens.token_for(bluesky)
    safe.rows(PUT, *other, bluesky)
    assert await safe.tokens.token_for(bluesky)
    safe.age(x, "1 minute")
    await safe.tokens.token_for(x)
    safe.rows(PUT, *own, x)
    with pytest.raises(NoAccess, match="does not open"):
        await safe.tokens.token_for(x)
    safe.rows("UPDATE token SET version = 1 WHERE version = 2")
    assert await safe.tokens.token_for(x), "only with its version it opens: whoever can write both must be the worker"


@pytest.mark.parametrize(("names", "elsewhere"), [(("bluesky",), "https://evil.example"), (("x",), "https://evil.example")])
async def test_a_token_is_sent_to_no_other_server_than_it_came_from(safe: Safe, elsewhere: str) -> None:
    (platform,) = safe.there
    account_id = await safe.connected(platform)
    safe.rows("UPDATE account SET server = %s WHERE id = %s", elsewhere, account_id)
    with pytest.raises(NoAccess, match="does not open"):
        await safe.tokens.token_for(account_id)


async def test_one_page_s_token_does_not_open_as_another_s(safe: Safe) -> None:
    account_id = await safe.connected("x")
    safe.rows("UPDATE account SET platform_account_id = 'other' WHERE id = %s", account_id)
    safe.rows("UPDATE token SET platform_account_id = 'other'")
    with pytest.raises(NoAccess, match="does not open"):
        await safe.tokens.token_for(account_id)


async def many_tokens(safe: Safe, account_id: UUID, count: int) -> None:
    """As many more sealed tokens, offered under other consents of the account."""
    strongbox = safe.tokens.strongbox
    for number in range(count):
        consent, token = uuid4(), uuid4()
        sealed = await strongbox.seal_token(
            TokenSet(f"token {number}"),
            at=("x", "", "1"),
            account_id=account_id,
            connection_id=consent,
            token_id=token,
            version=1,
        )
        row = columns_of(TokenSet(""), sealed, safe.tokens.clients.connections["x"], now=datetime.now(UTC))
        safe.rows(
            "INSERT INTO connection (id, account_id, asked_by, state_hash, browser, redirect_uri, status) "
            "VALUES (%s, %s, %s, '', '', '', 'found')",
            consent,
            account_id,
            safe.marcus.id,
        )
        safe.rows(
            "INSERT INTO token (id, connection_id, platform_account_id, sealed, wrapped_key, kek_id, refreshable) "
            "VALUES (%s, %s, '1', %s, %s, %s, false)",
            *(token, consent, row["sealed"], row["wrapped_key"], row["kek_id"]),
        )


async def test_keys_are_rotated_while_posts_ask_for_tokens_and_refreshes_go_on(safe: Safe, urls: Urls) -> None:
    account_id = await safe.connected("x")
    await many_tokens(safe, account_id, 60)
    old = await safe.keys.current()
    stop = asyncio.Event()
    served = 0

    async def posting() -> None:
        nonlocal served
        while not stop.is_set():
            assert await safe.tokens.token_for(account_id)
            served += 1

    async def ageing() -> None:
        while not stop.is_set():
            # In a thread: it waits for a row that a refresher in this loop may hold.
            await asyncio.to_thread(safe.age, account_id, "1 minute")
            await asyncio.sleep(0.02)

    load = [asyncio.create_task(act()) for act in (posting, posting, posting, ageing)]
    await asyncio.sleep(0.2)
    operator = Database(urls.worker, pool_size=2)
    keys = KeyFile(safe.keys.file)
    new = await keys.rotate()
    result = await rewrap_everything(operator, Strongbox(keys))
    await asyncio.sleep(0.2)
    stop.set()
    await asyncio.gather(*load)
    await operator.close()
    assert result.closed == ()
    assert result.done >= 60
    assert served > 10
    kept = "SELECT DISTINCT kek_id FROM (SELECT kek_id FROM token UNION SELECT kek_id FROM service_secret) AS every_secret"
    assert [row["kek_id"] for row in safe.rows(kept)] == [new]
    await keys.forget(old)
    assert await safe.tokens.token_for(account_id)
    assert (await safe.found(account_id)).status == "found", "what people bring still opens"


async def test_rotation_goes_on_where_it_stopped_and_names_what_does_not_open(safe: Safe) -> None:
    account_id = await safe.connected("x")
    await many_tokens(safe, account_id, 5)
    await safe.keys.rotate()
    first = await rewrap_everything(safe.worker, safe.tokens.strongbox)
    again = await rewrap_everything(safe.worker, safe.tokens.strongbox)
    assert (first.done >= 6, again.done) == (True, 0)
    (broken,) = safe.rows("UPDATE token SET wrapped_key = sealed WHERE id = (SELECT id FROM token LIMIT 1) RETURNING id")
    await safe.keys.rotate()
    assert (await rewrap_everything(safe.worker, safe.tokens.strongbox)).closed == (broken["id"],)


@pytest.mark.parametrize("names", [("linkedin",)])
async def test_linkedin_s_year_stays_where_it_began(safe: Safe) -> None:
    account_id = await safe.connected("linkedin")
    await safe.refreshing.look_after_health()
    first = (await safe.account(account_id)).ends_at
    assert first is not None
    assert timedelta(days=364) < first - datetime.now(UTC) <= timedelta(days=365)
    safe.rows("UPDATE token SET ends_at = ends_at - interval '300 days'")
    safe.age(account_id, "1 minute")
    await safe.tokens.token_for(account_id)
    await safe.refreshing.look_after_health()
    assert (await safe.account(account_id)).ends_at == first - timedelta(days=300)


async def test_people_are_warned_14_7_and_1_days_ahead_once_each(safe: Safe) -> None:
    account_id = await safe.connected("x")
    seen = []
    for left in ("20 days", "13 days", "13 days", "6 days", "6 days", "20 hours", "20 hours"):
        safe.rows("UPDATE token SET ends_at = clock_timestamp() + %s::interval", left)
        await safe.refreshing.look_after_health()
        seen.append((await safe.account(account_id)).warned_days)
    assert seen == [None, 14, 14, 7, 7, 1, 1]
    assert safe.events(account_id).count("account.consent_ends_soon") == 3
    safe.rows("UPDATE token SET ends_at = clock_timestamp() - interval '1 second'")
    await safe.refreshing.look_after_health()
    account = await safe.account(account_id)
    assert (account.can_post, account.problem) == (False, "The consent has ended. Connect the account again.")
    with pytest.raises(NoAccess, match="has ended"):
        await safe.tokens.token_for(account_id)
    safe.rows("UPDATE token SET ends_at = clock_timestamp() + interval '90 days'")
    await safe.refreshing.look_after_health()
    assert (await safe.account(account_id)).warned_days is None


async def test_a_token_of_an_account_that_is_not_connected_opens_for_nobody(safe: Safe) -> None:
    account_id = await safe.connected("x")
    safe.rows("UPDATE account SET status = 'disconnected' WHERE id = %s", account_id)
    with pytest.raises(NoAccess):
        await safe.tokens.token_for(account_id)
