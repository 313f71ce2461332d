"""The canonical manifest and its digest: what an authorisation names (promise 2; derived from paragraphs 36 and 37).

The bytes are RFC 8785 (JSON Canonicalization Scheme); the digest is `v1:sha256:` and their SHA-256 in lower-case hex.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Any

import rfc8785

from core.domain.calendar import from_stamp, stamp
from core.domain.content import Rendition, RenditionImage, Target, Window

SCHEMA = 1


def manifest_of(
    *, purpose: str, declarations: dict[str, str], window: Window, renditions: tuple[Rendition, ...]
) -> dict[str, Any]:
    """The manifest as plain values. Accounts are ordered by id, so the order of ticking boxes changes nothing."""
    return {
        "schema": SCHEMA,
        "purpose": purpose,
        "declarations": dict(declarations),
        "window": {"start": stamp(window.start), "end": stamp(window.end)},
        "accounts": [_account(rendition) for rendition in sorted(renditions, key=lambda r: r.account_id)],
    }


def _account(rendition: Rendition) -> dict[str, Any]:
    # Only where there is one: a version without a target keeps the digest it always had.
    target = {} if rendition.target is None else {"target": asdict(rendition.target)}
    return {
        "account": rendition.account_id,
        "platform": rendition.platform,
        "text": rendition.text,
        "link": rendition.link,
        "images": [
            {"sha256": i.sha256, "mime": i.mime, "size": i.size, "width": i.width, "height": i.height, "alt": i.alt}
            for i in rendition.images
        ],
        **target,
    }


def canonical(manifest: dict[str, Any]) -> bytes:
    """RFC 8785 bytes of the manifest."""
    return rfc8785.dumps(manifest)


def digest_of(canonical_bytes: bytes) -> str:
    return "v1:sha256:" + hashlib.sha256(canonical_bytes).hexdigest()


def renditions_in(canonical_bytes: bytes) -> tuple[Rendition, ...]:
    """The renditions a manifest holds, read back from its canonical bytes."""
    manifest = json.loads(canonical_bytes)
    return tuple(
        Rendition(
            account_id=account["account"],
            platform=account["platform"],
            text=account["text"],
            link=account["link"],
            images=tuple(RenditionImage(**image) for image in account["images"]),
            target=Target(**account["target"]) if account.get("target") else None,
        )
        for account in manifest["accounts"]
    )


def window_in(canonical_bytes: bytes) -> Window:
    window = json.loads(canonical_bytes)["window"]
    return Window(start=from_stamp(window["start"]), end=from_stamp(window["end"]))
