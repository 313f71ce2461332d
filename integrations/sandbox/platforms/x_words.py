"""X's words and shapes: its problems, and the text as it gives it back."""

import hashlib
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import Field

from integrations.platforms.x_text import find_urls
from integrations.sandbox.platforms.house import House
from integrations.sandbox.platforms.ledger import StoredPost

Digits = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]

_FIELDS = ("post.fields", "expansions", "user.fields", "media.fields", "poll.fields", "place.fields")
_REFERENCES = {"reply": "replied_to", "quote": "quoted", "repost": "retweeted"}
_NOTHING_COUNTED = dict.fromkeys(
    ("repost_count", "reply_count", "like_count", "quote_count", "bookmark_count", "impression_count"), 0
)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def problem(status: int, title: str, detail: str, kind: str = "about:blank") -> JSONResponse:
    body = {"title": title, "detail": detail, "type": kind, "status": status}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def invalid(detail: str) -> JSONResponse:
    return problem(400, "Invalid Request", detail, "https://api.x.com/2/problems/invalid-request")


def unknown_parameter(request: Request, known: tuple[str, ...]) -> JSONResponse | None:
    """X refuses query parameters that it does not have."""
    unknown = sorted(set(request.query_params) - {*_FIELDS, *known})
    return invalid(f"The query parameter [{unknown[0]}] is not one of [{','.join([*_FIELDS, *known])}]") if unknown else None


def not_found(resource: str, value: str) -> dict[str, Any]:
    return {
        "value": value,
        "detail": f"Could not find {resource} with id: [{value}].",
        "title": "Not Found Error",
        "resource_type": resource,
        "parameter": "id",
        "resource_id": value,
        "type": "https://api.x.com/2/problems/resource-not-found",
    }


def foreign(post_id: str) -> JSONResponse:
    """Somebody else's post may not be removed."""
    return problem(403, "Forbidden", f"You are not authorized to delete this Tweet: {post_id}")


def unauthorised() -> JSONResponse:
    return problem(401, "Unauthorized", "Unauthorized")


def brief(post: StoredPost) -> dict[str, Any]:
    return {"id": post.post_id, "text": post.shown.translate(_ESCAPES), "edit_history_post_ids": [post.post_id]}


def shorten(post: StoredPost, handle: str) -> tuple[str, list[dict[str, Any]]]:
    """The text as X gives it: every link through t.co, `&<>` escaped, and a link to what is quoted or shown at the end."""
    pieces: list[str] = []
    urls: list[dict[str, Any]] = []
    position = 0
    targets = [(start, end, post.shown[start:end]) for start, end in find_urls(post.shown)]
    for place, (start, end, url) in enumerate(targets):
        short = _short(f"{post.post_id}/{place}")
        pieces += [post.shown[position:start].translate(_ESCAPES), short]
        whole = url if "://" in url else f"http://{url}"
        urls.append({"url": short, "expanded_url": whole, "display_url": url.partition("://")[2] or url})
        position = end
    text = "".join([*pieces, post.shown[position:].translate(_ESCAPES)])
    if post.target_kind == "quote":
        urls.append({"url": _short(f"{post.post_id}/quoted"), "expanded_url": f"https://twitter.com/i/status/{post.target_id}"})
        text += f" {urls[-1]['url']}"
    if post.images:
        short = _short(post.post_id)
        text += f" {short}"
        for image in post.images:
            target = f"https://x.com/{handle}/status/{post.post_id}/photo/1"
            urls.append({"url": short, "expanded_url": target, "media_key": f"3_{image.media_id}"})
    for entity in urls:
        entity["start"] = text.find(entity["url"])
        entity["end"] = entity["start"] + len(entity["url"])
    return text, urls


def _short(name: str) -> str:
    return "https://t.co/" + hashlib.sha256(name.encode()).hexdigest()[:10]


def full(posts: list[StoredPost], request: Request, house: House) -> dict[str, Any]:
    """Posts with the fields and expansions that were asked for."""
    asked = set(request.query_params.get("post.fields", "").split(","))
    expanded = set(request.query_params.get("expansions", "").split(","))
    answer: dict[str, Any] = {"data": [_item(post, asked, expanded, house) for post in posts]}
    media = [
        {"media_key": f"3_{image.media_id}", "type": "photo", "alt_text": image.alt} for post in posts for image in post.images
    ]
    includes: dict[str, Any] = {}
    if "attachments.media_keys" in expanded and media:
        includes["media"] = media
    if "author_id" in expanded:
        includes["users"] = [_user(account_id, house) for account_id in sorted({post.account for post in posts})]
    return answer | ({"includes": includes} if includes else {})


def _item(post: StoredPost, asked: set[str], expanded: set[str], house: House) -> dict[str, Any]:
    account = house.account(post.account)
    text, urls = shorten(post, account.handle if account else "")
    item: dict[str, Any] = {"id": post.post_id, "text": text, "edit_history_post_ids": [post.post_id]}
    if "created_at" in asked:
        item["created_at"] = post.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if "entities" in asked and urls:
        item["entities"] = {"urls": urls}
    if "attachments" in asked and post.images:
        item["attachments"] = {"media_keys": [f"3_{image.media_id}" for image in post.images]}
    if "public_metrics" in asked:
        item["public_metrics"] = _NOTHING_COUNTED
    if "author_id" in expanded:
        item["author_id"] = post.account
    if "referenced_posts" in expanded and post.target_kind:
        item["referenced_posts"] = [{"type": _REFERENCES[post.target_kind], "id": post.target_id}]
    return item


def _user(account_id: str, house: House) -> dict[str, Any]:
    account = house.account(account_id)
    handle, name = (account.handle, account.name) if account else (f"somebody{account_id}", "Somebody")
    return {"id": account_id, "username": handle, "name": name}
