"""The named points of a publication. Tests stop a worker at each of them; in service nothing listens."""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    CLAIMED = "claimed"
    PREPARED = "prepared"
    JUDGED = "judged"
    AT_THE_GATE = "at_the_gate"
    DISPATCHED = "dispatched"
    ANSWERED = "answered"
    RECORDED = "recorded"
    READ_BACK = "read_back"
    LOOKED_UP = "looked_up"
    EVIDENCE_KEPT = "evidence_kept"
    REMOVAL_ANSWERED = "removal_answered"


Reached = Callable[[Point, str], None]


def nobody_listens(point: Point, publication_id: str) -> None:
    """The service's own listener."""
