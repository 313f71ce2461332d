"""Answering a post is posting (paragraph 38): what a draft replies to, quotes or reposts is captured before a version names it.

The api reads no platform. Somebody asks for a post by its address; the worker captures it; a version names the capture.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Target
from core.domain.people import Person
from core.domain.refusals import BadInput, NotFound
from core.records.facts import AccountFacts
from core.records.reads import accounts_by_id
from core.records.targets import Capture, read_capture
from core.use_cases.access import WRITERS, require
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.text import require_web_address

KINDS = ("reply", "quote", "repost")
_VERBS = {"reply": "replies to", "quote": "quotes", "repost": "reposts"}


class TargetUnknown(BadInput):
    code = "target_unknown"
    paragraph = 38
    sentence = "The post that this draft answers has not been captured. Enter its address and save again."


class TargetUnderWay(BadInput):
    code = "target_under_way"
    sentence = (
        "The service is fetching that post, so that authorisers see what you saw. "
        "This takes a few seconds: save again, and nothing you typed is lost."
    )


class TargetNotCaptured(BadInput):
    code = "target_not_captured"


class TargetElsewhere(BadInput):
    code = "target_elsewhere"
    paragraph = 38


class TargetKindUnknown(BadInput):
    code = "target_kind"


async def ask_for_target(session: AsyncSession, *, by: Person, account_id: UUID, kind: str, address: str) -> UUID:
    """Ask the worker to capture the post at this address with this account's access. Returns the request's id.

    Raises TargetKindUnknown, LinkInvalid or TargetElsewhere.
    """
    require(by, *WRITERS)
    address = address.strip()
    require_web_address(address)
    (account,) = await accounts_by_id(session, (account_id,)) or (None,)
    if account is None or account.status != "connected":
        raise TargetElsewhere("Choose a connected account that this post goes out on.", field="accounts")
    require_kind(account.platform, kind)
    request_id = uuid4()
    await session.execute(
        text("INSERT INTO target_request (id, account_id, kind, address, asked_by) VALUES (:id, :account, :kind, :address, :by)"),
        {"id": request_id, "account": account_id, "kind": kind, "address": address, "by": by.id},
    )
    return request_id


def require_kind(platform: str, kind: str) -> None:
    """Raises TargetKindUnknown where posts of this platform are never that."""
    known = PLATFORMS[platform]
    if kind not in KINDS:
        raise TargetKindUnknown("Say what the post does: reply to, quote or repost another.", field="target_kind")
    if kind not in known.targets:
        raise TargetKindUnknown(
            f"A post on {known.label} cannot be one that {_VERBS[kind]} another from here. Take the address out, "
            "or choose something else.",
            field="target_kind",
        )


async def capture_asked_for(session: AsyncSession, *, by: Person, request_id: UUID) -> Capture:
    """A request and what became of it, for those who write."""
    require(by, *WRITERS)
    found = await read_capture(session, request_id)
    if found is None:
        raise NotFound()
    return found


async def target_for(session: AsyncSession, request: str | None, accounts: Sequence[AccountFacts]) -> Target | None:
    """The captured target a version names, if it fits every account the version goes to. Raises a BadInput that says why not."""
    if request is None:
        return None
    try:
        found = await read_capture(session, UUID(request))
    except ValueError:
        found = None
    if found is None:
        raise TargetUnknown(field="target_address")
    if found.under_way:
        raise TargetUnderWay(field="target_address")
    if found.target is None:
        raise TargetNotCaptured(found.note, field="target_address")
    others = sorted({PLATFORMS[account.platform].label for account in accounts if not _same_place(account, found.account)})
    if others:
        raise TargetElsewhere(
            f"This draft {_VERBS[found.kind]} a post on {PLATFORMS[found.account.platform].label}, which "
            f"{' and '.join(others)} cannot show. Split it: write one draft for that post's platform and one for the others.",
            field="target_address",
        )
    return found.target


def _same_place(account: AccountFacts, captured_by: AccountFacts) -> bool:
    """A post's id means the same to both: on a federated platform only where both live on one server."""
    return account.platform == captured_by.platform and getattr(account, "server", "") == getattr(captured_by, "server", "")
