"""What an account's timeline shows, compared with what our ledger says stands there: pure, so that every case can be tried.

A post in no ledger is rogue; one of ours that says something else now was edited; one that is gone vanished (paragraphs 36, 38).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.domain.content import Rendition
from core.domain.outcome import ReadBack, SeenPost

SETTLES = timedelta(minutes=3)
"""For this long after its dispatch a post whose outcome is open explains what looks like it; reconciliation takes it up."""

Differences = Callable[[Rendition, ReadBack], list[str]]
"""A platform's own comparison (`Platform.matches`): sentences, none when it is the same."""


@dataclass(frozen=True)
class OurPost:
    """A verified post of ours. `accepted`: people accepted it although it was not what was authorised."""

    publication_id: UUID
    post_id: str
    accepted: bool
    rendition: Rendition | None


@dataclass(frozen=True)
class OpenOutcome:
    """A publication that may have made a post whose id we do not know."""

    publication_id: UUID
    dispatched_at: datetime
    rendition: Rendition


@dataclass(frozen=True)
class AccountLedger:
    """What we know of one account. `explained` are the ids of every post we ever knew of, and of those that stood before;
    `fingerprints` what accepted posts said when they were accepted; `removed` those taken down, by publication."""

    explained: frozenset[str]
    ours: tuple[OurPost, ...]
    open: tuple[OpenOutcome, ...]
    fingerprints: Mapping[str, str]
    removed: Mapping[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True)
class Rogue:
    """In no ledger; `resembles` the publication that it might be, where one is open for too long. Or it stands although it was
    taken down: then `removed` is its publication."""

    post: SeenPost
    resembles: UUID | None
    removed: UUID | None = None


@dataclass(frozen=True)
class Edited:
    post: SeenPost
    ours: OurPost
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """`missing` are not shown and have to be asked for by id: a timeline may lag. `accepted` are to be remembered."""

    rogue: tuple[Rogue, ...] = ()
    edited: tuple[Edited, ...] = ()
    missing: tuple[OurPost, ...] = ()
    accepted: tuple[SeenPost, ...] = ()


def compare(seen: tuple[SeenPost, ...], ledger: AccountLedger, *, differences: Differences, now: datetime) -> Findings:
    """Every post seen, and every post of ours not seen, accounted for."""
    ours = {post.post_id: post for post in ledger.ours}
    rogue, edited, accepted = [], [], []
    for post in seen:
        mine = ours.get(post.post_id)
        if post.post_id in ledger.removed:
            rogue.append(Rogue(post, None, ledger.removed[post.post_id]))
        elif mine is None:
            found = None if post.post_id in ledger.explained else _rogue(post, ledger, differences, now)
            rogue += [found] if found else []
        elif mine.accepted and post.post_id not in ledger.fingerprints:
            accepted.append(post)
        else:
            said = _changes(post, mine, ledger, differences)
            edited += [Edited(post, mine, said)] if said else []
    shown = {post.post_id for post in seen}
    missing = tuple(post for post in ledger.ours if post.post_id not in shown)
    return Findings(tuple(rogue), tuple(edited), missing, tuple(accepted))


def _rogue(post: SeenPost, ledger: AccountLedger, differences: Differences, now: datetime) -> Rogue | None:
    alike = [one for one in ledger.open if not differences(one.rendition, post.content)]
    if any(now - one.dispatched_at <= SETTLES for one in alike):
        return None
    return Rogue(post, alike[0].publication_id if alike else None)


def _changes(post: SeenPost, mine: OurPost, ledger: AccountLedger, differences: Differences) -> tuple[str, ...]:
    if mine.accepted:
        same = ledger.fingerprints.get(post.post_id) == fingerprint(post.content)
        return () if same else ("It is no longer what it was when two people accepted it.",)
    return tuple(differences(mine.rendition, post.content)) if mine.rendition else ()


def in_turn(missing: tuple[OurPost, ...], reading: int, *, most: int) -> tuple[OurPost, ...]:
    """The `most` that this reading asks for; as readings go on, every one of them has its turn."""
    start = reading * most % len(missing) if len(missing) > most else 0
    return (missing[start:] + missing[:start])[:most]


def fingerprint(content: ReadBack) -> str:
    """One name for exactly these words, link, descriptions and target; what a platform counts is no part of it."""
    said = json.dumps([content.text, content.link, list(content.alts), content.target_id])
    return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()
