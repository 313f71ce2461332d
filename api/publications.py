"""What people settle about a publication: evidence, next steps, resolutions by two, takedowns, corrections."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.answered import At, Out, PageOut
from api.asked import Asked, Words
from api.door import Posting, Reading, answered
from api.openapi import refusals
from api.paging import page_out
from api.people_only import AskedOut, NewConfirmation, NewReason, ProposalOut, a_person, person_signed_in_lately
from core.domain.people import Person
from core.domain.publication import State
from core.domain.refusals import NotFound
from core.use_cases import correcting, lists, next_steps, resolving, taking_down, unresolved

router = APIRouter(tags=["publications"])
_HERE = "/publications/{publication_id}"


class UnresolvedOut(Out):
    publication_id: UUID
    draft_id: UUID
    purpose: str
    account: str
    platform: str
    state: State
    since: At
    note: str
    looked: int
    last_look: At | None
    waiting: bool


class WaitingActOut(Out):
    """`cannot`: why the caller is not the second person."""

    act: resolving.Act
    proposal: ProposalOut
    cannot: str | None


class NextStepsOut(Out):
    """`acts` are open to the caller; resend, abandon, adopt, accept and removed are asked for and confirmed by another."""

    publication_id: UUID
    state: State
    epoch: int
    owner: str | None
    sentence: str
    acts: list[str]
    waiting: list[WaitingActOut]
    cannot: str | None


class FoundPostOut(Out):
    post_id: str
    at: At | None
    text: str
    permalink: str | None
    differences: list[str]
    taken: bool


class LookOut(Out):
    at: At
    sentence: str
    found: list[FoundPostOut]


class SaidOut(Out):
    kind: str
    by: str
    confirmed_by: str | None
    reason: str
    link: str | None
    at: At
    result: str | None
    note: str


class RemovalOut(Out):
    at: At
    post_id: str
    stood: dict[str, Any]
    answers: list[str]


class EvidenceOut(Out):
    """Beside the calls and receipts of the publication itself: looks for it, what people said, what was kept before removal."""

    looks: list[LookOut]
    said: list[SaidOut]
    removals: list[RemovalOut]
    unexpected: list[str]


class NewResolution(Asked):
    """`epoch`: as `next-steps` told it, so that nothing that moved since is decided on. `post`: for adopt, its address or id."""

    act: resolving.Act
    reason: Words
    epoch: int
    post: Words = ""


class NewResolutionConfirmation(NewConfirmation):
    act: resolving.Act


class CorrectionOut(Out):
    """The new draft."""

    id: UUID
    version: int
    digest: str


class DoneOut(Out):
    publication_id: UUID


@router.get("/unresolved", responses={**refusals(), 200: {"model": PageOut[UnresolvedOut]}})
async def unresolved_publications(call: Reading) -> Response:
    """What waits for people to settle it, the oldest first, in one page."""
    async with call.transaction() as (session, person):
        found = await unresolved.unknowns(session, by=person)
    return answered(page_out(lists.Page(found, None), UnresolvedOut))


@router.get(f"{_HERE}/next-steps", responses={**refusals(404), 200: {"model": NextStepsOut}})
async def show_next_steps(publication_id: UUID, call: Reading) -> Response:
    """Who acts next, and what the caller may do now."""
    async with call.transaction() as (session, person):
        found = await next_steps.next_steps(session, by=person, publication_id=publication_id)
    out = {name: getattr(found, name) for name in NextStepsOut.model_fields}
    return answered(NextStepsOut.model_validate({**out, "acts": sorted(found.acts)}, from_attributes=True))


@router.get(f"{_HERE}/evidence", responses={**refusals(404), 200: {"model": EvidenceOut}})
async def show_evidence(publication_id: UUID, call: Reading) -> Response:
    """What people decide on."""
    async with call.transaction() as (session, person):
        found = await unresolved.evidence(session, by=person, publication_id=publication_id)
    return answered(EvidenceOut.model_validate(found))


@router.post(
    f"{_HERE}/resolutions", status_code=201, responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": AskedOut}}
)
async def ask(publication_id: UUID, asked: NewResolution, call: Posting) -> Response:
    """The first person's word on an unknown outcome, a difference or an unconfirmed removal."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> AskedOut:
        made = await resolving.ask(
            session,
            by=person,
            authenticated_at=signed_in,
            publication_id=publication_id,
            act=asked.act,
            reason=asked.reason,
            post=asked.post,
            epoch=asked.epoch,
            request=call.request_id,
        )
        return AskedOut(proposal_id=made)

    return await call.once(act, AskedOut)


@router.post(
    f"{_HERE}/resolution-confirmations",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": DoneOut}},
)
async def confirm(publication_id: UUID, asked: NewResolutionConfirmation, call: Posting) -> Response:
    """The second person's word; the service carries it out."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> DoneOut:
        done = await resolving.confirm(
            session,
            by=person,
            authenticated_at=signed_in,
            proposal_id=asked.proposal_id,
            act=asked.act,
            request=call.request_id,
        )
        if done != publication_id:
            raise NotFound()
        return DoneOut(publication_id=done)

    return await call.once(act, DoneOut)


@router.post(f"{_HERE}/takedowns", status_code=201, responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": DoneOut}})
async def take_down(publication_id: UUID, asked: NewReason, call: Posting) -> Response:
    """Have a standing post removed; what stood there is kept first. Any authoriser, never a machine client."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> DoneOut:
        await taking_down.take_down(
            session,
            by=person,
            authenticated_at=signed_in,
            publication_id=publication_id,
            reason=asked.reason,
            request=call.request_id,
        )
        return DoneOut(publication_id=publication_id)

    return await call.once(act, DoneOut)


@router.post(f"{_HERE}/give-ups", status_code=201, responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": DoneOut}})
async def give_up(publication_id: UUID, asked: NewReason, call: Posting) -> Response:
    """What the platform refused is not tried again."""
    a_person(call)

    async def act(session: Any, person: Person) -> DoneOut:
        await resolving.give_up(session, by=person, publication_id=publication_id, reason=asked.reason, request=call.request_id)
        return DoneOut(publication_id=publication_id)

    return await call.once(act, DoneOut)


@router.post(f"{_HERE}/corrections", status_code=201, responses={**refusals(403, 404, 409, 422), 201: {"model": CorrectionOut}})
async def correct(publication_id: UUID, call: Posting) -> Response:
    """A new draft with the same words, linked to what it corrects; nothing of it is authorised."""

    async def act(session: Any, person: Person) -> CorrectionOut:
        saved = await correcting.correct(session, by=person, publication_id=publication_id, request=call.request_id)
        return CorrectionOut(id=saved.draft_id, version=saved.version, digest=saved.digest)

    return await call.once(act, CorrectionOut, headers=lambda out: {"Location": call.address(f"/drafts/{out.id}")})
