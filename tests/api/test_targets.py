"""A draft that answers a post, over the API: asked for, looked at again, named; and what is not captured is refused."""

from uuid import uuid4

import httpx2
import pytest

from core.domain.content import Target
from core.records.database import Database
from core.records.targets import take_requests, write_capture
from tests.api.kit import KnownTokens, content
from tests.api.test_doors import is_problem
from tests.kit import ACCOUNTS, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]
ADDRESS = "https://x.com/a_reader/status/77"
ASKED = {"accounts": [str(ACCOUNTS["x"])], "kind": "reply", "address": ADDRESS}


@pytest.fixture
async def officer(database: Database, tokens: KnownTokens) -> dict[str, str]:
    return tokens.of(await new_person(database, "officer", name="Olivia Okafor"))


async def refused(client: httpx2.AsyncClient, officer: dict[str, str], target: str) -> list[tuple[str, str]]:
    """Where and why a draft with this target is not taken."""
    said = is_problem(await client.post("/drafts", json=content(target=target), headers=officer), 422, "several")
    return [(fault["field"], fault["code"]) for fault in said["errors"]]


async def test_a_captured_post_is_named_by_a_draft_and_shown_with_it(
    client: httpx2.AsyncClient, officer: dict[str, str], worker_database: Database
) -> None:
    made = await client.post("/targets", json=ASKED, headers=officer)
    assert (made.status_code, made.json()["under_way"], made.json()["post"]) == (201, True, None)
    target = made.json()["id"]
    assert await refused(client, officer, target) == [("target", "target_under_way")]
    async with worker_database.transaction() as session:
        (request,) = await take_requests(session)
        await write_capture(session, request.id, Target("reply", "77", ADDRESS, "@a_reader", "When do you open?"))
    read = (await client.get(f"/targets/{target}", headers=officer)).json()
    assert (read["under_way"], read["post"]["text"], read["note"]) == (False, "When do you open?", "")
    draft = await client.post("/drafts", json=content(target=target), headers=officer)
    shown = (await client.get(f"/drafts/{draft.json()['id']}", headers=officer)).json()
    assert shown["content"]["target"] == target
    assert [rendition["target"]["post_id"] for rendition in shown["renditions"]] == ["77"]
    manifest = (await client.get(f"/drafts/{draft.json()['id']}/versions/1", headers=officer)).json()["manifest"]
    assert manifest["accounts"][0]["target"]["text"] == "When do you open?"


async def test_what_cannot_be_answered_is_refused_by_its_field(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    repost = is_problem(await client.post("/targets", json={**ASKED, "kind": "repost"}, headers=officer), 422, "target_kind")
    assert repost["field"] == "kind"
    nowhere = is_problem(await client.post("/targets", json={**ASKED, "address": "here"}, headers=officer), 422, "target_unknown")
    assert nowhere["field"] == "address"
    both = {**ASKED, "accounts": [str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])]}
    is_problem(await client.post("/targets", json=both, headers=officer), 422, "target_elsewhere")
    assert await refused(client, officer, str(uuid4())) == [("target", "target_unknown")]
    is_problem(await client.get(f"/targets/{uuid4()}", headers=officer), 404, "not_found")


async def test_only_those_who_write_ask_for_posts(client: httpx2.AsyncClient, database: Database, tokens: KnownTokens) -> None:
    auditor = tokens.of(await new_person(database, "auditor"))
    is_problem(await client.post("/targets", json=ASKED, headers=auditor), 403, "no_role")
