"""What every route of the API keeps to, without a database: who comes in, how refusals look, how large a body may be."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.kit import CONTENT_TYPE, KnownTokens, NeverAsked, Unreachable, application, calling, content, stranger

PUBLIC = {("GET", "/health")}
# Each address with what it takes: one that is not here fails until somebody decided who may come in.
GUARDED = {
    *(("GET", "/drafts"), ("POST", "/drafts"), ("GET", "/drafts/{draft_id}"), ("PUT", "/drafts/{draft_id}")),
    *(("POST", "/drafts/{draft_id}/submissions"), ("POST", "/drafts/{draft_id}/withdrawals")),
    *(("POST", "/drafts/{draft_id}/decisions"), ("PUT", "/drafts/{draft_id}/schedule")),
    *(("GET", "/holds"), ("POST", "/holds"), ("GET", "/holds/{hold_id}")),
    *(("POST", "/holds/{hold_id}/lift-requests"), ("POST", "/holds/{hold_id}/lift-confirmations")),
    *(("GET", "/unresolved"), ("GET", "/publications/{publication_id}")),
    *(("GET", "/publications/{publication_id}/next-steps"), ("GET", "/publications/{publication_id}/evidence")),
    ("POST", "/publications/{publication_id}/resolutions"),
    ("POST", "/publications/{publication_id}/resolution-confirmations"),
    *(("POST", "/publications/{publication_id}/takedowns"), ("POST", "/publications/{publication_id}/give-ups")),
    ("POST", "/publications/{publication_id}/corrections"),
    *(("GET", "/accounts"), ("POST", "/accounts"), ("GET", "/accounts/{account_id}")),
    ("PUT", "/accounts/{account_id}/watch"),
    *(("POST", "/accounts/{account_id}/disconnect-requests"), ("POST", "/accounts/{account_id}/confirmations")),
    *(("GET", "/alarms"), ("POST", "/alarms/{alarm_id}/answers")),
    *(("GET", "/audit-events"), ("GET", "/prompts"), ("GET", "/queue"), ("GET", "/media/{sha256}"), ("POST", "/media")),
    *(("GET", "/drafts/{draft_id}/versions"), ("GET", "/drafts/{draft_id}/versions/{number}")),
    *(("GET", "/targets/{target_id}"), ("POST", "/targets")),
}
# What a machine client never does, whatever roles it carries.
PEOPLE_ONLY = {
    "/holds/{hold_id}/lift-requests": {"reason": "x"},
    "/holds/{hold_id}/lift-confirmations": {"proposal_id": "0" * 32},
    "/publications/{publication_id}/resolutions": {"act": "resend", "reason": "x", "epoch": 1},
    "/publications/{publication_id}/resolution-confirmations": {"act": "resend", "proposal_id": "0" * 32},
    "/publications/{publication_id}/takedowns": {"reason": "x"},
    "/accounts/{account_id}/disconnect-requests": {"reason": "x"},
    "/accounts/{account_id}/confirmations": {"proposal_id": "0" * 32},
    "/alarms/{alarm_id}/answers": {"words": "x"},
}
pytestmark = pytest.mark.anyio


@pytest.fixture
async def shut(tmp_path: Path, tokens: KnownTokens) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(application(NeverAsked(), tokens, tmp_path)) as client:
        yield client


@pytest.fixture
def me(tokens: KnownTokens) -> dict[str, str]:
    return tokens.of(stranger())


def routes() -> list[tuple[str, str]]:
    app = application(NeverAsked(), KnownTokens(), Path("/nonexistent-not-used"))
    paths = app.openapi()["paths"]
    return sorted((method.upper(), path) for path, item in paths.items() for method in item)


def filled(path: str) -> str:
    ids = {
        "draft_id": "0" * 32,
        "publication_id": "0" * 32,
        "hold_id": "0" * 32,
        "account_id": "0" * 32,
        "alarm_id": "0" * 32,
        "number": "1",
        "sha256": "0" * 64,
        "target_id": "0" * 32,
    }
    return path.format(**ids)


def is_problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, CONTENT_TYPE), answer.text
    said: dict[str, Any] = answer.json()
    assert (said["status"], said["code"], said["type"]) == (status, code, f"urn:countersign:problem:{code}")
    assert said["instance"] == f"urn:countersign:request:{answer.headers['x-request-id']}"
    assert said["title"]
    assert said["detail"].endswith((".", "…"))
    return said


def test_every_route_is_on_one_of_the_lists() -> None:
    assert set(routes()) == PUBLIC | GUARDED, "decide who may come in, and name it above"


@pytest.mark.parametrize("path", sorted(PEOPLE_ONLY))
async def test_what_takes_people_is_not_done_by_a_machine(shut: httpx2.AsyncClient, tokens: KnownTokens, path: str) -> None:
    machine = tokens.of(stranger(), client=True)
    said = is_problem(await shut.post(filled(path), json=PEOPLE_ONLY[path], headers=machine), 403, "machine_cannot_act")
    assert said["paragraph"] == 36
    stale = tokens.of(stranger(), auth_time=datetime.now(UTC) - timedelta(minutes=16))
    is_problem(await shut.post(filled(path), json=PEOPLE_ONLY[path], headers=stale), 403, "step_up_needed")


async def test_every_route_refuses_without_a_token_but_the_public_ones(shut: httpx2.AsyncClient) -> None:
    guarded = [route for route in routes() if route not in PUBLIC]
    assert len(guarded) >= 17
    for method, path in guarded:
        answer = await shut.request(method, filled(path))
        is_problem(answer, 401, "token_refused")
        assert answer.headers["www-authenticate"] == 'Bearer realm="countersign"', (method, path)
        other = await shut.request(method, filled(path), headers={"Authorization": "Bearer forged"})
        assert (other.status_code, other.headers["www-authenticate"].endswith('error="invalid_token"')) == (401, True)


async def test_unknown_addresses_and_methods_are_problems(shut: httpx2.AsyncClient, me: dict[str, str]) -> None:
    is_problem(await shut.get("/nothing/here"), 404, "not_found")
    wrong = await shut.delete("/drafts", headers=me)
    is_problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"purpose": "\xff"}', 400, "bad_request"),
        (b"[" * 100_000, 400, "bad_request"),
        (b'{"step": ' + b"9" * 5000 + b"}", 400, "bad_request"),
    ],
)
async def test_what_is_not_json_is_said_to_be(
    shut: httpx2.AsyncClient, me: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = await shut.post("/drafts", content=body, headers={**me, "Content-Type": "application/json"})
    is_problem(answer, status, code)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"purpose": None}, "purpose", "string_type"),
        ({"publish_at": "2026-11-24T09:30:00"}, "publish_at", "time_without_zone"),
        ({"publish_at": "tomorrow"}, "publish_at", "time_unreadable"),
        ({"publish_at": 1790000000}, "publish_at", "time_unreadable"),
        ({"window_end": "0001-01-01T00:00:00+14:00"}, "window_end", "time_unreadable"),
        ({"window_end": "9999-01-01T00:00:00Z"}, "window_end", "time_out_of_range"),
        ({"accounts": ["department"]}, "accounts.0", "uuid_parsing"),
        ({"images": [{"sha256": "abc", "alt": "x"}]}, "images.0.sha256", "string_pattern_mismatch"),
        ({"text": "a\x00b"}, "text", "not_text"),
        ({"text": "\ud800"}, "text", "not_text"),
        ({"\ud800": "x"}, None, "string_unicode"),
        ({"colour": "red"}, "colour", "extra_forbidden"),
    ],
)
async def test_each_field_that_must_be_put_right_is_named(
    shut: httpx2.AsyncClient, me: dict[str, str], change: dict[str, Any], field: str | None, code: str
) -> None:
    body = json.dumps(content(**change))
    answer = await shut.post("/drafts", content=body, headers={**me, "Content-Type": "application/json"})
    said = is_problem(answer, 422, "invalid_request")
    assert [(fault.get("field"), fault["code"]) for fault in said["errors"]] == [(field, code)]
    assert all(fault["detail"].endswith(".") and "\n" not in fault["detail"] for fault in said["errors"])


async def test_a_text_for_an_unknown_platform_is_refused(shut: httpx2.AsyncClient, me: dict[str, str]) -> None:
    said = is_problem(await shut.post("/drafts", json=content(overrides={"myspace": "Hi"}), headers=me), 422, "platform_unknown")
    assert said["field"] == "overrides.myspace"


async def test_an_id_that_cannot_exist_is_not_found(shut: httpx2.AsyncClient, me: dict[str, str]) -> None:
    for path in (
        "/drafts/7",
        "/publications/x",
        "/media/%00",
        f"/drafts/{'0' * 32}/versions/0",
        f"/drafts/{'0' * 32}/versions/{9**30}",
    ):
        is_problem(await shut.get(path, headers=me), 404, "not_found")


async def test_a_body_that_is_too_large_is_not_read(shut: httpx2.AsyncClient, me: dict[str, str]) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b" " * 1024

    headers = {**me, "Content-Type": "application/json"}
    is_problem(await shut.post("/drafts", content=b" " * 300_000, headers=headers), 413, "body_too_large")
    is_problem(await shut.post("/drafts", content=drip(), headers=headers), 413, "body_too_large")
    is_problem(await shut.post("/media", content=b" " * 11_000_000, headers=me), 413, "body_too_large")


async def test_a_database_that_is_down_is_503_and_gives_nothing_away(tmp_path: Path, tokens: KnownTokens) -> None:
    async with calling(application(Unreachable(), tokens, tmp_path)) as client:
        for answer in (await client.get("/health"), await client.get("/drafts", headers=tokens.of(stranger()))):
            is_problem(answer, 503, "database_unavailable")
            assert "password" not in answer.text
            assert answer.headers["retry-after"]


async def test_a_fault_of_ours_is_a_problem_without_its_inside(shut: httpx2.AsyncClient) -> None:
    answer = await shut.get("/health")
    is_problem(answer, 500, "internal_error")
    assert "database was asked" not in answer.text


async def test_a_machine_cannot_decide(shut: httpx2.AsyncClient, tokens: KnownTokens) -> None:
    asked = {"step": 1, "digest": f"v1:sha256:{'0' * 64}", "answer": "reject", "reason": "No."}
    machine = tokens.of(stranger(), client=True)
    said = is_problem(await shut.post(f"/drafts/{'0' * 32}/decisions", json=asked, headers=machine), 403, "machine_cannot_decide")
    assert said["paragraph"] == 36


async def test_answers_set_no_cookie_open_no_origin_and_are_not_kept(shut: httpx2.AsyncClient, me: dict[str, str]) -> None:
    answer = await shut.get("/prompts", headers={**me, "Origin": "https://elsewhere.example", "X-Request-Id": "mine"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert len(answer.headers["x-request-id"]) == 32
