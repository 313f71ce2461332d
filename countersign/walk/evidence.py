"""Recomputing what the service claims, with the standard library alone: digests, chains, and what the chains say."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from countersign.walk.telling import held


@dataclass(frozen=True)
class Authorised:
    """What one account was authorised to receive, as the manifest behind the digest says. `images`: SHA-256, size, alt text."""

    platform: str
    text: str
    images: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True)
class Event:
    subject: str
    at: datetime
    actor: str
    action: str
    digest: str | None


def digest_over(canonical: bytes) -> str:
    return "v1:sha256:" + hashlib.sha256(canonical).hexdigest()


def authorised_in(canonical: bytes) -> dict[str, Authorised]:
    """By platform, what the manifest names."""
    return {
        account["platform"]: Authorised(
            account["platform"],
            account["text"],
            tuple((image["sha256"], image["size"], image["alt"]) for image in account["images"]),
        )
        for account in json.loads(canonical)["accounts"]
    }


def verified_events(record: Mapping[str, Any]) -> list[Event]:
    """Every event of every chain, once each hash was recomputed and each chain followed to its head. Raises NotHeld."""
    return [event for chain in record["chains"] for event in _followed(chain)]


def _followed(chain: Mapping[str, Any]) -> list[Event]:
    subject = chain["subject"]
    number, before = 0, hashlib.sha256(f"countersign:{subject}".encode()).hexdigest()
    events = []
    for link in chain["events"]:
        where = f"event {link['number']} of {subject}"
        body = link["body"].encode()
        said = json.loads(body)
        held(link["number"] == number + 1, f"event {number + 1} of {subject}", where)
        recomputed = hashlib.sha256(body).hexdigest()
        held(recomputed == link["hash"], f"{where} to have the hash {link['hash']}", recomputed)
        held(link["prev"] == before, f"{where} to follow {before}", link["prev"])
        place = (said["subject"], said["number"], said["prev"])
        held(place == (subject, link["number"], before), f"{where} to name its own place in its body", place)
        number, before = link["number"], recomputed
        at = datetime.fromisoformat(said["at"])
        events.append(Event(subject, at, said["actor"], said["action"], said["digest"]))
    end = (chain["head"]["number"], chain["head"]["hash"])
    held((number, before) == end, f"the chain of {subject} to end at its recorded head {end}", (number, before))
    return events
