"""What Facebook gives back: posts with their attachments, what is counted of them, and how much of its limits is used."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.outcome import Quota, ReadBack, SeenPost
from integrations.platforms.values import ReadFailed
from integrations.platforms.wire import Answer, rows

POST_FIELDS = (
    "id,message,created_time,permalink_url,"
    "attachments{media_type,target{id},url,unshimmed_url,subattachments{media_type,target{id}}},"
    "reactions.limit(0).summary(total_count),comments.limit(0).summary(total_count),shares"
)
PHOTOS_AT_ONCE = 50
"""How many objects one Graph call reads by `ids`."""

_WINDOW = timedelta(hours=1)
_MOST_MINUTES = 10_000


def quota_from(answer: Answer, now: datetime) -> Quota | None:
    """How many hundredths of the Page's hour are left: the most used figure of `X-Business-Use-Case-Usage` counts.

    Facebook names percentages, never a number of posts, and the time to regain access only once there is nothing left.
    """
    entries = _usage(answer, "x-business-use-case-usage")
    if not entries:
        return None
    minutes = max(_number(entry.get("estimated_time_to_regain_access")) for entry in entries)
    used = max(_number(entry.get(figure)) for entry in entries for figure in ("call_count", "total_cputime", "total_time"))
    remaining = 0 if minutes else max(0, 100 - used)
    return Quota("hundredths of the Page's hour", remaining, now + (timedelta(minutes=minutes) if minutes else _WINDOW))


def app_used_up(answer: Answer) -> bool:
    """Whether `X-App-Usage` says that the app's own limit is reached."""
    entries = _usage(answer, "x-app-usage")
    return any(_number(entry.get(figure)) >= 100 for entry in entries for figure in ("call_count", "total_cputime", "total_time"))


def _usage(answer: Answer, header: str) -> list[dict[str, Any]]:
    try:
        usage = json.loads(answer.headers.get(header, ""))
    except ValueError:
        return []
    if not isinstance(usage, dict):
        return []
    return [usage] if header == "x-app-usage" else [entry for group in usage.values() for entry in rows(group)]


def _number(value: Any) -> int:
    """A figure of a header; nonsense counts as nothing."""
    return min(int(value), _MOST_MINUTES) if isinstance(value, int | float) and value > 0 else 0


def photo_ids(post: Mapping[str, Any]) -> list[str]:
    """The photos that a post shows, in order."""
    return [str(part["target"]["id"]) for part in _shown(post) if part.get("media_type") == "photo" and part.get("target")]


def _shown(post: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for attachment in rows(_inner(post.get("attachments"), "data")):
        shown += rows(_inner(attachment.get("subattachments"), "data")) or [attachment]
    return shown


def _inner(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def read_post(post: Mapping[str, Any], alts: Mapping[str, str]) -> ReadBack:
    """A post as it stands; `alts` holds the alt text of each photo by its id."""
    links = [part.get("unshimmed_url") or part.get("url") for part in _shown(post) if part.get("media_type") == "link"]
    counted = {
        "reactions": _inner(_inner(post.get("reactions"), "summary"), "total_count"),
        "comments": _inner(_inner(post.get("comments"), "summary"), "total_count"),
        "shares": _inner(post.get("shares"), "count"),
    }
    return ReadBack(
        found=True,
        text=str(post.get("message") or ""),
        link=next((str(link) for link in links if link), None),
        alts=tuple(alts.get(photo, "") for photo in photo_ids(post)),
        permalink=_web_address(post.get("permalink_url")),
        metrics=tuple((name, number) for name, number in counted.items() if isinstance(number, int)),
    )


def seen(post: Mapping[str, Any], alts: Mapping[str, str]) -> SeenPost:
    """A post of a listing. Raises ReadFailed where it has no time."""
    try:
        at = datetime.strptime(str(post.get("created_time")), "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except ValueError as odd:
        raise ReadFailed(f"Facebook gave no time for the post {post.get('id')}.") from odd
    return SeenPost(str(post.get("id")), at, read_post(post, alts))


def _web_address(named: Any) -> str | None:
    """People are given this as a link: nothing but a web address may become one."""
    return named if isinstance(named, str) and named.startswith(("https://", "http://")) else None
