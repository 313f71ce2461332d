"""The register through the API: registering introduces the service where a server must know it, and the watch is set."""

from uuid import uuid4

import httpx2
import pytest

from core.records.database import Database
from tests.api.kit import CALLBACK, KnownTokens
from tests.core.publishing import as_admin
from tests.kit import ACCOUNTS, Urls, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_registering_an_account_introduces_the_service_to_its_server(
    client: httpx2.AsyncClient, tokens: KnownTokens, urls: Urls, database: Database
) -> None:
    me, server = tokens.of(await new_person(database, "account_manager")), f"https://{uuid4().hex[:10]}.example"
    new = {
        "platform": "mastodon",
        "handle": "dept",
        "name": "Pensions",
        "owner_team": "Press",
        "official": True,
        "server": server,
    }
    made = await client.post("/accounts", json=new, headers=me)
    assert made.status_code == 201, made.text
    wished = as_admin(urls, "SELECT platform, redirect_uri, client_id FROM platform_app WHERE server = %s", server)
    assert wished == [{"platform": "mastodon", "redirect_uri": CALLBACK, "client_id": None}]
    refused = await client.post("/accounts", json={**new, "official": False, "server": "https://other.example"}, headers=me)
    assert refused.status_code == 422
    assert as_admin(urls, "SELECT 1 FROM platform_app WHERE server = 'https://other.example'") == []


async def test_account_managers_set_how_often_an_account_is_watched(
    client: httpx2.AsyncClient, tokens: KnownTokens, urls: Urls, database: Database
) -> None:
    me, here = tokens.of(await new_person(database, "account_manager")), f"/accounts/{ACCOUNTS['linkedin']}/watch"
    done = await client.put(here, json={"every_seconds": 30}, headers=me)
    assert (done.status_code, done.json()) == (200, {"account_id": str(ACCOUNTS["linkedin"]), "every_seconds": 30})
    for never in (14, 241, -1, 10**30):
        refused = await client.put(here, json={"every_seconds": never}, headers=me)
        assert (refused.status_code, refused.json()["code"]) == (422, "watch_interval"), never
    nobody = tokens.of(await new_person(database, "authoriser"))
    assert (await client.put(here, json={"every_seconds": 60}, headers=nobody)).status_code == 403
    assert (await client.put(f"/accounts/{uuid4()}/watch", json={"every_seconds": 60}, headers=me)).status_code == 404
    kept = as_admin(urls, "SELECT every_seconds FROM account_watch WHERE account_id = %s", ACCOUNTS["linkedin"])
    assert kept == [{"every_seconds": 30}]


async def test_a_machine_client_vouches_for_nothing(client: httpx2.AsyncClient, tokens: KnownTokens, database: Database) -> None:
    manager = await new_person(database, "account_manager", "officer")
    machine = tokens.of(manager, client=True)
    new = {"platform": "x", "handle": "programs", "name": "Department", "owner_team": "Press", "official": True}
    for path, body in (("/accounts", new), (f"/publications/{uuid4()}/give-ups", {"reason": "Enough."})):
        refused = await client.post(path, json=body, headers=machine)
        assert (refused.status_code, refused.json()["code"]) == (403, "machine_cannot_act"), refused.text
