"""The sandbox platforms as the public sees them: their ledgers, asked without any token of ours."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from countersign.walk.post import PLATFORMS
from countersign.walk.telling import NotHeld, held

POLL_SECONDS = 0.4
# At its time: the goal is two seconds; a busy machine is given more, and the lateness is printed.
AT_MOST_LATE = timedelta(seconds=10)
APPEARS_WITHIN = timedelta(seconds=45)


@dataclass(frozen=True)
class Received:
    """One post in a platform's ledger. `images`: SHA-256 (hex) as the platform computed it, and alt text."""

    post_id: str
    text: str
    received_at: datetime
    images: tuple[tuple[str, str], ...]


def kept_sandboxes(state: Path, issuer: str) -> dict[str, str]:
    """Platform → address, from the state folder of the demo whose provider we signed in at; empty if that is another one."""
    file = state / "ports.json"
    if not file.exists():
        return {}
    ports: dict[str, int] = json.loads(file.read_text())
    if ports.pop("identity", None) != urlsplit(issuer).port:
        return {}
    written_for = {platform.lower() for platform in PLATFORMS}
    return {platform: f"http://127.0.0.1:{port}" for platform, port in ports.items() if platform in written_for}


def sandboxes_behind(links: Mapping[str, str]) -> dict[str, str]:
    """Platform → address, from the links to the live posts."""
    return {platform: "{0.scheme}://{0.netloc}".format(urlsplit(link)) for platform, link in links.items()}


class Sandboxes:
    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.addresses = dict(addresses)
        self._client = httpx2.Client(timeout=10, trust_env=False)

    def received(self, platform: str, run: str) -> list[Received]:
        """What this platform accepted of this run, by the request as it came: a text may have been changed on the way."""
        answer = self._client.get(f"{self.addresses[platform]}/_ledger")
        held(answer.status_code == 200, f"the ledger of the {platform} sandbox", f"HTTP {answer.status_code}")
        return [_received(row) for row in answer.json()["posts"] if run in row["wire"]]

    def image(self, platform: str, sha256: str) -> bytes:
        """The image's bytes as they arrived there."""
        answer = self._client.get(f"{self.addresses[platform]}/_ledger/media/{sha256}")
        held(answer.status_code == 200, f"the image {sha256[:12]}… at {platform}", f"HTTP {answer.status_code}")
        return answer.content

    def page(self, link: str) -> httpx2.Response:
        return self._client.get(link)

    def watch(self, run: str, publish_at: datetime, seen: Callable[[str, datetime], None]) -> None:
        """Ask each ledger until all show the post; `seen(platform, when)` once for each. Raises NotHeld if one is early."""
        waiting = set(self.addresses)
        while waiting:
            for platform in sorted(waiting):
                asked_at = datetime.now(UTC)
                if not self.received(platform, run):
                    continue
                # Our clock before the question: what was there then cannot have come after.
                answered_at = datetime.now(UTC)
                if answered_at < publish_at:
                    raise NotHeld(
                        f"nothing on {platform} before {publish_at:%H:%M:%S} UTC", f"the post there at {asked_at:%X.%f}"
                    )
                seen(platform, answered_at)
                waiting.discard(platform)
            if waiting and datetime.now(UTC) > publish_at + APPEARS_WITHIN:
                late = f"{APPEARS_WITHIN.seconds} s after {publish_at:%H:%M:%S} UTC"
                raise NotHeld(f"the post on {', '.join(sorted(waiting))}", f"nothing there {late}")
            time.sleep(POLL_SECONDS)


def _received(row: Mapping[str, Any]) -> Received:
    return Received(
        post_id=row["post_id"],
        text=row["text"],
        received_at=datetime.fromisoformat(row["received_at"]),
        images=tuple((image["sha256"], image["alt"]) for image in row["images"]),
    )
