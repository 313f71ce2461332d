"""Drafts over the API: nobody's change is overwritten unseen, every fault is named, what one may not see is not there."""

import hashlib
import json
from uuid import uuid4

import httpx2
import pytest
import rfc8785

from core.records.database import Database
from tests.api.kit import KnownTokens, content, picture
from tests.api.test_doors import is_problem
from tests.kit import ACCOUNTS, Urls, in_minutes, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def officer(database: Database, tokens: KnownTokens) -> dict[str, str]:
    return tokens.of(await new_person(database, "officer", name="Olivia Okafor"))


async def test_a_draft_read_can_be_sent_back_changed(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    made = await client.post("/drafts", json=content(), headers=officer)
    address = f"/drafts/{made.json()['id']}"
    read = await client.get(address, headers=officer)
    assert read.headers["etag"] == made.headers["etag"]
    again = await client.put(address, json=read.json()["content"], headers={**officer, "If-Match": read.headers["etag"]})
    assert (again.status_code, again.json()["changed"], again.json()["version"]) == (200, False, 1)
    assert again.headers["etag"] == read.headers["etag"]
    changed = {**read.json()["content"], "text": "Other words."}
    saved = await client.put(address, json=changed, headers={**officer, "If-Match": read.headers["etag"]})
    assert (saved.json()["changed"], saved.json()["version"]) == (True, 2)
    assert saved.headers["etag"] != read.headers["etag"]


async def test_a_stale_write_is_refused_and_one_that_saw_nothing_too(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    made = await client.post("/drafts", json=content(), headers=officer)
    address, etag = f"/drafts/{made.json()['id']}", made.headers["etag"]
    for headers in ({}, {"If-Match": "*"}):
        is_problem(await client.put(address, json=content(), headers={**officer, **headers}), 428, "precondition_missing")
    await client.put(address, json=content(text="Mine."), headers={**officer, "If-Match": etag})
    for stale in (etag, f"W/{etag}", '"v2"'):
        answer = await client.put(address, json=content(text="Yours."), headers={**officer, "If-Match": stale})
        is_problem(answer, 412, "precondition_failed")
    assert (await client.get(address, headers=officer)).json()["content"]["text"] == "Mine."


async def test_a_time_that_somebody_moved_is_not_moved_back_unseen(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    sent = content()
    made = await client.post("/drafts", json=sent, headers=officer)
    address = f"/drafts/{made.json()['id']}"
    await client.put(f"{address}/schedule", json={"publish_at": in_minutes(90).isoformat()}, headers=officer)
    stale = await client.put(address, json=sent, headers={**officer, "If-Match": made.headers["etag"]})
    is_problem(stale, 412, "precondition_failed")


async def test_everything_to_put_right_is_told_at_once(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    image = (await client.post("/media", content=picture(), headers=officer)).json()["sha256"]
    sent = content(purpose=" ", link="ftp://x", images=[{"sha256": image}], accounts=[str(uuid4())])
    said = is_problem(await client.post("/drafts", json=sent, headers=officer), 422, "several")
    assert {(fault["field"], fault["code"]) for fault in said["errors"]} == {
        ("purpose", "purpose_missing"),
        ("link", "link_invalid"),
        ("images.0.alt", "alt_text_missing"),
        ("accounts", "account_not_registered"),
    }
    assert next(fault["paragraph"] for fault in said["errors"] if fault["field"] == "accounts") == 38


async def test_another_text_for_a_platform_is_counted_as_that_platform_counts(
    client: httpx2.AsyncClient, officer: dict[str, str]
) -> None:
    both = [str(ACCOUNTS["x"]), str(ACCOUNTS["linkedin"])]
    long = content(accounts=both, text="a" * 400)
    said = is_problem(await client.post("/drafts", json=long, headers=officer), 422, "several")
    assert [fault["code"] for fault in said["errors"]] == ["text_too_long"]
    made = await client.post("/drafts", json={**long, "overrides": {"x": "short"}}, headers=officer)
    seen = (await client.get(f"/drafts/{made.json()['id']}", headers=officer)).json()
    assert {one["platform"]: (one["used"], one["limit"]) for one in seen["renditions"]} == {
        "x": (5, 280),
        "linkedin": (400, 3000),
    }


async def test_an_image_of_somebody_elses_draft_is_not_there(
    client: httpx2.AsyncClient, database: Database, officer: dict[str, str], tokens: KnownTokens
) -> None:
    image = (await client.post("/media", content=picture("olive"), headers=officer)).json()["sha256"]
    other = tokens.of(await new_person(database, "authoriser"))
    is_problem(await client.get(f"/media/{image}", headers=other), 404, "not_found")
    sent = content(images=[{"sha256": image, "alt": "Olive"}])
    said = is_problem(await client.post("/drafts", json=sent, headers=other), 422, "several")
    assert [(fault["field"], fault["code"]) for fault in said["errors"]] == [("images", "image_unknown")]


async def test_what_one_may_not_see_is_not_there(
    client: httpx2.AsyncClient, database: Database, officer: dict[str, str], tokens: KnownTokens
) -> None:
    made = (await client.post("/drafts", json=content(), headers=officer)).json()
    other = tokens.of(await new_person(database, "authoriser"))
    for draft_id in (made["id"], uuid4()):
        for path in (f"/drafts/{draft_id}", f"/drafts/{draft_id}/versions", f"/drafts/{draft_id}/versions/1"):
            is_problem(await client.get(path, headers=other), 404, "not_found")
        act = await client.post(f"/drafts/{draft_id}/submissions", json={"digest": made["digest"]}, headers=other)
        is_problem(act, 404, "not_found")
        put = await client.put(f"/drafts/{draft_id}", json=content(), headers={**other, "If-Match": '"v1"'})
        is_problem(put, 404, "not_found")
    nobody = tokens.of(await new_person(database))
    is_problem(await client.get("/drafts", headers=nobody), 403, "no_role")


async def test_a_versions_manifest_is_what_its_digest_names(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    made = (await client.post("/drafts", json=content(), headers=officer)).json()
    listed = (await client.get(f"/drafts/{made['id']}/versions", headers=officer)).json()["items"]
    assert [(one["number"], one["digest"], one["saved_by"]) for one in listed] == [(1, made["digest"], "Olivia Okafor")]
    told = (await client.get(f"/drafts/{made['id']}/versions/1", headers=officer)).json()
    hashed = hashlib.sha256(rfc8785.dumps(json.loads(json.dumps(told["manifest"])))).hexdigest()
    assert told["digest"] == f"v1:sha256:{hashed}"
    is_problem(await client.get(f"/drafts/{made['id']}/versions/2", headers=officer), 404, "not_found")


async def test_my_drafts_come_in_pages_the_newest_first(
    client: httpx2.AsyncClient, database: Database, urls: Urls, officer: dict[str, str]
) -> None:
    made = [(await client.post("/drafts", json=content(), headers=officer)).json()["id"] for _ in range(3)]
    first = (await client.get("/drafts", params={"mine": True, "limit": 2}, headers=officer)).json()
    rest = (await client.get("/drafts", params={"mine": True, "limit": 2, "after": first["next"]}, headers=officer)).json()
    assert [one["draft_id"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    is_problem(await client.get("/drafts", params={"limit": 1000}, headers=officer), 422, "invalid_request")


async def test_images_come_in_raw_or_in_a_form_and_are_sniffed(client: httpx2.AsyncClient, officer: dict[str, str]) -> None:
    raw = await client.post("/media", content=picture(), headers={**officer, "Content-Type": "image/png"})
    form = await client.post("/media", files={"file": ("a.png", picture(), "image/png")}, headers=officer)
    assert (raw.status_code, form.status_code, raw.json()) == (201, 201, form.json())
    got = await client.get(raw.headers["location"].removeprefix("/api/v1"), headers=officer)
    assert hashlib.sha256(got.content).hexdigest() == raw.json()["sha256"]
    assert got.headers["content-type"] == raw.json()["mime"]
    lied = await client.post("/media", content=b"<svg/>", headers={**officer, "Content-Type": "image/png"})
    assert lied.status_code == 422
    is_problem(await client.post("/media", headers=officer), 422, "file_missing")
    is_problem(await client.post("/media", files={"other": ("a", b"x")}, headers=officer), 422, "file_missing")
    is_problem(await client.post("/media", content=b"\x89PNG" + b"0" * (10 * 2**20 + 1), headers=officer), 413, "media_too_large")
    broken = {**officer, "Content-Type": "multipart/form-data"}
    is_problem(await client.post("/media", content=b"--x", headers=broken), 400, "bad_request")
