"""What is read and not changed: the queue, publications, accounts, prompts, the audit trail."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.answered import PageOut, WaitingOut
from api.answered_record import AccountOut, AuditEventOut, PromptOut, PublicationOut
from api.asked import Words
from api.door import Reading, answered
from api.openapi import refusals
from api.paging import After, Limit, page_out
from core.domain.prompts import PROMPTS
from core.use_cases import lists, record, versions

router = APIRouter(tags=["reading"])


@router.get("/queue", responses={**refusals(403, 422), 200: {"model": PageOut[WaitingOut]}})
async def queue(
    call: Reading,
    for_me: Annotated[bool, Query(description="Only what I may decide now")] = True,
    after: After = None,
    limit: Limit = lists.PAGE,
) -> Response:
    """What waits for a decision, the earliest publish time first."""
    async with call.transaction() as (session, person):
        page = await lists.waiting(session, by=person, for_me=for_me, after=after, limit=limit)
    return answered(page_out(page, WaitingOut))


@router.get("/publications/{publication_id}", responses={**refusals(404), 200: {"model": PublicationOut}})
async def show_publication(publication_id: UUID, call: Reading) -> Response:
    """One authorised version on one account: where it is, every move it made, every call to the platform and its receipt."""
    async with call.transaction() as (session, person):
        found = await record.publication_record(session, by=person, publication_id=publication_id)
    return answered(PublicationOut.model_validate(found))


@router.get("/accounts", responses={**refusals(), 200: {"model": PageOut[AccountOut]}})
async def accounts(call: Reading) -> Response:
    """The official accounts that a draft can name (paragraph 38), in one page."""
    async with call.transaction() as (session, _):
        found = await versions.accounts_to_choose(session)
    return answered(page_out(lists.Page(found, None), AccountOut))


@router.get("/prompts", responses={**refusals(), 200: {"model": PageOut[PromptOut]}})
async def prompts(call: Reading) -> Response:
    """The statements an authoriser confirms before authorising, each from its paragraph."""
    return answered(page_out(lists.Page(PROMPTS, None), PromptOut))


@router.get("/audit-events", responses={**refusals(403, 404, 422), 200: {"model": PageOut[AuditEventOut]}})
async def audit_events(
    call: Reading,
    subject: Annotated[Words | None, Query(max_length=200, description="Such as `draft:` and a draft's id")] = None,
    after: Annotated[str | None, Query(pattern=r"^\d{1,18}$", description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """What is on the record, the newest first: all of it for auditors, one draft's for whoever may see the draft."""
    async with call.transaction() as (session, person):
        page = await record.audit_list(session, by=person, subject=subject, after=after, limit=limit)
    return answered(page_out(page, AuditEventOut))
