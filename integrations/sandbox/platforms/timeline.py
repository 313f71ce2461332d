"""What the sandbox accepted, for people (a timeline with images) and for programs (`/_ledger`)."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from integrations.sandbox.platforms.house import House
from integrations.sandbox.platforms.ledger import StoredPost

LABELS = {"x": "X", "facebook": "Facebook Pages", "linkedin": "LinkedIn", "bluesky": "Bluesky", "mastodon": "Mastodon"}
_FOLDER = Path(__file__).parent
_LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]'\"]")
_SHOWN_AS_IMAGE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_CSP = "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def router(house: House) -> APIRouter:
    """`GET /` and one page per post where the platform has it; `GET /_ledger`, its images and its exact request bodies."""
    routes = APIRouter()
    _add_ledger(routes, house)
    _add_pages(routes, house)
    return routes


def _add_ledger(routes: APIRouter, house: House) -> None:
    @routes.get("/_ledger")
    async def ledger(account: str | None = None) -> dict[str, Any]:
        return {"platform": house.platform, "posts": [_row(post) for post in house.ledger.posts(account)]}

    @routes.get("/_ledger/media/{sha256}")
    async def media(sha256: str) -> Response:
        blob = house.ledger.blob(sha256)
        if blob is None:
            raise HTTPException(404)
        kind = blob[1] if blob[1] in _SHOWN_AS_IMAGE else "application/octet-stream"
        return Response(blob[0], media_type=kind, headers={"X-Content-Type-Options": "nosniff"})

    @routes.get("/_ledger/wire/{post_id}")
    async def wire(post_id: str) -> Response:
        post = house.ledger.post(post_id)
        if post is None:
            raise HTTPException(404)
        return Response(post.wire, media_type="application/octet-stream")


def _add_pages(routes: APIRouter, house: House) -> None:
    pages = _Pages(house)

    @routes.get("/", response_class=HTMLResponse)
    async def everything(account: str | None = None) -> HTMLResponse:
        return pages.show(house.ledger.posts(account)[:200], account)

    @routes.get("/_style.css")
    async def style() -> Response:
        return Response((_FOLDER / "timeline.css").read_text("utf-8"), media_type="text/css")

    @routes.get("/{handle}/status/{post_id}", response_class=HTMLResponse)
    @routes.get("/feed/update/{post_id}/", response_class=HTMLResponse)
    @routes.get("/_post/{post_id:path}", response_class=HTMLResponse)
    @routes.get("/{post_id}", response_class=HTMLResponse)
    async def one(post_id: str) -> HTMLResponse:
        post = house.standing(post_id)
        if post is None:
            raise HTTPException(404)
        return pages.show([post], None)


class _Pages:
    def __init__(self, house: House) -> None:
        self.house = house
        environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters |= {"linked": _linked, "stamp": _stamp}
        self.template = environment.get_template("timeline.html")

    def show(self, posts: list[StoredPost], account_id: str | None) -> HTMLResponse:
        page = self.template.render(
            platform=self.house.platform,
            label=LABELS.get(self.house.platform, self.house.platform),
            accounts={account.account_id: account for account in self.house.accounts},
            chosen=account_id,
            posts=posts,
        )
        return HTMLResponse(page, headers={"Content-Security-Policy": _CSP, "Cache-Control": "no-store"})


def _row(post: StoredPost) -> dict[str, Any]:
    return {
        "post_id": post.post_id,
        "account": post.account,
        "text": post.text,
        "link": post.link,
        "received_at": post.received_at.isoformat(timespec="microseconds"),
        "edited_text": post.edited_text,
        "target_kind": post.target_kind,
        "target_id": post.target_id,
        "rogue": post.rogue,
        "deleted_at": post.deleted_at.isoformat(timespec="microseconds") if post.deleted_at else None,
        "content_type": post.content_type,
        "wire": post.wire.decode("utf-8", "backslashreplace"),
        "images": [
            {"media_id": image.media_id, "sha256": image.sha256, "mime": image.mime, "alt": image.alt} for image in post.images
        ],
    }


def _linked(text: str) -> Markup:
    """The text with its web addresses as links, everything else escaped."""
    pieces, position = [], 0
    for match in _LINK.finditer(text):
        address = escape(match.group())
        pieces += [escape(text[position : match.start()]), Markup('<a href="{0}" rel="nofollow">{0}</a>').format(address)]
        position = match.end()
    return Markup("").join([*pieces, escape(text[position:])])


def _stamp(instant: datetime) -> str:
    return instant.strftime("%-d %B %Y, %H:%M:%S.%f UTC")
