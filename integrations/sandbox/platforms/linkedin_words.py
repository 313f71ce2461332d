"""LinkedIn's words and shapes: its errors, little text as the public reads it, posts as the API gives them back."""

import re
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredPost
from integrations.sandbox.platforms.lies import Mode

OLDEST_VERSION = "202512"
_RESERVED = "\\|{}@[]()<>#*_~"
_HASHTAG = re.compile(r"#\w+")
_ESCAPES = str.maketrans({character: f"\\{character}" for character in _RESERVED})
_TOKENS = {
    None: ("INVALID_ACCESS_TOKEN", "Invalid access token"),
    Mode.TOKEN_EXPIRED: ("EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"),
    Mode.TOKEN_REVOKED: ("REVOKED_ACCESS_TOKEN", "The token used in the request has been revoked by the user"),
}


def error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"status": status, "code": code, "message": message}, status_code=status)


def public_text(commentary: str) -> str:
    """What the public reads of little text: cut off, without a word, at the first reserved character that is not escaped."""
    shown, position = "", 0
    while position < len(commentary):
        character = commentary[position]
        if character == "\\" and commentary[position + 1 : position + 2] in _RESERVED and position + 1 < len(commentary):
            shown += commentary[position + 1]
            position += 2
        elif hashtag := _HASHTAG.match(commentary, position):
            shown += hashtag.group()
            position = hashtag.end()
        elif character in _RESERVED:
            break
        else:
            shown += character
            position += 1
    return shown


def refusal(request: Request, house: House, about: str = "") -> Response | None:
    """What every call must have: a token that still works, a version in service, and the protocol's own version."""
    if house.caller(request, about) is None:
        return error(401, *_TOKENS[house.token_problem(request)])
    version = request.headers.get("linkedin-version", "")
    if not re.fullmatch(r"\d{6}", version):
        return error(
            400,
            "VERSION_MISSING",
            "A version must be present. Please specify a version by adding the LinkedIn-Version header.",
        )
    if version < OLDEST_VERSION:
        return error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
    if request.headers.get("x-restli-protocol-version") != "2.0.0":
        return error(400, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version must be 2.0.0")
    return None


def owner(account: SandboxAccount) -> str:
    return f"urn:li:organization:{account.account_id}"


def organisation_of(urn: str) -> str:
    return urn.rpartition(":")[2]


def full(post: StoredPost) -> dict[str, Any]:
    images = [{"id": image.media_id, "altText": image.alt} for image in post.images]
    full: dict[str, Any] = {
        "id": post.post_id,
        "author": f"urn:li:organization:{post.account}",
        "commentary": post.shown.translate(_ESCAPES),
        "visibility": "PUBLIC",
        "lifecycleState": "PUBLISHED",
        "createdAt": int(post.received_at.timestamp() * 1000),
        "publishedAt": int(post.received_at.timestamp() * 1000),
        "lastModifiedAt": int(post.received_at.timestamp() * 1000),
        "lifecycleStateInfo": {"isEditedByAuthor": post.edited_text is not None},
    }
    if post.target_id:
        full["reshareContext"] = {"parent": post.target_id, "root": post.target_id}
    if images:
        full["content"] = {"media": images[0]} if len(images) == 1 else {"multiImage": {"images": images}}
    return full
