"""Facebook's words and shapes: Graph errors, posts with the fields that were asked for, and the usage headers."""

import json
import re
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import JSONResponse

from integrations.sandbox.platforms.house import Left
from integrations.sandbox.platforms.ledger import StoredPost
from integrations.sandbox.platforms.lies import Mode

_SUBCODES = {
    Mode.TOKEN_EXPIRED: (463, "Session has expired"),
    Mode.TOKEN_REVOKED: (458, "The user has not authorized application"),
}
_FIELDS = frozenset(
    {"id", "message", "created_time", "permalink_url", "attachments", "reactions", "comments", "shares", "is_published", "from"}
)


def error(
    code: int, message: str, *, subcode: int | None = None, status: int = 400, kind: str = "OAuthException"
) -> JSONResponse:
    body: dict[str, Any] = {"message": message, "type": kind, "code": code, "fbtrace_id": "sandbox"}
    if subcode is not None:
        body["error_subcode"] = subcode
    return JSONResponse({"error": body}, status_code=status)


def bad_token(problem: Mode | None) -> JSONResponse:
    """A token that Facebook never issued, or one that has ended since."""
    if problem in _SUBCODES:
        subcode, why = _SUBCODES[problem]
        return error(190, f"Error validating access token: {why}.", subcode=subcode)
    return error(190, "Invalid OAuth access token - Cannot parse access token", status=401)


def no_object(object_id: str, verb: str = "get") -> JSONResponse:
    message = (
        f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return error(100, message, subcode=33, kind="GraphMethodException")


def usage(page: str, left: Left, now_seconds: float, *, used_up: bool = False) -> dict[str, str]:
    """The header on every answer: hundredths of the Page's hour, and when access is back once they are gone."""
    percent = 100 if used_up else left.percent_used
    minutes = max(1, round((left.reset_at.timestamp() - now_seconds) / 60)) if percent >= 100 else 0
    figures = {"call_count": percent, "total_cputime": 1, "total_time": 1}
    entry = {"type": "pages", **figures, "estimated_time_to_regain_access": minutes}
    return {"x-business-use-case-usage": json.dumps({page: [entry]}), "x-app-usage": json.dumps({**figures, "call_count": 1})}


def asked_fields(request: Request, default: str) -> set[str] | JSONResponse:
    """The names of the fields that were asked for, without what stands in brackets after them."""
    flat = request.query_params.get("fields", default)
    while (shorter := re.sub(r"\{[^{}]*\}|\.\w+\([^()]*\)", "", flat)) != flat:
        flat = shorter
    names = {name.strip() for name in flat.split(",") if name.strip()}
    unknown = sorted(names - _FIELDS - {"alt_text_custom"})
    return error(100, f"(#100) Tried accessing nonexisting field ({unknown[0]})") if unknown else names | {"id"}


def full(post: StoredPost, base_url: str, fields: set[str]) -> dict[str, Any]:
    """The post, with the fields that were asked for and that it has."""
    everything: dict[str, Any] = {
        "id": post.post_id,
        "message": post.shown,
        "created_time": post.received_at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "permalink_url": f"{base_url}{post.post_id}",
        "is_published": True,
        "from": {"id": post.account},
        "reactions": {"data": [], "summary": {"total_count": 0}},
        "comments": {"data": [], "summary": {"total_count": 0}},
    }
    photos = [{"media_type": "photo", "target": {"id": image.media_id}} for image in post.images]
    if len(photos) == 1:
        everything["attachments"] = {"data": photos}
    elif photos:
        everything["attachments"] = {"data": [{"media_type": "album", "subattachments": {"data": photos}}]}
    elif post.link:
        shim = f"https://l.facebook.com/l.php?u={quote(post.link, safe='')}"
        everything["attachments"] = {"data": [{"media_type": "link", "url": shim, "unshimmed_url": post.link}]}
    return {name: value for name, value in everything.items() if name in fields}
