"""Every refusal of the API as a problem (RFC 9457): one renderer, and the only place that knows status numbers."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.responses import Response

from core.domain.identity import ProviderUnreachable, TokenRefused
from core.domain.refusals import BadInput, Conflict, NotAllowed, NotFound, Refusal, Several, StepUpNeeded, TooLarge

MEDIA_TYPE = "application/problem+json"


class PreconditionMissing(Refusal):
    """A write to a draft that does not say which state of it was seen (RFC 6585 §3)."""

    code = "precondition_missing"
    sentence = "Send the ETag of the draft you read in the header If-Match, so that nobody's change is overwritten unseen."


class PreconditionFailed(Refusal):
    """The draft is no longer as the caller saw it (RFC 9110 §13.1.1)."""

    code = "precondition_failed"
    sentence = "This draft has changed since you read it, so nothing was saved. Read it again and repeat your change."


class BodyTooLarge(TooLarge):
    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is larger than {limit:,} bytes, so it was not read. Make it smaller.")


class Fault(BaseModel):
    """One thing to put right: `field` is the place in the request, dotted, such as `images.0.alt`."""

    code: str
    detail: str
    field: str | None = None
    paragraph: int | None = None


class Problem(BaseModel):
    """A refusal (RFC 9457). `code` is for programs, `detail` for people, `paragraph` that of the Standards where it is policy."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    paragraph: int | None = None
    field: str | None = None
    errors: list[Fault] | None = None
    instance: str


# By family, the narrower first.
_STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (PreconditionMissing, 428),
    (PreconditionFailed, 412),
    (TokenRefused, 401),
    (ProviderUnreachable, 503),
    (NotFound, 404),
    (NotAllowed, 403),
    (Conflict, 409),
    (TooLarge, 413),
    (BadInput, 422),
)


def status_of(refusal: Refusal) -> int:
    return next((status for family, status in _STATUS if isinstance(refusal, family)), 400)


def refused(connection: HTTPConnection, refusal: Refusal) -> Response:
    """The answer to a refusal of the domain or of a use-case."""
    several = refusal.refusals if isinstance(refusal, Several) else []
    return problem(
        connection,
        status=status_of(refusal),
        code=refusal.code,
        detail=str(refusal),
        paragraph=refusal.paragraph,
        field=place_of(refusal.field),
        errors=[Fault(code=r.code, detail=str(r), field=place_of(r.field), paragraph=r.paragraph) for r in several],
        headers=_headers_of(refusal),
    )


def problem(
    connection: HTTPConnection,
    *,
    status: int,
    code: str,
    detail: str,
    paragraph: int | None = None,
    field: str | None = None,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The one renderer. What does not apply is left out."""
    request = str(connection.scope.get("state", {}).get("request_id", ""))
    said = Problem(
        type=f"urn:countersign:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        paragraph=paragraph,
        field=field,
        errors=list(errors) or None,
        instance=f"urn:countersign:request:{request}",
    )
    body = said.model_dump_json(exclude_none=True)
    return Response(body, status, media_type=MEDIA_TYPE, headers={**(headers or {}), "X-Request-Id": request})


def code_of(status: int) -> str:
    """A code for refusals that have nothing but their status number."""
    return re.sub(r"\W+", "_", HTTPStatus(status).phrase.lower()) if status in HTTPStatus._value2member_map_ else "refused"


def place_of(field: str | None) -> str | None:
    """The field of a use-case's refusal as a place in the request: `alt-1` is `images.0.alt`, `text-x` is `overrides.x`."""
    if field is None:
        return None
    kind, _, rest = field.partition("-")
    if kind == "alt" and rest.isdigit():
        return f"images.{int(rest) - 1}.alt"
    if kind == "text" and rest:
        return f"overrides.{rest}"
    return {"prompts": "confirmed", "target_kind": "kind", "target_address": "address"}.get(field, field)


def _headers_of(refusal: Refusal) -> dict[str, str]:
    if isinstance(refusal, TokenRefused):
        return {"WWW-Authenticate": refusal.challenge}
    if isinstance(refusal, StepUpNeeded):
        # RFC 9470 §3 names the reason and the age asked for; the answer stays 403, as for every other "you may not".
        return {"WWW-Authenticate": 'Bearer realm="countersign", error="insufficient_user_authentication", max_age=900'}
    if isinstance(refusal, ProviderUnreachable):
        return {"Retry-After": "10"}
    return {}
