"""Holds and what people settle, through the API: a program may stop posts, and only two people let them go again."""

from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest

from core.domain.publication import State
from core.records.database import Database
from tests.api.kit import KnownTokens
from tests.core.publishing import AtTheGate, as_admin, at_the_gate, dispatched
from tests.kit import ACCOUNTS, Cast, Urls, in_minutes, new_cast, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture(autouse=True)
def nothing_stays_held(urls: Urls) -> Iterator[None]:
    yield
    as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


@pytest.fixture
async def cast(database: Database, urls: Urls) -> Cast:
    return await new_cast(database, urls)


@pytest.fixture
async def sent(database: Database, worker_database: Database, urls: Urls, cast: Cast) -> AtTheGate:
    gate = await at_the_gate(database, worker_database, urls, cast)
    assert (await dispatched(worker_database, gate)).result == "sending"
    return gate


async def test_a_program_stops_posts_once_and_follows_them(
    client: httpx2.AsyncClient, tokens: KnownTokens, cast: Cast, sent: AtTheGate
) -> None:
    machine = {**tokens.of(cast.officer, client=True), "Idempotency-Key": str(uuid4())}
    asked = {"scope": "draft", "target": str(sent.saved.draft_id), "reason": "A monitor saw an incident."}
    placed = await client.post("/holds", json=asked, headers=machine)
    assert placed.status_code == 201, placed.text
    again = await client.post("/holds", json=asked, headers=machine)
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (placed.json()["id"], "true")
    seen = (await client.get(placed.headers["location"].removeprefix("/api/v1"), headers=machine)).json()
    assert [(one["id"], one["was"], one["state"]) for one in seen["in_flight"]] == [(str(sent.id), "sending", "sending")]
    listed = (await client.get("/holds", headers=machine)).json()["items"]
    assert [hold["id"] for hold in listed] == [placed.json()["id"]]


async def test_two_people_lift_it(client: httpx2.AsyncClient, tokens: KnownTokens, cast: Cast) -> None:
    officer, press = tokens.of(cast.officer), tokens.of(cast.press)
    times = {"starts_at": in_minutes(60).isoformat(), "ends_at": in_minutes(62).isoformat()}
    hold = (await client.post("/holds", json={"scope": "all", "reason": "Silence.", **times}, headers=officer)).json()["id"]
    asked = await client.post(f"/holds/{hold}/lift-requests", json={"reason": "Another day."}, headers=officer)
    assert asked.status_code == 201, asked.text
    proposal = asked.json()
    own = await client.post(f"/holds/{hold}/lift-confirmations", json=proposal, headers=officer)
    assert (own.status_code, own.json()["paragraph"]) == (403, 36)
    assert (await client.get(f"/holds/{hold}", headers=press)).json()["lift_asked"]["reason"] == "Another day."
    done = await client.post(f"/holds/{hold}/lift-confirmations", json=proposal, headers=press)
    assert (done.status_code, done.json()["over"]) == (201, True)
    assert (await client.get("/holds", headers=press)).json()["items"] == []


async def test_a_hold_that_cannot_be_placed_is_refused(
    client: httpx2.AsyncClient, tokens: KnownTokens, database: Database, cast: Cast
) -> None:
    asked = {"scope": "platform", "target": "myspace", "reason": "x"}
    wrong = await client.post("/holds", json=asked, headers=tokens.of(cast.officer))
    assert (wrong.status_code, wrong.json()["field"]) == (422, "target")
    auditor = tokens.of(await new_person(database, "auditor"))
    assert (await client.post("/holds", json={"scope": "all", "reason": "x"}, headers=auditor)).status_code == 403


async def test_an_unknown_outcome_is_settled_by_two(
    client: httpx2.AsyncClient, tokens: KnownTokens, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    as_admin(urls, "UPDATE publication SET state = %s WHERE id = %s", str(State.UNKNOWN), sent.id)
    press, policy, here = tokens.of(cast.press), tokens.of(cast.policy), f"/publications/{sent.id}"
    steps = (await client.get(f"{here}/next-steps", headers=press)).json()
    assert {"abandon", "adopt"} <= set(steps["acts"])
    assert str(sent.id) in [one["publication_id"] for one in (await client.get("/unresolved", headers=press)).json()["items"]]
    resolution = {"act": "abandon", "reason": "Not on the account.", "epoch": steps["epoch"]}
    asked = await client.post(f"{here}/resolutions", json=resolution, headers=press)
    assert asked.status_code == 201, asked.text
    answer = {"act": "abandon", **asked.json()}
    assert (await client.post(f"{here}/resolution-confirmations", json=answer, headers=press)).status_code == 403
    elsewhere = f"/publications/{uuid4()}/resolution-confirmations"
    assert (await client.post(elsewhere, json=answer, headers=policy)).status_code == 404
    assert (await client.post(f"{here}/resolution-confirmations", json=answer, headers=policy)).status_code == 201
    said = (await client.get(f"{here}/evidence", headers=press)).json()["said"]
    assert [(one["kind"], one["reason"]) for one in said] == [("publication.abandon", "Not on the account.")]


async def test_a_post_is_taken_down_and_corrected(
    client: httpx2.AsyncClient, tokens: KnownTokens, urls: Urls, cast: Cast, sent: AtTheGate
) -> None:
    for state in (State.PUBLISHED, State.VERIFIED):
        as_admin(urls, "UPDATE publication SET state = %s, post_id = 'p' WHERE id = %s", str(state), sent.id)
    here, reason = f"/publications/{sent.id}", {"reason": "A wrong figure."}
    assert (await client.post(f"{here}/takedowns", json=reason, headers=tokens.of(cast.officer))).status_code == 403
    assert (await client.post(f"{here}/takedowns", json=reason, headers=tokens.of(cast.press))).status_code == 201
    written = await client.post(f"{here}/corrections", headers=tokens.of(cast.officer))
    assert written.status_code == 201, written.text
    assert written.json()["id"] in written.headers["location"]
    assert (await client.post(f"{here}/give-ups", json=reason, headers=tokens.of(cast.officer))).status_code == 409


async def test_the_register_and_its_alarms(
    client: httpx2.AsyncClient, tokens: KnownTokens, urls: Urls, database: Database
) -> None:
    one, two = [tokens.of(await new_person(database, "account_manager")) for _ in range(2)]
    new = {"platform": "x", "handle": uuid4().hex[:10], "name": "Pensions", "owner_team": "Press office", "official": True}
    made = await client.post("/accounts", json=new, headers=one)
    assert (made.status_code, made.json()["status"]) == (201, "registered")
    refused = await client.post("/accounts", json={**new, "handle": "another", "official": False}, headers=one)
    assert (refused.status_code, refused.json()["paragraph"]) == (422, 38)
    account = f"/accounts/{ACCOUNTS['linkedin']}"
    asked = (await client.post(f"{account}/disconnect-requests", json={"reason": "Hijacked."}, headers=one)).json()
    assert (await client.get(account, headers=two)).json()["waiting"][0]["reason"] == "Hijacked."
    assert (await client.post(f"{account}/confirmations", json=asked, headers=one)).status_code == 403
    done = await client.post(f"{account}/confirmations", json=asked, headers=two)
    assert (done.status_code, done.json()["status"]) == (201, "disconnected")
    as_admin(
        urls,
        "INSERT INTO alarm (id, kind, account_id, sentence, evidence, about) VALUES (%s, 'rogue', %s, 'A post.', '{}', 'p')",
        uuid4(),
        ACCOUNTS["x"],
    )
    alarm = (await client.get("/alarms", headers=one)).json()["items"][0]["id"]
    assert (await client.post(f"/alarms/{alarm}/answers", json={"words": "Ours, by hand."}, headers=one)).status_code == 201
    assert (await client.get("/alarms", headers=one)).json()["items"] == []
