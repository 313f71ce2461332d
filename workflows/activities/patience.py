"""How long the service goes on by itself before people have to settle it: in seconds, shortened by tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """`looks`: when a post of unknown outcome is looked for, counted from when it became unknown; people see it from the start.

    `naming`: how long a post that two people named is looked for. `processing`: how long a platform may take to show a post;
    `release`: how long after its window the word of whoever posts by hand is waited for. `evidence`: how long a post that is to
    come down is left standing because it cannot be read; `removal`: how long it is removed and looked for, `removal_limited` when
    the platform takes no more calls. `unread`: after how long of failing to read a post back people are told.
    """

    looks: tuple[float, ...] = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
    naming: float = 120.0
    processing: float = 600.0
    release: float = 3600.0
    evidence: float = 60.0
    removal: float = 120.0
    removal_limited: float = 3600.0
    unread: float = 900.0
    again: float = 5.0
