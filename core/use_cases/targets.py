"""Answering a post is posting (paragraph 38): what a draft replies to, quotes or reposts is captured before a version names it.

The api reads no platform. Somebody asks for a post by its address; the worker captures it; a version names the capture.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Target
from core.domain.people import Person
from core.domain.refusals import BadInput, LinkInvalid, NoAccount, NotFound
from core.records.facts import AccountFacts
from core.records.reads import accounts_by_id
from core.records.targets import Capture, read_capture
from core.use_cases.access import WRITERS, require
from integrations.platforms.registry import PLATFORMS
from integrations.platforms.text import require_web_address

KINDS = ("reply", "quote", "repost")
_VERBS = {"reply": "replies to", "quote": "quotes", "repost": "reposts"}
_SPLIT = (
    "A draft that {verb} another post goes out where that post stands, and this one names accounts in several places ({places}). "
    "Split it: write one draft for the accounts where that post stands, and another for the rest."
)


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
    sentence = "That post could not be fetched from the platform. Check its address and save again."


class TargetElsewhere(BadInput):
    code = "target_elsewhere"
    paragraph = 38
    sentence = "A draft answers a post on the platform of all its accounts. Make a draft of its own for the others."


class TargetKindUnknown(BadInput):
    code = "target_kind"
    sentence = "Choose how this draft answers the post: as a reply, a quote or a repost, where the platform has it."


async def ask_for_target(
    session: AsyncSession, *, by: Person, account_ids: Sequence[UUID], kind: str, address: str, known: str | None = None
) -> UUID:
    """Ask the worker to capture the post at this address, with the access of these accounts' platform. Returns the request's id.

    `known`: a request made before, used again while it asks for the same and has not failed.
    Raises TargetKindUnknown, TargetUnknown, TargetElsewhere or NoAccount.
    """
    require(by, *WRITERS)
    address = address.strip()
    _require_address(address)
    accounts = [account for account in await accounts_by_id(session, tuple(account_ids)) if account.status == "connected"]
    if not accounts:
        raise NoAccount(field="accounts")
    labels = sorted({PLATFORMS[account.platform].label for account in accounts})
    if len(labels) > 1:
        raise TargetElsewhere(
            _SPLIT.format(verb=_VERBS.get(kind, "answers"), places=" and ".join(labels)), field="target_address"
        )
    require_kind(accounts[0].platform, kind)
    again = await _still_good(session, known, accounts, kind, address)
    if again is not None:
        return again
    request_id = uuid4()
    await session.execute(
        text("INSERT INTO target_request (id, account_id, kind, address, asked_by) VALUES (:id, :account, :kind, :address, :by)"),
        {"id": request_id, "account": accounts[0].id, "kind": kind, "address": address, "by": by.id},
    )
    return request_id


async def _still_good(
    session: AsyncSession, known: str | None, accounts: Sequence[AccountFacts], kind: str, address: str
) -> UUID | None:
    found = await read_capture(session, _as_id(known))
    if found is None or (found.kind, found.address, found.account.platform) != (kind, address, accounts[0].platform):
        return None
    return None if found.note else found.request_id


def _as_id(typed: str | None) -> UUID:
    """The id typed; what is no id names no request."""
    try:
        return UUID(typed or "")
    except ValueError:
        return UUID(int=0)


def _require_address(address: str) -> None:
    try:
        require_web_address(address)
    except LinkInvalid:
        raise TargetUnknown("Enter the full web address of the post, as the browser shows it.", field="target_address") from None


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
    found = await read_capture(session, _as_id(request))
    if found is None:
        raise TargetUnknown(field="target")
    if found.under_way:
        raise TargetUnderWay(field="target")
    if found.target is None:
        raise TargetNotCaptured(found.note, field="target")
    servers = await _servers(session, (found.account, *accounts))
    here = (found.account.platform, servers[found.account.id])
    others = sorted({PLATFORMS[one.platform].label for one in accounts if (one.platform, servers[one.id]) != here})
    if others:
        places = " and ".join(sorted({PLATFORMS[found.account.platform].label, *others}))
        raise TargetElsewhere(_SPLIT.format(verb=_VERBS[found.kind], places=places), field="target")
    return found.target


async def _servers(session: AsyncSession, accounts: Sequence[AccountFacts]) -> dict[UUID, str]:
    """A post's id means the same only on one platform, and on a federated one only on one server."""
    rows = await session.execute(
        text("SELECT id, server FROM account WHERE id = ANY(:ids)"), {"ids": [account.id for account in accounts]}
    )
    return {row.id: row.server for row in rows}
