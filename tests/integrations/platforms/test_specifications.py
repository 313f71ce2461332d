"""Our requests and our sandboxes' answers are what X's OpenAPI document and Meta's specification files say.

The documents are not ours to pass on. They are looked for beside the repository; without them these tests say so aloud.
"""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.domain.outcome import Result
from integrations.platforms.base import CLOCK_SKEW, Platform
from integrations.platforms.facebook_reading import POST_FIELDS
from integrations.platforms.values import Access, PrepareFailed, ReadFailed
from integrations.platforms.wire import utc_now
from integrations.platforms.x import X
from tests.integrations.platforms import test_facebook, test_x
from tests.integrations.platforms.conformance_kit import PlatformKit, another_key
from tests.integrations.platforms.overhearing import Exchange, overheard
from tests.integrations.platforms.serving import Sandbox

pytestmark = pytest.mark.anyio
SPECIFICATIONS = Path(__file__).parents[4] / "shared/specs"
X_DOCUMENTS = ("x/openapi.xdk-2026-07-25.json", "x/openapi.docs-2026-08-22.json")
# Graph takes these everywhere (Graph API, Overview and Paginated Results); a file of an edge names only what is its own.
EVERYWHERE = {"fields", "ids", "limit", "since", "until", "after", "before"}
# A photo's bytes are the body's file (Page Photos, "Upload a photo"), not a parameter of the specification.
BYTES = {"source"}


def document(name: str) -> Any:
    path = SPECIFICATIONS / name
    if not path.exists():
        warnings.warn(f"{path} is not here: nothing was checked against it", stacklevel=2)
        pytest.skip(f"{path} is not here")
    return json.loads(path.read_text("utf-8"))


async def everything(kit: PlatformKit, there: Sandbox) -> None:
    """Every call that an adapter makes, and the answers that a platform may give to it."""
    access, platform = kit.access_to(there.url), kit.impatient()
    images, files = kit.images(2)
    plain = await kit.publish(access, kit.rendition(), key=another_key(), platform=platform)
    shown = await kit.publish(access, kit.rendition("With images", images=images), files, platform, another_key())
    assert (plain.result, shown.result) == (Result.ACCEPTED, Result.ACCEPTED)
    for kind in sorted(platform.targets):
        target = await platform.read_target(access, platform.permalink(access, str(plain.post_id)), kind)
        about = await kit.publish(access, kit.rendition(f"About {kind}", target=target), key=another_key(), platform=platform)
        await platform.read_back(access, str(about.post_id))
    for number in range(101):
        there.rogue(kit.account.account_id, f"Number {number}")
    await platform.timeline(access, since=utc_now() - CLOCK_SKEW)
    await platform.read_back(access, str(shown.post_id))
    for _ in range(2):
        await platform.delete(access, str(plain.post_id))
    await platform.read_back(access, str(plain.post_id))
    await refusals(kit, platform, access, there)


async def refusals(kit: PlatformKit, platform: Platform, access: Access, there: Sandbox) -> None:
    for mode in ("refuse_429", "accept_then_500", "ghost_duplicate", "token_revoked"):
        there.lie(mode)
        assert (await kit.publish(access, kit.rendition(), key=another_key(), platform=platform)).result is not Result.ACCEPTED
    images, files = kit.images(1)
    there.lie("token_expired")
    with pytest.raises(PrepareFailed):
        await platform.prepare(access, kit.rendition(images=images), files)
    there.lie("token_expired")
    with pytest.raises(ReadFailed):
        await platform.timeline(access, since=utc_now())


def operation_of(api: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """The operation that X describes for this request; a path without variables goes before one with."""
    for path, operations in sorted(api["paths"].items(), key=lambda item: "{" in item[0]):
        pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", path))
        if re.fullmatch(pattern, exchange.path) and exchange.method.lower() in operations:
            found: dict[str, Any] = operations[exchange.method.lower()]
            return found
    raise AssertionError(f"X has no {exchange.method} {exchange.path}")


def strict(schema: Any) -> Any:
    """The schema with nothing in its objects that it does not name: a word that X does not have must not pass."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {name: strict(value) for name, value in schema.items()}
    if isinstance(stricter.get("properties"), dict) and stricter.get("type") == "object":
        stricter.setdefault("additionalProperties", False)
    return stricter


def validate(value: Any, schema: dict[str, Any], api: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**schema, "components": api["components"]}).validate(value)


def check_query(exchange: Exchange, operation: dict[str, Any], api: dict[str, Any]) -> None:
    named = [
        api["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for one in operation.get("parameters", [])
    ]
    known = {one["name"]: one["schema"] for one in named if one["in"] == "query"}
    for name, value in exchange.query.items():
        assert name in known, f"X has no parameter {name} of {exchange.path}"
        kind = known[name].get("type")
        read = value.split(",") if kind == "array" else int(value) if kind == "integer" else value
        validate(read, known[name], api)


def check_body(exchange: Exchange, operation: dict[str, Any], api: dict[str, Any]) -> None:
    bodies = operation.get("requestBody", {}).get("content", {})
    if not exchange.sent:
        # A token that has ended is refused before the body is read.
        assert exchange.status == 401 or not operation.get("requestBody", {}).get("required", False)
        return
    kind = exchange.content_type.partition(";")[0]
    value = json.loads(exchange.sent) if kind == "application/json" else exchange.form()
    validate(value, bodies[kind]["schema"], api)


def check_answer(exchange: Exchange, operation: dict[str, Any], api: dict[str, Any]) -> None:
    described = operation["responses"].get(str(exchange.status))
    assert described is not None or exchange.status >= 400, f"X does not answer {exchange.status} to {exchange.path}"
    content = (described or operation["responses"]["default"])["content"]
    answer = exchange.answer()
    if exchange.answer_type == "application/problem+json" and answer["type"] == "about:blank":
        # For 401, 403 and 429 X says "about:blank" (RFC 9457), which its document leaves out.
        assert exchange.status in (401, 403, 429, 500, 503)
        assert set(answer) == {"type", "title", "detail", "status"}
        return
    validate(answer, content[exchange.answer_type]["schema"], api)


@pytest.mark.parametrize("name", X_DOCUMENTS)
async def test_x_specifies_every_request_of_ours_and_every_answer_of_the_sandbox(name: str, tmp_path: Path) -> None:
    api = strict(document(name))
    kit = test_x.TestX()
    with overheard("x", kit.account, tmp_path) as (there, heard):
        there.lie("processing", seconds=0.2)
        await everything(kit, there)
    for exchange in heard:
        operation = operation_of(api, exchange)
        check_query(exchange, operation, api)
        check_body(exchange, operation, api)
        check_answer(exchange, operation, api)
    said = {(one.method, re.sub(r"\d{3,}", "N", one.path), one.status) for one in heard}
    assert said >= {
        ("POST", "/2/tweets", 201),
        ("POST", "/2/tweets", 401),
        ("POST", "/2/tweets", 403),
        ("POST", "/2/tweets", 429),
        ("GET", "/2/tweets/N", 200),
        ("DELETE", "/2/tweets/N", 200),
        ("DELETE", "/2/tweets/N", 404),
        ("GET", "/2/users/N/tweets", 200),
        ("POST", "/2/media/upload", 200),
        ("GET", "/2/media/upload", 200),
        ("POST", "/2/media/metadata", 200),
    }


def test_what_x_does_not_have_would_be_seen() -> None:
    api = strict(document(X_DOCUMENTS[0]))
    post = Exchange("POST", "/2/tweets", {}, "application/json", b'{"text":"a","surprise":1}', 201, "application/json", b"{}")
    operation = operation_of(api, post)
    with pytest.raises(jsonschema.ValidationError):
        check_body(post, operation, api)
    for answer in (b'{"data":{"id":"1"}}', b'{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"]}}'):
        wrong = Exchange("POST", "/2/tweets", {}, "", b"", 201, "application/json", answer)
        with pytest.raises(jsonschema.ValidationError):
            check_answer(wrong, operation, api)
    old = Exchange("GET", "/2/tweets/1", {"tweet.fields": "text"}, "", b"", 200, "", b"")
    with pytest.raises(AssertionError, match=r"tweet\.fields"):
        check_query(old, operation_of(api, old), api)


def parameters(name: str, method: str, edge: str | None) -> dict[str, str]:
    """The parameters of an edge, or of the object itself, and their types, as Meta's file names them."""
    return next(
        {one["name"]: one["type"] for one in api["params"]}
        for api in document(f"facebook/{name}.json")["apis"]
        if api["method"] == method and api.get("endpoint") == edge
    )


def check_type(value: str, kind: str) -> None:
    if kind == "bool":
        assert value in ("true", "false")
    elif kind.startswith("list<Object>"):
        assert all(isinstance(one, dict) for one in json.loads(value))
    else:
        assert kind == "string", f"no check for {kind}"


async def test_meta_specifies_every_parameter_and_every_field_of_ours(tmp_path: Path) -> None:
    kit = test_facebook.TestFacebook()
    feed, photos = parameters("Page", "POST", "feed"), parameters("Page", "POST", "photos")
    listing, removal = parameters("Page", "GET", "published_posts"), parameters("PagePost", "DELETE", None)
    with overheard("facebook", kit.account, tmp_path) as (there, heard):
        await everything(kit, there)
    edges = set()
    for exchange in heard:
        assert exchange.path.startswith("/v26.0/")
        edge = exchange.path.rpartition("/")[2]
        edges.add((exchange.method, edge if not edge[:1].isdecimal() else "{id}"))
        asked = {"feed": feed, "photos": photos}.get(edge) if exchange.method == "POST" else None
        for field, value in (exchange.form() if asked else {}).items():
            assert asked is not None
            assert field in BYTES or field in asked, f"Meta has no {field} of {edge}"
            if field not in BYTES:
                check_type(value, asked[field])
        own = listing if edge == "published_posts" else removal if exchange.method == "DELETE" else {}
        assert set(exchange.query) <= EVERYWHERE | set(own)
    assert edges == {
        ("POST", "feed"),
        ("POST", "photos"),
        ("GET", "published_posts"),
        ("GET", "{id}"),
        ("GET", ""),
        ("DELETE", "{id}"),
    }


def test_meta_s_posts_and_photos_have_the_fields_we_read() -> None:
    flat = POST_FIELDS
    while (shorter := re.sub(r"\{[^{}]*\}|\.\w+\([^()]*\)", "", flat)) != flat:
        flat = shorter
    described = document("facebook/PagePost.json")
    fields = {one["name"] for one in described["fields"]}
    edges = {api.get("endpoint") for api in described["apis"] if api["method"] == "GET"}
    asked = flat.split(",")
    assert set(asked) <= fields | edges
    assert "surprise" not in fields | edges
    assert "alt_text_custom" in {one["name"] for one in document("facebook/Photo.json")["fields"]}


def test_x_s_limit_of_a_page_is_the_one_we_ask_for() -> None:
    described = document(X_DOCUMENTS[0])["paths"]["/2/users/{id}/tweets"]["get"]["parameters"]
    [most] = [one["schema"] for one in described if one.get("name") == "max_results"]
    assert most["minimum"] <= 100 <= most["maximum"]
    assert X().limit == 280
