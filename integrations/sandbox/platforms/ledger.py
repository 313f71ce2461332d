"""What a sandbox platform accepted, byte for byte: a SQLite file, committed before the answer leaves, so a kill loses nothing."""

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS media (
    media_id TEXT PRIMARY KEY, account TEXT NOT NULL, sha256 TEXT REFERENCES blobs, mime TEXT NOT NULL,
    alt TEXT NOT NULL, ready_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY, post_id TEXT UNIQUE NOT NULL, account TEXT NOT NULL, text TEXT NOT NULL, link TEXT,
    content_type TEXT NOT NULL, wire BLOB NOT NULL, received_at TEXT NOT NULL, deleted_at TEXT, edited_text TEXT,
    target_kind TEXT, target_id TEXT, rogue INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS posts_by_account ON posts (account, received_at);
CREATE TABLE IF NOT EXISTS post_media (
    post_id TEXT REFERENCES posts (post_id), position INTEGER, media_id TEXT REFERENCES media, alt TEXT NOT NULL,
    PRIMARY KEY (post_id, position));
"""

_NEWER_COLUMNS = {
    "edited_text": "TEXT",
    "target_kind": "TEXT",
    "target_id": "TEXT",
    "rogue": "INTEGER NOT NULL DEFAULT 0",
}


@dataclass(frozen=True)
class StoredImage:
    """An image of a post: the platform's id for it, the SHA-256 of the bytes as received, kind and alt text."""

    media_id: str
    sha256: str
    mime: str
    alt: str


@dataclass(frozen=True)
class StoredMedia:
    """An upload. `sha256` is empty until its bytes came; `ready_at` (UTC) is when the platform is done working on it."""

    media_id: str
    account: str
    sha256: str
    mime: str
    alt: str
    ready_at: datetime


@dataclass(frozen=True)
class StoredPost:
    """An accepted post: `wire` is the request body exactly as it came, `text` what the public could read then.

    `edited_text` is what somebody at the platform made of it. `target_kind` (reply, quote, repost) and `target_id` name the
    post it refers to. `rogue`: nobody sent it through the API.
    """

    post_id: str
    account: str
    text: str
    link: str | None
    content_type: str
    wire: bytes = field(repr=False)
    received_at: datetime
    images: tuple[StoredImage, ...] = ()
    deleted_at: datetime | None = None
    edited_text: str | None = None
    target_kind: str | None = None
    target_id: str | None = None
    rogue: bool = False

    @property
    def shown(self) -> str:
        """The text that stands now."""
        return self.text if self.edited_text is None else self.edited_text


class Ledger:
    """One platform's ledger. Every method is one committed transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = Lock()
        # In WAL with NORMAL a killed process loses no commit; only a power cut could.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; " + _SCHEMA)
        self._add_columns()

    def _add_columns(self) -> None:
        """A ledger of an earlier demo lacks the newer columns."""
        there = {row[1] for row in self._connection.execute("PRAGMA table_info(posts)")}
        for column, kind in _NEWER_COLUMNS.items():
            if column not in there:
                self._connection.execute(f"ALTER TABLE posts ADD COLUMN {column} {kind}")

    def close(self) -> None:
        self._connection.close()

    def keep_media(self, media: StoredMedia, data: bytes | None = None) -> None:
        """Store or replace an upload, with its bytes if they are there."""
        sha256 = media.sha256 or None
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if data is not None:
                sha256 = hashlib.sha256(data).hexdigest()
                self._connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (sha256, data))
            self._connection.execute(
                "INSERT OR REPLACE INTO media VALUES (?, ?, ?, ?, ?, ?)",
                (media.media_id, media.account, sha256, media.mime, media.alt, media.ready_at.isoformat()),
            )

    def media(self, media_id: str, account: str) -> StoredMedia | None:
        row = self._one("SELECT * FROM media WHERE media_id = ? AND account = ?", media_id, account)
        if row is None:
            return None
        return StoredMedia(row[0], row[1], row[2] or "", row[3], row[4], datetime.fromisoformat(row[5]))

    def blob(self, sha256: str) -> tuple[bytes, str] | None:
        """Bytes and kind of an image by its SHA-256."""
        row = self._one("SELECT data, mime FROM blobs JOIN media USING (sha256) WHERE sha256 = ? LIMIT 1", sha256)
        return (bytes(row[0]), str(row[1])) if row else None

    def accept(self, post: StoredPost) -> None:
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT INTO posts (post_id, account, text, link, content_type, wire, received_at, target_kind, target_id, rogue)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    post.post_id,
                    post.account,
                    post.text,
                    post.link,
                    post.content_type,
                    post.wire,
                    post.received_at.isoformat(timespec="microseconds"),
                    post.target_kind,
                    post.target_id,
                    post.rogue,
                ),
            )
            self._connection.executemany(
                "INSERT INTO post_media VALUES (?, ?, ?, ?)",
                [(post.post_id, place, image.media_id, image.alt) for place, image in enumerate(post.images)],
            )

    def post(self, post_id: str) -> StoredPost | None:
        found = self._select("WHERE post_id = ?", post_id)
        return found[0] if found else None

    def posts(self, account: str | None = None, *, deleted: bool = True) -> list[StoredPost]:
        """Newest first."""
        where = "WHERE (? IS NULL OR account = ?)" + ("" if deleted else " AND deleted_at IS NULL")
        return self._select(where + " ORDER BY number DESC", account, account)

    def standing_twin(self, account: str, text: str) -> StoredPost | None:
        """A post of this account with this very text that still stands."""
        found = self._select("WHERE account = ? AND text = ? AND deleted_at IS NULL LIMIT 1", account, text)
        return found[0] if found else None

    def sent_since(self, account: str, since: datetime) -> tuple[int, datetime | None]:
        """How many posts came through the API since then, and when the first of them did."""
        row = self._one(
            "SELECT count(*), min(received_at) FROM posts WHERE account = ? AND received_at > ? AND NOT rogue",
            account,
            since.isoformat(timespec="microseconds"),
        )
        count, first = row or (0, None)
        return int(count), datetime.fromisoformat(first).astimezone(UTC) if first else None

    def edit(self, post_id: str, text: str) -> None:
        """The post shows another text; the ledger remembers what was accepted."""
        with self._lock:
            self._connection.execute("UPDATE posts SET edited_text = ? WHERE post_id = ?", (text, post_id))

    def delete(self, post_id: str, at: datetime) -> None:
        """The post stands no more; the ledger remembers it."""
        with self._lock:
            self._connection.execute("UPDATE posts SET deleted_at = ? WHERE post_id = ?", (at.isoformat(), post_id))

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        return row

    def _select(self, where: str, *values: object) -> list[StoredPost]:
        known = "post_id, account, text, link, content_type, wire, received_at, deleted_at"
        columns = f"{known}, edited_text, target_kind, target_id, rogue"
        images = "SELECT media_id, sha256, mime, post_media.alt FROM post_media JOIN media USING (media_id)"
        with self._lock:
            rows = self._connection.execute(f"SELECT {columns} FROM posts {where}", values).fetchall()  # noqa: S608 - constants
            query = f"{images} WHERE post_id = ? ORDER BY position"
            return [self._as_post(row, self._connection.execute(query, row[:1])) for row in rows]

    @staticmethod
    def _as_post(row: tuple[Any, ...], images: Iterable[tuple[Any, ...]]) -> StoredPost:
        post_id, account, text, link, content_type, wire, received_at, deleted_at, edited_text, kind, target_id, rogue = row
        return StoredPost(
            post_id=post_id,
            account=account,
            text=text,
            link=link,
            content_type=content_type,
            wire=wire,
            received_at=datetime.fromisoformat(received_at).astimezone(UTC),
            images=tuple(StoredImage(*image) for image in images),
            deleted_at=datetime.fromisoformat(deleted_at) if deleted_at else None,
            edited_text=edited_text,
            target_kind=kind,
            target_id=target_id,
            rogue=bool(rogue),
        )
