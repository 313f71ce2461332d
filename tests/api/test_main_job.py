"""The main job through the JSON door: write, submit, two people authorise, and everything on the record."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from api.answered_record import PublicationOut
from core.domain.publication import State
from core.records.database import Database
from core.records.publications import claim, insert_publication
from core.use_cases.record import AttemptView, PublicationView, TransitionView
from tests.api.kit import KnownTokens, authorisation, content, picture
from tests.api.test_doors import is_problem
from tests.kit import ACCOUNTS, Urls, authorised, in_minutes, new_cast, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_a_draft_is_written_submitted_and_authorised_by_two_people(
    client: httpx2.AsyncClient, database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    cast = await new_cast(database, urls)
    officer, press, policy = tokens.of(cast.officer), tokens.of(cast.press), tokens.of(cast.policy)
    image = (await client.post("/media", content=picture(), headers=officer)).json()
    made = await client.post(
        "/drafts", json=content(images=[{"sha256": image["sha256"], "alt": "A blue field"}]), headers=officer
    )
    assert made.status_code == 201
    saved, address = made.json(), made.headers["location"].removeprefix("/api/v1")
    assert address == f"/drafts/{saved['id']}"
    submitted = await client.post(f"{address}/submissions", json={"digest": saved["digest"]}, headers=officer)
    assert (submitted.status_code, submitted.json()["draft_id"]) == (201, saved["id"])

    seen = (await client.get(address, headers=press)).json()
    assert (seen["standing"], seen["open_step"]["number"]) == ("awaiting", 1)
    assert "decide" in seen["may"]
    assert seen["submitted_at"].endswith("Z")
    assert seen["renditions"][0]["images"][0]["alt"] == "A blue field"
    assert seen["content"]["images"] == [{"sha256": image["sha256"], "alt": "A blue field"}]
    first = await client.post(f"{address}/decisions", json=authorisation(seen["digest"], step=1), headers=press)
    assert (first.status_code, first.json()["standing"]) == (201, "awaiting")
    second = await client.post(f"{address}/decisions", json=authorisation(seen["digest"], step=2), headers=policy)
    assert (second.json()["standing"], second.json()["step"]["label"]) == ("authorised", "Policy owner")

    events = (await client.get("/audit-events", params={"subject": f"draft:{saved['id']}"}, headers=officer)).json()
    acts = [event["action"] for event in reversed(events["items"])]
    assert acts == ["draft.create", "draft.submit", "draft.authorise", "draft.authorise"]


async def test_the_author_is_refused_as_authoriser_with_the_paragraph(
    client: httpx2.AsyncClient, database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    both = await new_person(database, "officer", "authoriser")
    made = (await client.post("/drafts", json=content(), headers=tokens.of(both))).json()
    await client.post(f"/drafts/{made['id']}/submissions", json={"digest": made["digest"]}, headers=tokens.of(both))
    asked = authorisation(made["digest"], step=1)
    said = is_problem(
        await client.post(f"/drafts/{made['id']}/decisions", json=asked, headers=tokens.of(both)), 403, "same_hand_twice"
    )
    assert said["paragraph"] == 36


async def test_a_decision_over_another_digest_is_a_conflict_and_an_old_sign_in_is_not_enough(
    client: httpx2.AsyncClient, database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    cast = await new_cast(database, urls)
    made = (await client.post("/drafts", json=content(), headers=tokens.of(cast.officer))).json()
    await client.post(f"/drafts/{made['id']}/submissions", json={"digest": made["digest"]}, headers=tokens.of(cast.officer))
    address = f"/drafts/{made['id']}/decisions"
    other = authorisation(f"v1:sha256:{'0' * 64}", step=1)
    is_problem(await client.post(address, json=other, headers=tokens.of(cast.press)), 409, "draft_changed")
    stale = tokens.of(cast.press, auth_time=datetime.now(UTC) - timedelta(minutes=16))
    refused = await client.post(address, json=authorisation(made["digest"], step=1), headers=stale)
    is_problem(refused, 403, "step_up_needed")
    assert "max_age=900" in refused.headers["www-authenticate"]
    unsaid = authorisation(made["digest"], step=1, confirmed=["standards"])
    said = is_problem(await client.post(address, json=unsaid, headers=tokens.of(cast.press)), 422, "prompts_unanswered")
    assert said["field"] == "confirmed"
    silent = {"step": 1, "digest": made["digest"], "answer": "reject"}
    is_problem(await client.post(address, json=silent, headers=tokens.of(cast.press)), 422, "reason_missing")
    assert (await client.get(f"/drafts/{made['id']}", headers=tokens.of(cast.officer))).json()["decisions"] == []


async def test_withdrawing_and_moving_the_time(
    client: httpx2.AsyncClient, database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    officer = tokens.of(await new_person(database, "officer"))
    made = (await client.post("/drafts", json=content(), headers=officer)).json()
    address = f"/drafts/{made['id']}"
    is_problem(await client.post(f"{address}/withdrawals", json={}, headers=officer), 409, "nothing_to_withdraw")
    await client.post(f"{address}/submissions", json={"digest": made["digest"]}, headers=officer)
    later = in_minutes(90)
    moved = await client.put(f"{address}/schedule", json={"publish_at": later.isoformat()}, headers=officer)
    assert (moved.status_code, datetime.fromisoformat(moved.json()["publish_at"])) == (200, later)
    outside = await client.put(f"{address}/schedule", json={"publish_at": in_minutes(9999).isoformat()}, headers=officer)
    assert is_problem(outside, 422, "outside_window")["field"] == "publish_at"
    stopped = await client.post(f"{address}/withdrawals", json={"reason": "Not now"}, headers=officer)
    assert (stopped.status_code, stopped.json()["standing"]) == (201, "withdrawn")


async def test_the_queue_shows_what_waits_in_pages(
    client: httpx2.AsyncClient, database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    cast = await new_cast(database, urls)
    made = set()
    for _ in range(3):
        saved = (await client.post("/drafts", json=content(), headers=tokens.of(cast.officer))).json()
        await client.post(f"/drafts/{saved['id']}/submissions", json={"digest": saved["digest"]}, headers=tokens.of(cast.officer))
        made.add(saved["id"])
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await client.get("/queue", params={"limit": 2, **after}, headers=tokens.of(cast.press))).json()
        assert len(page["items"]) <= 2
        seen += [item["draft_id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    nobody = (await client.get("/queue", headers=tokens.of(cast.officer))).json()
    assert nobody == {"items": [], "next": None}
    damaged = await client.get("/queue", params={"after": "bm9"}, headers=tokens.of(cast.press))
    assert is_problem(damaged, 422, "bad_input")["field"] == "after"


async def test_a_publication_is_told_with_every_move(
    client: httpx2.AsyncClient, database: Database, worker_database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    cast = await new_cast(database, urls)
    saved = await authorised(database, cast)
    draft = (await client.get(f"/drafts/{saved.draft_id}", headers=tokens.of(cast.officer))).json()
    async with worker_database.transaction() as session:
        submission = await _submission(session, saved.draft_id)
        made = await insert_publication(
            session,
            draft_id=saved.draft_id,
            account_id=ACCOUNTS["x"],
            submission_id=submission,
            digest=saved.digest,
            schedule_revision=1,
            publish_at=datetime.fromisoformat(draft["content"]["publish_at"]),
        )
    assert made is not None
    async with worker_database.transaction() as session:
        await claim(session, made, worker="test", lease_seconds=5)
    told = (await client.get(f"/publications/{made}", headers=tokens.of(cast.officer))).json()
    assert (told["state"], told["owner"], told["attempts"]) == ("claimed", "service", [])
    assert [(move["before"], move["after"]) for move in told["transitions"]][-1] == ("scheduled", "claimed")
    shown = (await client.get(f"/drafts/{saved.draft_id}", headers=tokens.of(cast.officer))).json()["publications"]
    assert [(one["id"], one["state"]) for one in shown] == [(str(made), "claimed")]
    auditor_less = tokens.of(await new_person(database))
    is_problem(await client.get(f"/publications/{made}", headers=auditor_less), 404, "not_found")


async def _submission(session: Any, draft_id: Any) -> Any:
    connection = await session.connection()
    found = await connection.exec_driver_sql("SELECT id FROM submission WHERE draft_id = %s", (draft_id,))
    return found.scalar_one()


def test_attempts_and_receipts_are_told() -> None:
    now = datetime.now(UTC)
    view = PublicationView(
        id=uuid4(),
        draft_id=uuid4(),
        purpose="p",
        account="a",
        platform="x",
        handle="h",
        state=State.VERIFIED,
        owner=None,
        note="",
        publish_at=now,
        digest="d",
        post_id="1",
        permalink="https://x.test/1",
        transitions=(TransitionView(now, "claimed", "sending", "", 1),),
        attempts=(AttemptView(now, 1, "d", "accepted", 201, "ok", now), AttemptView(now, 1, "d", None, None, None, None)),
    )
    told = PublicationOut.model_validate(view)
    assert [attempt.status for attempt in told.attempts] == [201, None]
    assert told.transitions[0].after == "sending"


async def test_accounts_prompts_and_health_are_told(client: httpx2.AsyncClient, database: Database, tokens: KnownTokens) -> None:
    officer = tokens.of(await new_person(database, "officer"))
    accounts = (await client.get("/accounts", headers=officer)).json()["items"]
    assert {account["platform"] for account in accounts} >= set(ACCOUNTS)
    prompts = (await client.get("/prompts", headers=officer)).json()["items"]
    assert {prompt["paragraph"] for prompt in prompts} >= {31, 36, 37, 39}
    assert (await client.get("/health")).json()["status"] in ("ok", "delayed")


async def test_the_whole_audit_trail_is_for_auditors(client: httpx2.AsyncClient, database: Database, tokens: KnownTokens) -> None:
    officer, auditor = await new_person(database, "officer"), await new_person(database, "auditor")
    for _ in range(2):
        await client.post("/drafts", json=content(), headers=tokens.of(officer))
    is_problem(await client.get("/audit-events", headers=tokens.of(officer)), 403, "no_role")
    first = (await client.get("/audit-events", params={"limit": 1}, headers=tokens.of(auditor))).json()
    second = (await client.get("/audit-events", params={"limit": 1, "after": first["next"]}, headers=tokens.of(auditor))).json()
    assert second["items"][0]["id"] < first["items"][0]["id"]
    is_problem(await client.get("/audit-events", params={"after": "x"}, headers=tokens.of(auditor)), 422, "invalid_request")
