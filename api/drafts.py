"""Drafts and their versions."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from api.answered import DraftLineOut, DraftOut, PageOut, SavedOut, VersionLineOut, VersionOut
from api.asked import DraftContent
from api.content import content_of, draft_out, etag, source_of, tags_in
from api.door import Call, Posting, Reading, answered
from api.openapi import refusals
from api.paging import After, Limit, page_out
from api.problems import PreconditionFailed, PreconditionMissing
from core.domain.people import Person
from core.domain.refusals import DraftChanged
from core.use_cases import drafting, lists, looking, versions

router = APIRouter(tags=["drafts"])

IfMatch = Annotated[str | None, Header(max_length=1000, description="The ETag that GET, POST or PUT gave. Required.")]


@router.post("/drafts", status_code=201, responses={**refusals(400, 403, 409, 413, 422), 201: {"model": SavedOut}})
async def create_draft(asked: DraftContent, call: Posting) -> Response:
    """Write a new draft; its first version with it."""
    source = source_of(call, asked)

    async def act(session: Any, person: Person) -> SavedOut:
        saved = await drafting.create_draft(
            session, by=person, source=source, publish_at=asked.publish_at, request=call.request_id
        )
        return _saved_out(saved, asked)

    return await call.once(act, SavedOut, headers=lambda out: _headers(call, out))


@router.get("/drafts", responses={**refusals(403, 422), 200: {"model": PageOut[DraftLineOut]}})
async def list_drafts(
    call: Reading,
    mine: Annotated[bool, Query(description="Only drafts I touched")] = False,
    after: After = None,
    limit: Limit = lists.PAGE,
) -> Response:
    """The drafts the caller may see, the most recently changed first."""
    async with call.transaction() as (session, person):
        page = await lists.drafts(session, by=person, mine=mine, after=after, limit=limit)
    return answered(page_out(page, DraftLineOut))


@router.get("/drafts/{draft_id}", responses={**refusals(404), 200: {"model": DraftOut}})
async def show_draft(draft_id: UUID, call: Reading) -> Response:
    """One draft: what it says, where it stands, who decided, and what the caller may do. Its ETag goes into If-Match."""
    async with call.transaction() as (session, person):
        view = await looking.look(session, by=person, draft_id=draft_id)
        source, publish_at, number = await versions.editable(session, by=person, draft_id=draft_id)
    return answered(draft_out(view, content_of(source, publish_at)), {"ETag": etag(number, publish_at)})


@router.put("/drafts/{draft_id}", responses={**refusals(400, 403, 404, 409, 412, 413, 422, 428), 200: {"model": SavedOut}})
async def replace_draft(draft_id: UUID, asked: DraftContent, call: Reading, if_match: IfMatch = None) -> Response:
    """Save over the draft that was read. A change to anything but the time is a new version, and voids every authorisation."""
    if if_match is None or if_match.strip() == "*":
        # "*" would let a caller overwrite what they never saw.
        raise PreconditionMissing()
    source = source_of(call, asked)
    async with call.transaction() as (session, person):
        _, publish_at, number = await versions.editable(session, by=person, draft_id=draft_id)
        if etag(number, publish_at) not in tags_in(if_match):
            raise PreconditionFailed()
        try:
            saved = await drafting.save_draft(
                session,
                by=person,
                draft_id=draft_id,
                seen_version=number,
                seen_publish_at=publish_at,
                source=source,
                publish_at=asked.publish_at,
                request=call.request_id,
            )
        except DraftChanged:
            raise PreconditionFailed() from None
    out = _saved_out(saved, asked)
    return answered(out, {"ETag": etag(out.version, out.publish_at)})


@router.get("/drafts/{draft_id}/versions", responses={**refusals(404), 200: {"model": PageOut[VersionLineOut]}})
async def list_versions(draft_id: UUID, call: Reading) -> Response:
    """Every version, the newest first, in one page."""
    async with call.transaction() as (session, person):
        view = await looking.look(session, by=person, draft_id=draft_id)
    return answered(page_out(lists.Page(view.versions, None), VersionLineOut))


@router.get("/drafts/{draft_id}/versions/{number}", responses={**refusals(404), 200: {"model": VersionOut}})
async def show_version(draft_id: UUID, number: Annotated[int, Path(ge=1, lt=2**31)], call: Reading) -> Response:
    """One version with its manifest: what the digest, and whoever authorises it, names."""
    async with call.transaction() as (session, person):
        version, canonical = await versions.version_view(session, by=person, draft_id=draft_id, number=number)
    line = VersionLineOut.model_validate(version)
    return answered(VersionOut(**line.model_dump(), manifest=json.loads(canonical)))


def _saved_out(saved: drafting.Saved, asked: DraftContent) -> SavedOut:
    return SavedOut(
        id=saved.draft_id,
        version=saved.version,
        digest=saved.digest,
        publish_at=asked.publish_at,
        changed=saved.changed,
        rescheduled=saved.rescheduled,
    )


def _headers(call: Call, out: SavedOut) -> dict[str, str]:
    return {"Location": call.address(f"/drafts/{out.id}"), "ETag": etag(out.version, out.publish_at)}
