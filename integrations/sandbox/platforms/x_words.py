"""X's words and shapes: its problems, and the text as it gives it back."""

import hashlib
from typing import Any

from fastapi.responses import JSONResponse

from integrations.platforms.x_text import find_urls
from integrations.sandbox.platforms.ledger import StoredPost

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def problem(status: int, title: str, detail: str, kind: str = "about:blank") -> JSONResponse:
    body = {"title": title, "detail": detail, "type": kind, "status": status}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def invalid(detail: str) -> JSONResponse:
    return problem(400, "Invalid Request", detail, "https://api.x.com/2/problems/invalid-request")


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


def unauthorised() -> JSONResponse:
    return problem(401, "Unauthorized", "Unauthorized")


def brief(post: StoredPost) -> dict[str, Any]:
    return {"id": post.post_id, "text": post.text.translate(_ESCAPES), "edit_history_tweet_ids": [post.post_id]}


def shorten(post: StoredPost, handle: str) -> tuple[str, list[dict[str, Any]]]:
    """The text as X gives it: every link through t.co, `&<>` escaped, and a link to the images at the end."""
    pieces: list[str] = []
    urls: list[dict[str, Any]] = []
    position = 0
    targets = [(start, end, post.text[start:end]) for start, end in find_urls(post.text)]
    for place, (start, end, url) in enumerate(targets):
        short = "https://t.co/" + hashlib.sha256(f"{post.post_id}/{place}".encode()).hexdigest()[:10]
        pieces += [post.text[position:start].translate(_ESCAPES), short]
        whole = url if "://" in url else f"http://{url}"
        urls.append({"url": short, "expanded_url": whole, "display_url": url.partition("://")[2] or url})
        position = end
    text = "".join([*pieces, post.text[position:].translate(_ESCAPES)])
    if post.images:
        short = "https://t.co/" + hashlib.sha256(post.post_id.encode()).hexdigest()[:10]
        text += f" {short}"
        for image in post.images:
            target = f"https://x.com/{handle}/status/{post.post_id}/photo/1"
            urls.append({"url": short, "expanded_url": target, "media_key": f"3_{image.media_id}"})
    for entity in urls:
        entity["start"] = text.find(entity["url"])
        entity["end"] = entity["start"] + len(entity["url"])
    return text, urls
