"""The post that a publication answers, read again before it is judged: changed or gone, and people look at it first (38)."""

from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.content import Target
from core.domain.outcome import Outcome, Result
from core.domain.verdict import TargetSeen
from integrations.platforms.values import NoAccess, ReadFailed
from workflows.activities.calling import NotReady, Ready
from workflows.activities.means import Means
from workflows.activities.readings import answered

# While it waits at the gate it is not read again more often than this.
GOOD_ENOUGH = timedelta(seconds=30)


async def with_target_read(means: Means, ready: Ready, *, now: datetime) -> Ready:
    """`ready` with what its target is now; as it was where it answers no post. Raises NotReady: later, nothing was sent.

    `now` is the database's clock before this call. The verdict is good for 90 seconds from then, whatever else it rests on.
    """
    target = ready.rendition.target
    if target is None or (ready.target is not None and now - ready.target.at < GOOD_ENOUGH):
        return ready
    try:
        platform = means.platforms[ready.rendition.platform]
        found = await answered(platform.read_target(ready.access, target.permalink, target.kind))
    except (NoAccess, ReadFailed) as failed:
        said = f"The post it answers could not be read again, so nothing was sent. {failed}"
        raise NotReady(Outcome(Result.NOT_SENT, said, retry_at=getattr(failed, "retry_at", None))) from failed
    return replace(ready, target=TargetSeen(found is not None and _same(found, target), now))


def _same(now: Target, captured: Target) -> bool:
    """An author's new name changes nothing that was authorised; the words, and the state that the platform names, do."""
    return (now.post_id, now.text, now.fingerprint) == (captured.post_id, captured.text, captured.fingerprint)
