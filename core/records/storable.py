"""A platform's words as the database can hold them: whatever it said is written down."""

from typing import Any


def storable(words: str) -> str:
    """Without U+0000 and half surrogates, which no text column holds."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode()


def all_storable(value: Any) -> Any:
    """The same for every string in a value that becomes JSON."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {key: all_storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [all_storable(one) for one in value]
    return value
