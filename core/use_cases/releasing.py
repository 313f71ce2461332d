"""Posting by hand: the service issues the exact text and files to a named person, who posts them and says so."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Rendition, tidied
from core.domain.people import Person
from core.domain.publication import BY_HAND, State
from core.domain.refusals import BadInput, NotAllowed, NotFound
from core.use_cases.publication_acts import (
    Concerned,
    given_reason,
    locked_publication,
    record_act,
    require_resolver,
    seen_publication,
)

OUT = (State.PROCESSING, State.UNKNOWN)
"""Issued to the releaser; UNKNOWN once nobody said in time whether it was posted."""


class NotTheReleaser(NotAllowed):
    code = "not_the_releaser"
    paragraph = 36
    sentence = "Only the person named for this account may say what was posted on it. Ask them, or the account manager."


class SomebodyElseCompares(NotAllowed):
    code = "somebody_else_compares"
    paragraph = 36
    sentence = "You post this by hand, so somebody else must compare it with what was authorised (derived from paragraph 36)."


@dataclass(frozen=True)
class Release:
    """What to post, where, until when. `holds`: reasons of the holds that stand now: while there are any, it must not be posted.

    `may_post`: this person may do so now; `may_say`: whether they did, which they may also say in a hold.
    """

    publication_id: UUID
    draft_id: UUID
    state: State
    account: str
    platform_url: str
    releaser_id: UUID | None
    releaser: str | None
    rendition: Rendition | None
    issued_at: datetime | None
    until: datetime
    now: datetime
    holds: tuple[str, ...]
    link: str | None
    posted_by: UUID | None
    may_post: bool
    may_say: bool
    may_compare: bool


async def release(session: AsyncSession, *, by: Person, publication_id: UUID) -> Release:
    """The release as it stands for this person; NotFound where the account is not one on which people post by hand."""
    one = await seen_publication(session, by, publication_id)
    row = await _by_hand(session, one)
    posted_by, holds = await _posted_by(session, publication_id), await _holds(session, one)
    rendition = next((r for r in one.facts.renditions if r.account_id == str(one.row.account_id)), None)
    compare = one.row.state is State.PUBLISHED and posted_by != by.id and by.id != row.releaser
    return Release(
        publication_id=publication_id,
        draft_id=one.row.draft_id,
        state=one.row.state,
        account=row.name,
        platform_url=row.handle,
        releaser_id=row.releaser,
        releaser=row.releaser_name,
        rendition=rendition if one.facts.digest == one.row.digest else None,
        issued_at=row.issued_at,
        until=one.facts.window.end,
        now=one.now,
        holds=holds,
        link=one.row.post_id,
        posted_by=posted_by,
        may_post=one.row.state is State.PROCESSING and by.id == row.releaser and not holds and one.now < one.facts.window.end,
        may_say=one.row.state in OUT and by.id == row.releaser,
        may_compare=compare,
    )


async def releases_of(session: AsyncSession, *, by: Person) -> tuple[UUID, ...]:
    """The publications that wait for this person to post them by hand, the oldest first."""
    rows = await session.execute(
        text(
            "SELECT p.id FROM publication p JOIN account a ON a.id = p.account_id WHERE a.platform = :by_hand "
            "AND a.releaser = :person AND p.state IN ('processing', 'unknown') ORDER BY p.moved_at"
        ),
        {"by_hand": BY_HAND, "person": by.id},
    )
    return tuple(row.id for row in rows)


async def confirm_release(session: AsyncSession, *, by: Person, publication_id: UUID, link: str, request: str = "") -> None:
    """The releaser posted it, and here it stands. Raises NotTheReleaser, MovedOn, BadInput."""
    link = tidied(link)
    if not link.startswith(("https://", "http://")) or any(c.isspace() for c in link):
        raise BadInput("Give the full web address of the post, starting with https://.", field="link")
    one = await _released(session, by, publication_id)
    await record_act(session, by=by, one=one, kind="posted", reason="", link=link, request=request)


async def say_not_posted(session: AsyncSession, *, by: Person, publication_id: UUID, reason: str, request: str = "") -> None:
    """The releaser did not post it and will not: it goes back to the officer. Raises NotTheReleaser, MovedOn, BadInput."""
    reason = given_reason(reason, "Say why it was not posted: the officer will read it.")
    one = await _released(session, by, publication_id)
    await record_act(session, by=by, one=one, kind="not_posted", reason=reason, request=request)


async def confirm_seen(
    session: AsyncSession, *, by: Person, publication_id: UUID, same: bool, reason: str = "", request: str = ""
) -> None:
    """Somebody other than the releaser compared what stands at the link with what was authorised (promise 2).

    Raises SomebodyElseCompares, NotYours, TouchedIt, MovedOn; BadInput where it differs and nobody says how.
    """
    one = await locked_publication(session, by, publication_id, State.PUBLISHED)
    row = await _by_hand(session, one)
    if by.id in (row.releaser, await _posted_by(session, publication_id)):
        raise SomebodyElseCompares()
    await require_resolver(session, by, one)
    if not same:
        reason = given_reason(reason, "Say how it differs: two people decide what becomes of it.")
    await record_act(
        session, by=by, one=one, kind="seen_same" if same else "seen_different", reason=tidied(reason), request=request
    )


async def require_not_the_hand(session: AsyncSession, person: Person, one: Concerned) -> None:
    """Whoever posts by hand is not one of the two who let stand what they posted. Raises SomebodyElseCompares."""
    if one.row.platform != BY_HAND:
        return
    row = await _by_hand(session, one)
    if person.id in (row.releaser, await _posted_by(session, one.row.id)):
        raise SomebodyElseCompares()


async def _released(session: AsyncSession, by: Person, publication_id: UUID) -> Concerned:
    one = await locked_publication(session, by, publication_id, *OUT)
    row = await _by_hand(session, one)
    if by.id != row.releaser:
        raise NotTheReleaser()
    return one


async def _by_hand(session: AsyncSession, one: Concerned) -> "_HandRow":
    row = (
        await session.execute(
            text(
                "SELECT a.name, a.handle, a.releaser, p.name AS releaser_name, "
                "(SELECT max(dispatched_at) FROM attempt WHERE publication_id = :id) AS issued_at "
                "FROM account a LEFT JOIN person p ON p.id = a.releaser WHERE a.id = :account AND a.platform = :by_hand"
            ),
            {"id": one.row.id, "account": one.row.account_id, "by_hand": BY_HAND},
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _HandRow(**row._mapping)


@dataclass(frozen=True)
class _HandRow:
    name: str
    handle: str
    releaser: UUID | None
    releaser_name: str | None
    issued_at: datetime | None


async def _posted_by(session: AsyncSession, publication_id: UUID) -> UUID | None:
    row = (
        await session.execute(
            text("SELECT person_id FROM publication_act WHERE publication_id = :id AND kind = 'posted' ORDER BY at DESC LIMIT 1"),
            {"id": publication_id},
        )
    ).one_or_none()
    return row.person_id if row else None


async def _holds(session: AsyncSession, one: Concerned) -> tuple[str, ...]:
    rows = await session.execute(
        text(
            "SELECT reason FROM hold WHERE lifted_at IS NULL AND starts_at <= clock_timestamp() "
            "AND (ends_at IS NULL OR clock_timestamp() < ends_at) "
            "AND (scope, target) IN (('all', ''), ('platform', :by_hand), ('account', :account), ('draft', :draft)) "
            "ORDER BY placed_at"
        ),
        {"by_hand": BY_HAND, "account": str(one.row.account_id), "draft": str(one.row.draft_id)},
    )
    return tuple(row.reason for row in rows)
