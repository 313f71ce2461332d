"""What X gives back: posts with their rewriting undone, what they refer to and count, the limits in its headers, addresses."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from core.domain.outcome import Quota, ReadBack, SeenPost
from integrations.platforms.values import ReadFailed
from integrations.platforms.wire import Answer, rows
from integrations.platforms.x_text import public_text

READ_FIELDS = {
    "post.fields": "attachments,created_at,entities,public_metrics,text",
    "expansions": "attachments.media_keys,author_id,referenced_posts",
    "media.fields": "alt_text,media_key,type",
    "user.fields": "username",
}
LIMITS = (
    ("15 minutes", "x-rate-limit"),
    ("the account's day", "x-user-limit-24hour"),
    ("the app's day", "x-app-limit-24hour"),
)
"""Each limit that X counts, and how its three headers begin."""

_METRICS = (
    ("likes", "like_count"),
    ("replies", "reply_count"),
    ("reposts", "repost_count"),
    ("quotes", "quote_count"),
    ("bookmarks", "bookmark_count"),
    ("views", "impression_count"),
)
_ADDRESS = re.compile(r"https?://([^/?#]+)/(?:[A-Za-z0-9_]{1,30}|i/web)/status/([0-9]{1,19})(?:[/?#].*)?")
_HOSTS = frozenset({"x.com", "www.x.com", "mobile.x.com", "twitter.com", "www.twitter.com", "mobile.twitter.com"})
_STATUS_AT_THE_END = re.compile(r"\s*https?://(?:www\.)?(?:x|twitter)\.com/[^/\s]+/status/([0-9]{1,19})\S*$")


def limit_from(answer: Answer, bucket: str, header: str) -> Quota | None:
    """One limit as the headers name it, if they do."""
    remaining, reset = answer.headers.get(f"{header}-remaining", ""), answer.headers.get(f"{header}-reset", "")
    if not (remaining.isdecimal() and reset.isdecimal() and len(reset) < 12 and len(remaining) < 10):
        return None
    return Quota(f"posts in {bucket}", int(remaining), datetime.fromtimestamp(int(reset), UTC))


def seen_posts(answer: Answer, permalink: Callable[[str], str]) -> list[SeenPost]:
    """The posts of an answer, in its order. Raises ReadFailed where one has no time."""
    data = answer.find("data")
    items = [data] if isinstance(data, dict) else rows(data)
    alts = {str(item.get("media_key")): str(item.get("alt_text", "")) for item in rows(answer.find("includes", "media"))}
    return [_seen(item, alts, permalink) for item in items]


def _seen(item: dict[str, Any], alts: dict[str, str], permalink: Callable[[str], str]) -> SeenPost:
    post_id = str(item.get("id", ""))
    attachments, entities, counted = (_object(item.get(key)) for key in ("attachments", "entities", "public_metrics"))
    keys = attachments.get("media_keys") or []
    content = ReadBack(
        found=True,
        text=public_text(str(item.get("text", "")), rows(entities.get("urls"))),
        alts=tuple(alts.get(str(key), "") for key in keys),
        permalink=permalink(post_id),
        target_id=next((str(other["id"]) for other in _referenced(item) if other.get("id")), None),
        metrics=tuple((name, counted[theirs]) for name, theirs in _METRICS if isinstance(counted.get(theirs), int)),
    )
    try:
        return SeenPost(post_id, datetime.fromisoformat(str(item.get("created_at"))).astimezone(UTC), content)
    except ValueError as odd:
        raise ReadFailed(f"X gave no time for the post {post_id}.") from odd


def _referenced(item: dict[str, Any]) -> list[dict[str, Any]]:
    """What the post refers to: what it replies to comes before what it quotes."""
    return sorted(rows(item.get("referenced_posts")), key=lambda other: other.get("type") != "replied_to")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def author_of(answer: Answer) -> str:
    """The handle of who wrote the one post of an answer, or nothing."""
    author_id = answer.find("data", "author_id")
    users = rows(answer.find("includes", "users"))
    return next((str(user.get("username", "")) for user in users if user.get("id") == author_id), "")


def post_id_at(address: str, public_url: str) -> str | None:
    """The id of the post at a public address of X (or of `public_url`, where this account's X is another)."""
    found = _ADDRESS.fullmatch(address.strip())
    own_host = public_url.partition("://")[2]
    return found.group(2) if found and (found.group(1).lower() in _HOSTS or found.group(1) == own_host) else None


def without_quoted_link(text: str, quoted_id: str) -> str:
    """The text without the link to the quoted post that X puts at its end."""
    found = _STATUS_AT_THE_END.search(text)
    return text[: found.start()] if found and found.group(1) == quoted_id else text
