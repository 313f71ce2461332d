"""One key, one act: sent again, from anywhere and at once, a POST brings the same answer and nothing happens twice."""

import asyncio

import httpx2
import pytest

from core.records.database import Database
from tests.api.kit import KnownTokens, authorisation, content, picture
from tests.api.test_doors import is_problem
from tests.kit import Urls, new_cast, new_person, submitted

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_the_same_request_brings_the_same_answer_and_no_second_draft(
    client: httpx2.AsyncClient, database: Database, tokens: KnownTokens
) -> None:
    headers = {**tokens.of(await new_person(database, "officer")), "Idempotency-Key": "monday"}
    sent = content()
    first, again = [await client.post("/drafts", json=sent, headers=headers) for _ in range(2)]
    assert (again.status_code, again.content) == (201, first.content)
    assert (again.headers["location"], again.headers["etag"]) == (first.headers["location"], first.headers["etag"])
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert len((await client.get("/drafts", params={"mine": True}, headers=headers)).json()["items"]) == 1


async def test_a_key_is_one_request_and_belongs_to_one_caller(
    client: httpx2.AsyncClient, database: Database, tokens: KnownTokens
) -> None:
    key = {"Idempotency-Key": "tuesday"}
    mine, yours = tokens.of(await new_person(database, "officer")), tokens.of(await new_person(database, "officer"))
    sent = content()
    assert (await client.post("/drafts", json=sent, headers={**mine, **key})).status_code == 201
    other = await client.post("/drafts", json={**sent, "text": "Other words."}, headers={**mine, **key})
    is_problem(other, 409, "idempotency_key_reused")
    assert (await client.post("/drafts", json=sent, headers={**yours, **key})).status_code == 201


async def test_a_refusal_leaves_the_key_free(client: httpx2.AsyncClient, database: Database, tokens: KnownTokens) -> None:
    headers = {**tokens.of(await new_person(database, "officer")), "Idempotency-Key": "wednesday"}
    is_problem(await client.post("/drafts", json=content(purpose=""), headers=headers), 422, "several")
    assert (await client.post("/drafts", json=content(), headers=headers)).status_code == 201


@pytest.mark.parametrize("key", ["", "a" * 256, "schlüssel"])
async def test_a_key_that_cannot_be_kept_is_refused(
    client: httpx2.AsyncClient, database: Database, tokens: KnownTokens, key: str
) -> None:
    headers = httpx2.Headers({**tokens.of(await new_person(database, "officer")), "Idempotency-Key": key}, encoding="utf-8")
    answer = await client.post("/drafts", json=content(), headers=headers)
    assert is_problem(answer, 422, "invalid_request")["errors"][0]["field"].lower() == "idempotency-key"


async def test_one_decision_posted_ten_times_at_once_is_recorded_once(
    client: httpx2.AsyncClient, database: Database, urls: Urls, tokens: KnownTokens
) -> None:
    """A peer records it twice. With a key all ten get the one answer; without, nine are refused."""
    cast = await new_cast(database, urls)
    for key in ({"Idempotency-Key": "thursday"}, {}):
        saved = await submitted(database, cast.officer)
        headers = {**tokens.of(cast.press), **key}
        address, asked = f"/drafts/{saved.draft_id}/decisions", authorisation(saved.digest, step=1)
        answers = await asyncio.gather(*(client.post(address, json=asked, headers=headers) for _ in range(10)))
        statuses = sorted(answer.status_code for answer in answers)
        if key:
            assert statuses == [201] * 10
            assert len({answer.content for answer in answers}) == 1
        else:
            assert statuses == [201] + [403] * 9
            assert {answer.json()["code"] for answer in answers if answer.status_code == 403} == {"one_step_each"}
        seen = (await client.get(f"/drafts/{saved.draft_id}", headers=tokens.of(cast.officer))).json()
        assert len(seen["decisions"]) == 1


async def test_an_upload_under_a_key_is_the_image_not_its_envelope(
    client: httpx2.AsyncClient, database: Database, tokens: KnownTokens
) -> None:
    headers = {**tokens.of(await new_person(database, "officer")), "Idempotency-Key": "friday"}
    first, again = [await client.post("/media", files={"file": ("a.png", picture())}, headers=headers) for _ in range(2)]
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert again.headers["location"] == first.headers["location"]
    other = await client.post("/media", files={"file": ("a.png", picture("red"))}, headers=headers)
    is_problem(other, 409, "idempotency_key_reused")
