"""What passes between workflows and activities: ids and stages, never content. Messages grow, never change."""

from dataclasses import dataclass

TASK_QUEUE = "countersign"


@dataclass(frozen=True)
class DraftStand:
    """Where a draft stands for its workflow. `look_again_at`: seconds since the epoch, None to wait for word."""

    stage: str
    finished: bool
    look_again_at: float | None = None


@dataclass(frozen=True)
class PublicationStand:
    """What a publication needs from the service next: `publish`, `send_again`, `look_up`, `read_back`, `remove`, `wait` or
    `nothing`.

    `at` is when (seconds since the epoch); None means now for an act, and until word comes for a wait. `epoch` counts its claims.
    """

    state: str
    need: str
    at: float | None = None
    epoch: int = 0


def draft_workflow_id(draft_id: str) -> str:
    return f"draft-{draft_id}"


def publication_workflow_id(publication_id: str) -> str:
    return f"publication-{publication_id}"
