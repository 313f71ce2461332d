"""The OpenAPI document is sound, public and complete; `tests.api.conformity` holds every answer of these tests against it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from tests.api.kit import KnownTokens, NeverAsked, application, calling
from tests.api.test_doors import PUBLIC

pytestmark = pytest.mark.anyio


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    async with calling(application(NeverAsked(), KnownTokens(), tmp_path)) as client:
        answer: httpx2.Response = await client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def inside(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from inside(part)
    elif isinstance(value, list):
        for part in value:
            yield from inside(part)


async def test_every_schema_is_one_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "/api/v1"}]
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    for part in inside(document):
        reference = part.get("$ref")
        assert reference is None or reference.removeprefix("#/components/schemas/") in schemas
    assert "HTTPValidationError" not in schemas


async def test_every_operation_says_who_may_call_it_and_how_it_refuses(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["HTTPBearer"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A JWT access token (RFC 9068) of the identity provider, for this API's audience.",
    }
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(document):
        assert operation["description"], (method, path)
        assert operation.get("security") == (None if (method, path) in PUBLIC else [{"HTTPBearer": []}]), (method, path)
        refused = {status: told for status, told in operation["responses"].items() if status >= "400"}
        assert {"401", "500", "503"} <= set(refused), (method, path)
        assert all(list(told["content"]) == ["application/problem+json"] for told in refused.values()), (method, path)


async def test_every_post_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    posts = [(path, operation) for method, path, operation in operations(document) if method == "POST"]
    assert len(posts) >= 6
    for path, operation in posts:
        assert "idempotency-key" in [parameter["name"].lower() for parameter in operation["parameters"]], path
