"""What the judge reads: the rows as an administrator sees them, and the sandboxes' ledgers. Nothing from memory but what was
acknowledged to people."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from core.domain.manifest import renditions_in
from countersign.faults.field import Field
from countersign.faults.plan import PLATFORMS

TOKEN = re.compile(r"^F\d+-\d+")


@dataclass(frozen=True)
class Post:
    """One accepted post: `sent` is the text as the request had it, `shown` what the platform made of it."""

    platform: str
    post_id: str
    sent: str
    shown: str
    images: tuple[tuple[str, str], ...]
    received_at: datetime

    @property
    def token(self) -> str:
        found = TOKEN.match(self.shown) or TOKEN.match(self.sent)
        return found.group() if found else ""


@dataclass(frozen=True)
class Publication:
    """One publication with what it was authorised to be, every attempt's instant, and every state with its instant."""

    id: UUID
    draft_id: UUID
    platform: str
    token: str
    state: str
    text: str
    images: tuple[tuple[str, str], ...]
    attempts: tuple[datetime, ...]
    moves: tuple[tuple[str, datetime], ...]
    looked_up: tuple[datetime, ...] = ()
    due_later: bool = False
    """The platform named a time before which it takes nothing, and that is not over."""


@dataclass(frozen=True)
class Hold:
    scope: str
    target: str
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True)
class Draft:
    """One draft: the round's kind, who may have stopped it when, and the times that people gave it."""

    id: UUID
    token: str
    kind: str
    platforms: tuple[str, ...]
    accounts: tuple[str, ...]
    window_end: datetime
    times: tuple[tuple[datetime, datetime], ...]
    """(when a person gave it, the publish time), the newest last."""
    steps: tuple[tuple[int, datetime, datetime | None], ...]
    """(step, when it was authorised over the submitted digest, when the grant behind it was revoked)."""
    wanted_steps: int
    stopped_at: datetime | None = None
    """Withdrawn, or a newer version saved."""

    def due(self, at: datetime) -> datetime:
        """The publish time that counted at that instant."""
        given = [publish_at for set_at, publish_at in self.times if set_at <= at]
        return given[-1] if given else self.times[0][1]


@dataclass(frozen=True)
class Facts:
    """Everything there is to judge. `acknowledged`: decisions that people were told are on the record; `kept`: those that are."""

    drafts: dict[UUID, Draft]
    publications: list[Publication]
    posts: list[Post]
    holds: list[Hold]
    acknowledged: frozenset[tuple[UUID, int]] = frozenset()
    kept: dict[tuple[UUID, int], int] = field(default_factory=dict)
    chains_broken: int = 0


_DRAFTS = """
SELECT d.id, v.source ->> 'text' AS text, s.account_ids, s.window_end, jsonb_array_length(s.plan -> 'steps') AS wanted,
       least((SELECT min(w.at) FROM withdrawal w WHERE w.submission_id = s.id),
             (SELECT min(n.saved_at) FROM version n WHERE n.draft_id = d.id AND n.number > s.version_number)) AS stopped_at,
       ARRAY(SELECT platform FROM account a WHERE a.id = ANY(s.account_ids) ORDER BY platform) AS platforms,
       (SELECT json_agg(json_build_array(t.set_at, t.publish_at) ORDER BY t.revision)
          FROM schedule t WHERE t.draft_id = d.id) AS times,
       (SELECT json_agg(json_build_array(c.step, c.decided_at, g.revoked_at))
          FROM decision c JOIN authority g ON g.id = c.authority_id
         WHERE c.submission_id = s.id AND c.answer = 'authorise' AND c.digest = s.digest) AS steps
  FROM draft d JOIN submission s ON s.draft_id = d.id AND s.number = 1 JOIN version v ON v.draft_id = d.id AND v.number = 1
"""
_PUBLICATIONS = """
SELECT p.id, p.draft_id, p.state, a.platform, m.canonical, a.id::text AS account,
       p.state = 'scheduled' AND coalesce(p.not_before > clock_timestamp(), false) AS due_later,
       ARRAY(SELECT t.dispatched_at FROM attempt t WHERE t.publication_id = p.id ORDER BY t.epoch) AS attempts,
       (SELECT json_agg(json_build_array(t.after, t.at) ORDER BY t.number)
          FROM transition t WHERE t.publication_id = p.id) AS moves,
       ARRAY(SELECT l.at FROM look_up l WHERE l.publication_id = p.id ORDER BY l.at) AS looked_up
  FROM publication p JOIN account a ON a.id = p.account_id JOIN manifest m ON m.digest = p.digest
"""
_HOLDS = "SELECT scope, target, starts_at, least(lifted_at, ends_at) AS over FROM hold"
_KEPT = """
SELECT s.draft_id, d.step, count(*) AS times FROM decision d JOIN submission s ON s.id = d.submission_id GROUP BY 1, 2
"""


def gather(part: Field, kinds: dict[UUID, str], acknowledged: set[tuple[UUID, int]], *, chains_broken: int = 0) -> Facts:
    """Everything of the drafts that this run wrote (`kinds`: by draft, what its round was about)."""
    with psycopg.connect(part.postgres.admin_url("countersign"), row_factory=dict_row) as rows:
        drafts = {row["id"]: _draft(row, kinds[row["id"]]) for row in rows.execute(_DRAFTS) if row["id"] in kinds}
        found = [_publication(row, drafts) for row in rows.execute(_PUBLICATIONS) if row["draft_id"] in drafts]
        holds = [Hold(row["scope"], row["target"], row["starts_at"], row["over"]) for row in rows.execute(_HOLDS)]
        kept = {(row["draft_id"], row["step"]): row["times"] for row in rows.execute(_KEPT)}
    posts = [_post(platform, row) for platform in PLATFORMS for row in part.ledger(platform)]
    return Facts(drafts, found, posts, holds, frozenset(acknowledged), kept, chains_broken)


def _draft(row: dict[str, Any], kind: str) -> Draft:
    token = TOKEN.match(row["text"])
    return Draft(
        id=row["id"],
        token=token.group() if token else "",
        kind=kind,
        platforms=tuple(row["platforms"]),
        accounts=tuple(str(account) for account in row["account_ids"]),
        window_end=row["window_end"],
        times=tuple((_at(set_at), _at(publish_at)) for set_at, publish_at in row["times"]),
        steps=tuple((step, _at(at), revoked and _at(revoked)) for step, at, revoked in row["steps"] or ()),
        wanted_steps=row["wanted"],
        stopped_at=row["stopped_at"],
    )


def _publication(row: dict[str, Any], drafts: dict[UUID, Draft]) -> Publication:
    rendition = next(r for r in renditions_in(bytes(row["canonical"])) if r.account_id == row["account"])
    return Publication(
        id=row["id"],
        draft_id=row["draft_id"],
        platform=row["platform"],
        token=drafts[row["draft_id"]].token,
        state=row["state"],
        text=rendition.text,
        images=tuple((image.sha256, image.alt) for image in rendition.images),
        attempts=tuple(row["attempts"]),
        moves=tuple((after, _at(at)) for after, at in row["moves"]),
        looked_up=tuple(row["looked_up"]),
        due_later=row["due_later"],
    )


def _at(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _post(platform: str, row: dict[str, Any]) -> Post:
    return Post(
        platform=platform,
        post_id=row["post_id"],
        sent=text_in(row["wire"]),
        shown=row["text"],
        images=tuple((image["sha256"], image["alt"]) for image in row["images"]),
        received_at=datetime.fromisoformat(row["received_at"]),
    )


def text_in(wire: str) -> str:
    """The post's words in a request as it came over the wire, whichever platform's."""
    try:
        body: dict[str, Any] = json.loads(wire)
    except ValueError:
        form = parse_qs(wire, keep_blank_values=True)
        return next((form[name][0] for name in ("message", "status") if name in form), "")
    if "commentary" in body:
        return re.sub(r"\\(.)", r"\1", body["commentary"])
    record = body.get("record")
    return str(body.get("text") or (record or {}).get("text") or "")


def still_open(part: Field, drafts: dict[UUID, str], longest: timedelta) -> list[str]:
    """What the service has not finished yet, one line each: not settled, and not waiting for a platform's own limit."""
    query = (
        "SELECT p.state, p.note FROM publication p WHERE p.draft_id = ANY(%(drafts)s) AND ("
        " p.state IN ('claimed', 'sending', 'processing')"
        " OR (p.state = 'scheduled' AND (p.not_before IS NULL OR p.not_before < clock_timestamp() + %(longest)s))"
        " OR (p.state = 'unknown' AND NOT EXISTS (SELECT 1 FROM look_up l WHERE l.publication_id = p.id)))"
    )
    unmade = (
        "SELECT 'authorised' AS state, 'no publication yet' AS note FROM submission s WHERE s.draft_id = ANY(%(drafts)s)"
        " AND NOT EXISTS (SELECT 1 FROM publication p WHERE p.submission_id = s.id)"
        " AND NOT EXISTS (SELECT 1 FROM withdrawal w WHERE w.submission_id = s.id)"
        " AND s.version_number = (SELECT max(v.number) FROM version v WHERE v.draft_id = s.draft_id)"
        " AND (SELECT count(*) FROM decision d WHERE d.submission_id = s.id AND d.answer = 'authorise')"
        "     >= jsonb_array_length(s.plan -> 'steps')"
        " AND (SELECT max(d.decided_at) FROM decision d WHERE d.submission_id = s.id) <"
        "     (SELECT t.publish_at FROM schedule t WHERE t.draft_id = s.draft_id ORDER BY t.revision DESC LIMIT 1)"
    )
    with psycopg.connect(part.postgres.admin_url("countersign"), row_factory=dict_row, connect_timeout=5) as rows:
        values = {"drafts": list(drafts), "longest": longest}
        found = [*rows.execute(query, values), *rows.execute(unmade, values)]
    return [f"{row['state']}: {row['note']}" for row in found]
