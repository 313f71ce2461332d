"""What can go wrong before, around and beneath the use-cases, turned into problems."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.openapi import methods_at
from api.problems import Fault, code_of, problem, refused
from core.domain.refusals import NotFound, Refusal

log = structlog.get_logger(__name__)

# Silence is not a no: a connection can break after the commit and before its answer.
DATABASE_DOWN = (
    "The database did not answer, so this is not confirmed. Try again in a moment, with the same Idempotency-Key if any; "
    "if it lasts, tell your service desk."
)
OUR_FAULT = (
    "Something went wrong here and the request was not completed. If it happens again, give your service desk its instance."
)
NOT_JSON = "The body is not valid JSON."
UNREADABLE = "The body could not be read: check that it is what its Content-Type says."
WRONG_METHOD = "This address does not take that method. The Allow header names the ones it takes."
CORRECT_THESE = "Some fields must be put right. Each is named in errors."

_SENTENCES = {
    "missing": "Give a value for this field.",
    "extra_forbidden": "This field is not known here. Remove it, or check how it is spelt.",
    "model_attributes_type": "Send a JSON object, with Content-Type: application/json.",
    "uuid_parsing": "Give an id (UUID) as the service handed it out.",
    "string_unicode": "Send names and texts that are valid Unicode.",
}


def take_over_failures(app: FastAPI, unavailable: Sequence[type[Exception]]) -> None:
    """Make every failure of `app` a problem. `unavailable`: what is raised when the database cannot be reached (503)."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)
    for kind in unavailable:
        app.add_exception_handler(kind, _on_unavailable)


async def _on_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101 - registered for this type only
    return refused(request, refusal)


async def _on_invalid(request: Request, invalid: Exception) -> Response:
    assert isinstance(invalid, RequestValidationError)  # noqa: S101 - registered for this type only
    found = invalid.errors()
    if any(error["loc"][0] == "path" for error in found):
        # An id that cannot exist is an id that does not exist.
        return refused(request, NotFound())
    if any(error["type"] == "json_invalid" for error in found):
        return problem(request, status=400, code="malformed_json", detail=NOT_JSON)
    faults = [Fault(code=_code(error), detail=_sentence(error), field=_place(error)) for error in found]
    return problem(request, status=422, code="invalid_request", detail=CORRECT_THESE, errors=faults)


def _code(error: dict[str, Any]) -> str:
    return str(error["type"])


def _sentence(error: dict[str, Any]) -> str:
    message = _SENTENCES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return message if message.endswith((".", "!")) else f"{message}."


def _place(error: dict[str, Any]) -> str | None:
    """Shortened, for a name that was sent may be as long as the body."""
    return ".".join(str(part) for part in error["loc"][1:])[:200] or None


async def _on_http(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)  # noqa: S101 - registered for this type only
    if failure.status_code == 404:
        return refused(request, NotFound())
    headers = dict(failure.headers or {})
    if failure.status_code == 405:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        headers["Allow"] = ", ".join(methods_at(request.app, path)) or headers.get("Allow", "")
    sentence = {405: WRONG_METHOD, 400: UNREADABLE}.get(failure.status_code, str(failure.detail))
    return problem(
        request,
        status=failure.status_code,
        code=code_of(failure.status_code),
        detail=sentence,
        headers=headers,
    )


async def _on_unavailable(request: Request, failure: Exception) -> Response:
    log.warning("database_unavailable", reason=type(failure).__name__)
    return problem(request, status=503, code="database_unavailable", detail=DATABASE_DOWN, headers={"Retry-After": "5"})


async def _on_fault(request: Request, fault: Exception) -> Response:
    """The framework raises the fault again once this is sent, so that the server's log has its trace."""
    return problem(request, status=500, code="internal_error", detail=OUR_FAULT)
