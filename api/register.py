"""The register of accounts and its alarms. Consenting at a platform needs a browser: accounts are connected on the pages."""

from datetime import timedelta
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
from core.domain.refusals import NotFound
from core.use_cases import account_changes, accounts, alarms, lists
from core.use_cases.connecting import introduce

router = APIRouter(tags=["register"])
_HERE = "/accounts/{account_id}"


class NewAccount(Asked):
    """`official`: it belongs to the department and is nobody's personal account (paragraph 38)."""

    platform: Words
    handle: Words
    name: Words
    owner_team: Words
    official: bool
    server: Words = ""
    releaser_id: UUID | None = None


class RegisteredOut(Out):
    """An account with its health: can the service post there, until when, when did it last."""

    id: UUID
    platform: str
    kind: str
    handle: str
    name: str
    owner_team: str
    server: str
    status: str
    platform_account_id: str
    revision: int
    releaser: str | None
    can_post: bool
    problem: str
    expires_at: At | None
    ends_at: At | None
    warned_days: int | None
    last_success_at: At | None
    last_checked_at: At | None
    last_refresh_at: At | None
    waiting: list[ProposalOut]


class AlarmOut(Out):
    id: UUID
    kind: str
    account_id: UUID
    account: str
    platform: str
    handle: str
    publication_id: UUID | None
    draft_id: UUID | None
    post_id: str | None
    sentence: str
    evidence: dict[str, Any]
    raised_at: At
    again_at: At | None
    answered_by: str | None
    answered_at: At | None
    answer: str | None


class NewWatch(Asked):
    """Between 15 and 240 seconds."""

    every_seconds: int


class WatchOut(Out):
    account_id: UUID
    every_seconds: int


class NewAnswer(Asked):
    words: Words


@router.post("/accounts", status_code=201, responses={**refusals(400, 403, 409, 413, 422), 201: {"model": RegisteredOut}})
async def register(asked: NewAccount, call: Posting) -> Response:
    """Put an official account into the register. Nothing is published there until two people connected it on the pages.

    A person says that it is the department's (paragraph 38): a machine client cannot.
    """
    a_person(call)

    async def act(session: Any, person: Person) -> RegisteredOut:
        made = await accounts.register_account(session, by=person, **asked.model_dump(), request=call.request_id)
        await introduce(session, by=person, account_id=made, consent=call.door.consent)
        return RegisteredOut.model_validate(await accounts.see_account(session, by=person, account_id=made))

    return await call.once(act, RegisteredOut, headers=lambda out: {"Location": call.address(f"/accounts/{out.id}")})


@router.get(_HERE, responses={**refusals(403, 404), 200: {"model": RegisteredOut}})
async def show_account(account_id: UUID, call: Reading) -> Response:
    """One account with its health, and what waits for a second person."""
    async with call.transaction() as (session, person):
        found = await accounts.see_account(session, by=person, account_id=account_id)
    return answered(RegisteredOut.model_validate(found))


@router.post(
    f"{_HERE}/disconnect-requests",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": AskedOut}},
)
async def ask_to_disconnect(account_id: UUID, asked: NewReason, call: Posting) -> Response:
    """Ask a second person to disconnect an account."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> AskedOut:
        made = await account_changes.ask_to_disconnect(
            session, by=person, authenticated_at=signed_in, account_id=account_id, reason=asked.reason, request=call.request_id
        )
        return AskedOut(proposal_id=made)

    return await call.once(act, AskedOut)


@router.post(
    f"{_HERE}/confirmations",
    status_code=201,
    responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": RegisteredOut}},
)
async def confirm(account_id: UUID, asked: NewConfirmation, call: Posting) -> Response:
    """The second person's yes to connecting or disconnecting this account, whichever was asked."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> RegisteredOut:
        seen = await accounts.see_account(session, by=person, account_id=account_id)
        waiting = next((one for one in seen.waiting if one.id == asked.proposal_id), None)
        if waiting is None:
            raise NotFound()
        connects = waiting.kind == account_changes.CONNECT
        change = account_changes.confirm_connect if connects else account_changes.confirm_disconnect
        await change(session, by=person, authenticated_at=signed_in, proposal_id=asked.proposal_id, request=call.request_id)
        return RegisteredOut.model_validate(await accounts.see_account(session, by=person, account_id=account_id))

    return await call.once(act, RegisteredOut)


@router.put(f"{_HERE}/watch", responses={**refusals(400, 403, 404, 413, 422), 200: {"model": WatchOut}})
async def set_watch(account_id: UUID, asked: NewWatch, call: Reading) -> Response:
    """How often the account's own posts are read, so that one that nobody authorised is seen."""
    every = timedelta(seconds=min(max(asked.every_seconds, 0), 86400))
    async with call.transaction() as (session, person):
        await alarms.set_watch(session, by=person, account_id=account_id, every=every, request=call.request_id)
    return answered(WatchOut(account_id=account_id, every_seconds=asked.every_seconds))


@router.get("/alarms", responses={**refusals(403), 200: {"model": PageOut[AlarmOut]}})
async def open_alarms(call: Reading) -> Response:
    """The alarms nobody has answered, the oldest first, in one page."""
    async with call.transaction() as (session, person):
        found = await alarms.open_alarms(session, by=person)
    return answered(page_out(lists.Page(tuple(found), None), AlarmOut))


@router.post(
    "/alarms/{alarm_id}/answers", status_code=201, responses={**refusals(400, 403, 404, 409, 413, 422), 201: {"model": AlarmOut}}
)
async def answer(alarm_id: UUID, asked: NewAnswer, call: Posting) -> Response:
    """Say what was found and done; it stands on the record. People only."""
    signed_in = person_signed_in_lately(call)

    async def act(session: Any, person: Person) -> AlarmOut:
        await alarms.answer_alarm(
            session, by=person, authenticated_at=signed_in, alarm_id=alarm_id, words=asked.words, request=call.request_id
        )
        return AlarmOut.model_validate(await alarms.alarm(session, by=person, alarm_id=alarm_id))

    return await call.once(act, AlarmOut)
