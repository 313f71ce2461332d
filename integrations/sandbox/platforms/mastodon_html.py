"""Statuses as a Mastodon server gives them: the text as its HTML, made as its TextFormatter makes it, and the JSON around."""

import re
from html import escape
from typing import Any

from integrations.platforms.x_text import find_urls
from integrations.sandbox.platforms.house import SandboxAccount
from integrations.sandbox.platforms.ledger import StoredPost

_PREFIX = re.compile(r"https?://(?:www\.)?")
_HASHTAG = re.compile(r"(?<![\w/&])#(\w*[^\W\d]\w*)")
_BREAK = re.compile(r"([^\n]\n)(?=[^\n])")
_PARAGRAPHS = re.compile(r"\n\n+")


def as_html(text: str, site: str) -> str:
    """Links and hashtags marked, then Rails' simple_format: empty lines part paragraphs, other newlines are breaks."""
    pieces, position = [], 0
    for start, end in find_urls(text):
        address = text[start:end]
        if address.lower().startswith(("http://", "https://")):
            pieces += [_tagged(text[position:start], site), _link(address)]
            position = end
    marked = "".join([*pieces, _tagged(text[position:], site)])
    paragraphs = [_BREAK.sub(r"\1<br />", part).replace("\n", "") for part in _PARAGRAPHS.split(marked)]
    return "".join(f"<p>{part}</p>" for part in paragraphs)


def _tagged(text: str, site: str) -> str:
    pieces, position = [], 0
    for match in _HASHTAG.finditer(text):
        tag = escape(match[1])
        pieces += [
            escape(text[position : match.start()]),
            f'<a href="{site}tags/{tag}" class="mention hashtag" rel="tag">#<span>{tag}</span></a>',
        ]
        position = match.end()
    return "".join([*pieces, escape(text[position:])])


def _link(address: str) -> str:
    match = _PREFIX.match(address)
    prefix = match.group() if match else ""
    shown, hidden = address[len(prefix) : len(prefix) + 30], address[len(prefix) + 30 :]
    return (
        f'<a href="{escape(address)}" target="_blank" rel="nofollow noopener noreferrer" translate="no">'
        f'<span class="invisible">{escape(prefix)}</span><span class="{"ellipsis" if hidden else ""}">{escape(shown)}</span>'
        f'<span class="invisible">{escape(hidden)}</span></a>'
    )


def account_json(account: SandboxAccount, site: str) -> dict[str, Any]:
    return {
        "id": account.account_id,
        "username": account.handle,
        "acct": account.handle,
        "display_name": account.name,
        "url": f"{site}@{account.handle}",
        "created_at": "2020-01-01T00:00:00.000Z",
    }


def media_json(media_id: str, alt: str, address: str | None) -> dict[str, Any]:
    return {"id": media_id, "type": "image", "url": address, "preview_url": address, "description": alt or None}


def status_json(post: StoredPost, account: SandboxAccount, site: str, reblogged: dict[str, Any] | None) -> dict[str, Any]:
    reply = post.target_id if post.target_kind == "reply" else None
    return {
        "id": post.post_id,
        "created_at": post.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "edited_at": None,
        "in_reply_to_id": reply,
        "visibility": "public",
        "sensitive": False,
        "spoiler_text": "",
        "language": "en",
        "uri": f"{site}users/{account.handle}/statuses/{post.post_id}",
        "url": f"{site}@{account.handle}/{post.post_id}",
        "content": "" if reblogged else as_html(post.shown, site),
        "account": account_json(account, site),
        "media_attachments": [
            media_json(image.media_id, image.alt, f"{site}_ledger/media/{image.sha256}") for image in post.images
        ],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "reblog": reblogged,
        "poll": None,
        "card": None,
    }
