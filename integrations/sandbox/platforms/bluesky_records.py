"""The sandbox's repositories: which record stands under which address, and what a write does to it."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from integrations.sandbox.platforms.bluesky_lexicons import Write
from integrations.sandbox.platforms.dag_cbor import record_cid
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredImage, StoredPost

POST = "app.bsky.feed.post"
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"


class SwapRefused(Exception):
    """What stands there is not what the writer expected."""


def new_rkey(now: datetime) -> str:
    """A TID, as a PDS makes one for a record without a key."""
    number = int(now.timestamp() * 1_000_000) << 10 | secrets.randbelow(1024)
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in reversed(range(13)))


def split_uri(uri: str) -> tuple[str, str, str]:
    """Repository, collection and key; the number of a later life is left out."""
    repo, collection, rkey = uri.removeprefix("at://").split("/", 2)
    return repo, collection, rkey.partition("#")[0]


class Records:
    """One address may have several lives: a deleted record may be written again. The ledger counts each as a post accepted,
    and names the later ones `…#2` and so on."""

    def __init__(self, house: House) -> None:
        self.house = house

    def owner(self, repo: str) -> SandboxAccount | None:
        return next((account for account in self.house.accounts if repo in (account.account_id, account.handle)), None)

    def _lives(self, uri: str) -> list[StoredPost]:
        lives: list[StoredPost] = []
        while post := self.house.ledger.post(_life(uri, len(lives) + 1)):
            lives.append(post)
        return lives

    def standing(self, uri: str) -> StoredPost | None:
        lives = self._lives(uri)
        return lives[-1] if lives and lives[-1].deleted_at is None else None

    def write(
        self,
        request: Request,
        account: SandboxAccount,
        body: bytes,
        asked: Write,
        *,
        images: tuple[StoredImage, ...],
        target: tuple[str, str] | None,
        only_new: bool,
        truncated: bool,
    ) -> StoredPost:
        """Put the record where it is asked for. Raises SwapRefused or, for `only_new`, FileExistsError."""
        uri = f"at://{account.account_id}/{asked.collection}/{asked.rkey}"
        standing = self.standing(uri)
        cid = self.row(standing)["cid"] if standing else None
        if standing and only_new:
            raise FileExistsError(uri)
        if standing and cid == record_cid(asked.record):
            return standing  # A write that changes nothing is none, whatever it expected to find.
        if "swapRecord" in asked.model_fields_set and asked.swapRecord != cid:
            raise SwapRefused(f"Record was at {cid}")
        if standing:
            self.house.ledger.delete(standing.post_id, self.house.clock())
        text = str(asked.record.get("text", ""))
        text = text[: len(text) // 2] if truncated else text
        post_id = _life(uri, len(self._lives(uri)) + 1)
        return self.house.take(request, account, body, post_id=post_id, text=text, images=images, target=target)

    def delete(self, uri: str) -> None:
        standing = self.standing(uri)
        if standing:
            self.house.ledger.delete(standing.post_id, self.house.clock())

    def row(self, post: StoredPost) -> dict[str, Any]:
        """As getRecord gives it."""
        record = _record(post)
        return {"uri": post.post_id.partition("#")[0], "cid": record_cid(record), "value": record}

    def listed(self, account: SandboxAccount, collection: str) -> list[dict[str, Any]]:
        """The collection's records, the highest keys first."""
        posts = [post for post in self.house.listed(account.account_id) if split_uri(post.post_id)[1] == collection]
        return sorted((self.row(post) for post in posts), key=lambda row: split_uri(row["uri"])[2], reverse=True)


def _life(uri: str, number: int) -> str:
    return uri if number == 1 else f"{uri}#{number}"


def _record(post: StoredPost) -> dict[str, Any]:
    if post.wire:
        record: dict[str, Any] = dict(json.loads(post.wire)["record"])
        return {**record, "text": post.shown} if "text" in record else record
    created = post.received_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record = {"$type": POST, "text": post.shown, "createdAt": created}
    if post.link:
        record["embed"] = {
            "$type": "app.bsky.embed.external",
            "external": {"uri": post.link, "title": post.link, "description": ""},
        }
    return record
