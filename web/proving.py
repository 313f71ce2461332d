"""Acts that need a fresh sign-in: what was typed is kept while the person proves again who they are."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from web.session import stash, unstash
from web.sign_in import to_step_up


def prove_again(request: Request, here: str, typed: Mapping[str, Any] | None = None) -> Response:
    """To the sign-in and back to the page at `here`, which shows again what was typed."""
    if typed:
        stash(request, here, typed)
    return to_step_up(here)


def typed_before(request: Request, here: str) -> dict[str, Any]:
    """What was typed on this page before the sign-in, once."""
    return unstash(request, here) or {}
