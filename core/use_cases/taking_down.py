"""Taking a post down: any authoriser, with a reason; what stood there is kept before anything is removed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.publication import State
from core.use_cases.access import require
from core.use_cases.people import require_fresh
from core.use_cases.publication_acts import given_reason, locked_publication, record_act

REMOVABLE = (State.PUBLISHED, State.VERIFIED, State.MISMATCH, State.REMOVAL_UNKNOWN)


async def take_down(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    publication_id: UUID,
    reason: str,
    request: str = "",
) -> UUID:
    """Have a standing post removed, or try again where the last removal could not be confirmed. The act's id.

    The worker keeps the evidence, removes, and looks whether it is gone; where people post by hand, people remove by hand and
    two of them confirm it. Raises NoRole, MovedOn, StepUpNeeded, BadInput.
    """
    require(by, Role.AUTHORISER)
    one = await locked_publication(session, by, publication_id, *REMOVABLE)
    require_fresh(authenticated_at, one.now)
    reason = given_reason(reason, "Say why it is taken down: it is kept with the evidence.")
    return await record_act(session, by=by, one=one, kind="take_down", reason=reason, request=request)
