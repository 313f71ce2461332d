"""What was seen of a post on its platform, kept as evidence, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from web.when import london_precise

_NAMES = {"at": "Posted", "permalink": "Address", "post_id": "Number there"}


def seen_in_words(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each thing that was seen, under its name; what says nothing to a reader is left out."""
    told = [(name, value) for name, value in found.items() if value not in (None, "", [], {}) and not isinstance(value, bool)]
    return [(_NAMES.get(name, name.replace("_", " ").capitalize()), _value(name, value)) for name, value in told]


def _value(name: str, value: Any) -> str:
    if name != "at":
        return str(value)
    try:
        return london_precise(datetime.fromisoformat(str(value)))
    except ValueError:
        return str(value)
