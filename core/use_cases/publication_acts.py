"""What people ask of one publication: who may, how it is written down, and that the service is told to look."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import tidied
from core.domain.people import Person, Role
from core.domain.publication import State
from core.domain.refusals import BadInput, Conflict, NotAllowed, NotFound
from core.records.audit import actor_name, append
from core.records.facts import DraftFacts
from core.records.publications import Publication, publication
from core.records.reads import grants_of, look_again
from core.use_cases.access import locked_draft, seen_draft


class NotYours(NotAllowed):
    code = "not_a_resolver"
    paragraph = 36
    sentence = (
        "This is for an authoriser who holds an authority for this account, or an account manager (derived from paragraph 36). "
        "Ask one of them."
    )


class TouchedIt(NotAllowed):
    code = "contributor_cannot_resolve"
    paragraph = 36
    sentence = (
        "You wrote, changed or submitted this draft, so others must decide what becomes of its post (derived from paragraph 36)."
    )


class MovedOn(Conflict):
    code = "publication_moved_on"
    sentence = "This post is no longer as you saw it, so nothing was recorded. Open it again and look at what is there now."


@dataclass(frozen=True)
class Concerned:
    """A publication with its draft, as they stand; under the draft's lock when it is to be acted on."""

    row: Publication
    facts: DraftFacts

    @property
    def now(self) -> datetime:
        return self.facts.now


async def seen_publication(session: AsyncSession, by: Person, publication_id: UUID) -> Concerned:
    """To look at; or NotFound."""
    row = await publication(session, publication_id)
    if row is None:
        raise NotFound()
    return Concerned(row, await seen_draft(session, by, row.draft_id))


async def locked_publication(
    session: AsyncSession, by: Person, publication_id: UUID, *states: State, epoch: int | None = None
) -> Concerned:
    """To act on, under its draft's lock, which dispatch() takes too; MovedOn unless it stands at one of `states`.

    `epoch`: the one the person was shown, if the page says; anything sent since makes it MovedOn.
    """
    found = await publication(session, publication_id)
    if found is None:
        raise NotFound()
    facts = await locked_draft(session, by, found.draft_id)
    row = await publication(session, publication_id)
    if row is None or row.state not in states or epoch not in (None, row.epoch):
        raise MovedOn()
    return Concerned(row, facts)


async def refusal_to_resolve(session: AsyncSession, by: Person, one: Concerned) -> NotAllowed | None:
    """Why this person may not decide what becomes of the post, or None. Who touched the draft may not (two pairs of eyes)."""
    if by.id in one.facts.contributors:
        return TouchedIt()
    if by.has(Role.ACCOUNT_MANAGER):
        return None
    grants = await grants_of(session, by.id)
    covers = any(
        grant.account_id in (None, one.row.account_id) and grant.valid_from <= one.now < grant.valid_until for grant in grants
    )
    return None if by.has(Role.AUTHORISER) and covers else NotYours()


async def require_resolver(session: AsyncSession, by: Person, one: Concerned) -> None:
    refusal = await refusal_to_resolve(session, by, one)
    if refusal is not None:
        raise refusal


def subject_of(publication_id: UUID) -> str:
    return f"publication:{publication_id}"


async def record_act(
    session: AsyncSession,
    *,
    by: Person,
    one: Concerned,
    kind: str,
    reason: str,
    link: str | None = None,
    request: str = "",
) -> UUID:
    """Write down what this person asks of it alone; the worker reads it and does it. Returns the act's id."""
    act_id = uuid4()
    await session.execute(
        text(
            "INSERT INTO publication_act (id, publication_id, kind, epoch, reason, link, person_id) "
            "VALUES (:id, :publication, :kind, :epoch, :reason, :link, :by)"
        ),
        {
            "id": act_id,
            "publication": one.row.id,
            "kind": kind,
            "epoch": one.row.epoch,
            "reason": reason,
            "link": link,
            "by": by.id,
        },
    )
    await append(
        session,
        subject=subject_of(one.row.id),
        actor=actor_name(by),
        action=f"publication.{kind}",
        paragraph=36,
        digest=one.row.digest,
        detail={"act": act_id, "epoch": one.row.epoch, "link": link},
        request=request,
    )
    await tell(session, one)
    return act_id


async def tell(session: AsyncSession, one: Concerned) -> None:
    """The worker looks again once this commits."""
    await look_again(session, draft_id=one.row.draft_id, publications=(one.row.id,))


def given_reason(reason: str, sentence: str) -> str:
    reason = tidied(reason)
    if not reason:
        raise BadInput(sentence, field="reason")
    return reason
