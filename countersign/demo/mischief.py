"""What somebody at a terminal does to the demo's sandbox platforms, to see the service stand it: lies, rogue posts."""

import json
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

from countersign.embedded.ports import LOOPBACK
from countersign.embedded.trouble import EmbeddedTrouble


def lie(console: Console, state: Path, *, platform: str, mode: str, times: int, seconds: float) -> None:
    """The next `times` posts to this platform meet `mode`. Raises EmbeddedTrouble naming the modes there are."""
    _ask(state, platform, "/_lie", {"mode": mode, "times": times, "seconds": seconds})
    whole = "post meets" if times == 1 else f"{times} posts meet"
    console.print(f"The next {whole} “{mode}” on the {platform} sandbox.")


def post_as_a_stranger(console: Console, state: Path, *, platform: str, words: str) -> None:
    """A post on the account that nobody sent through the service: a hijacked account."""
    _ask(state, platform, "/_rogue", {"text": words})
    console.print(f"A post that nobody authorised stands on the {platform} sandbox now. The watch will see it.")


def _ask(state: Path, platform: str, path: str, body: dict[str, Any]) -> None:
    file = state / "ports.json"
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    port = ports.get(platform) if platform != "identity" else None
    if port is None:
        known = ", ".join(sorted(set(ports) - {"identity"})) or "none: start it with `make demo`"
        raise EmbeddedTrouble(f"The demo in {state} has no sandbox for {platform}. It has: {known}.")
    try:
        answer = httpx2.post(f"http://{LOOPBACK}:{port}{path}", json=body, timeout=10, trust_env=False)
    except httpx2.HTTPError as away:
        raise EmbeddedTrouble(f"The {platform} sandbox does not answer. Start the demo first: `make demo`.") from away
    if answer.is_error:
        raise EmbeddedTrouble(f"The {platform} sandbox did not take that: {_why(answer)}")


def _why(answer: httpx2.Response) -> str:
    """What was wrong, in the sandbox's own words, with what it would take."""
    try:
        first = answer.json()["detail"][0]
    except (ValueError, KeyError, IndexError, TypeError):
        return f"it answered {answer.status_code}."
    return f"{first.get('msg', '')}."
