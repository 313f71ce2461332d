"""The description of the API (OpenAPI 3.1), true to what is answered: problems as RFC 9457, nothing the framework would guess."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import compile_path

from api.problems import MEDIA_TYPE, Problem

_MEANING = {
    400: "The body could not be read.",
    401: "No access token, or one that does not count here.",
    403: "You may not do this.",
    404: "There is no such thing, or you may not know of it.",
    409: "What was asked no longer fits what stands on the record, or the Idempotency-Key was used for another request.",
    412: "The draft has changed since you read it.",
    413: "The request is too large.",
    422: "Something must be put right; each thing names its field.",
    428: "The If-Match header is missing.",
    500: "A fault of ours.",
    503: "The database or the identity provider does not answer.",
}
_ALWAYS = (401, 500, 503)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer with, besides those that every route may."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _MEANING[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*statuses, *_ALWAYS})
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, servers=app.servers
        )
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        _forget_guesses(made)
        app.openapi_schema = made
    return app.openapi_schema


def _forget_guesses(made: dict[str, Any]) -> None:
    """Where only an id in the path can be wrong, the framework promises a 422 of its own. We answer 404."""
    for item in made["paths"].values():
        for operation in item.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)


def methods_at(app: FastAPI, path: str) -> list[str]:
    """Every method the address takes. The router knows only those of the first of its routes that has this path."""
    paths: dict[str, dict[str, Any]] = describe(app)["paths"]
    return sorted({method.upper() for known, item in paths.items() if compile_path(known)[0].match(path) for method in item})
