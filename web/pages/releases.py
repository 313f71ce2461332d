"""Posting by hand: the exact text and files for the person named, their link, and somebody else's comparison."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput
from core.use_cases.releasing import Release, confirm_release, confirm_seen, release, say_not_posted
from web.desk import Desk, RequestId, Visitor
from web.draft_views import Fact, image_url
from web.errors import FieldErrors
from web.session import session_of
from web.when import from_now, london


class ReleasePages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request, by: Visitor, publication_id: UUID) -> Response:
        return await self._page(request, by, publication_id, {}, FieldErrors())

    async def _page(
        self,
        request: Request,
        by: Visitor,
        publication_id: UUID,
        typed: dict[str, str],
        errors: FieldErrors,
        status: int = 200,
    ) -> Response:
        async with self._desk.database.transaction() as session:
            found = await release(session, by=by, publication_id=publication_id)
        here = f"/publications/{publication_id}"
        view = _view(found, here)
        title = "Compare what was posted" if found.may_compare else "Post this by hand"
        back = {"text": "Back to the post", "href": here}
        return self._desk.page(request, "release.html", status, title=title, errors=errors, typed=typed, view=view, back=back)

    async def posted(self, request: Request, by: Visitor, publication_id: UUID, request_id: RequestId) -> Response:
        link = tidied(str((await request.form()).get("link") or ""))
        try:
            async with self._desk.database.transaction() as session:
                await confirm_release(session, by=by, publication_id=publication_id, link=link, request=request_id)
        except BadInput as refusal:
            errors = FieldErrors.from_refusal(refusal)
            return await self._page(request, by, publication_id, {"link": link}, errors, 422)
        return self._done(request, publication_id, "Thank you. Somebody else now compares what stands there.")

    async def not_posted(self, request: Request, by: Visitor, publication_id: UUID, request_id: RequestId) -> Response:
        reason = tidied(str((await request.form()).get("reason") or ""))
        try:
            async with self._desk.database.transaction() as session:
                await say_not_posted(session, by=by, publication_id=publication_id, reason=reason, request=request_id)
        except BadInput as refusal:
            errors = FieldErrors.from_refusal(refusal)
            return await self._page(request, by, publication_id, {"reason": reason}, errors, 422)
        return self._done(request, publication_id, "It goes back to the communications officer.")

    async def compared(self, request: Request, by: Visitor, publication_id: UUID, request_id: RequestId) -> Response:
        form = await request.form()
        reason, same = tidied(str(form.get("difference") or "")), str(form.get("same") or "")
        try:
            if same not in ("yes", "no"):
                raise BadInput("Say whether it is the same as what was authorised.", field="same")
            async with self._desk.database.transaction() as session:
                await confirm_seen(
                    session, by=by, publication_id=publication_id, same=same == "yes", reason=reason, request=request_id
                )
        except BadInput as refusal:
            errors = FieldErrors.from_refusal(refusal, {"reason": "difference"})
            return await self._page(request, by, publication_id, {"difference": reason, "same": same}, errors, 422)
        return self._done(request, publication_id, "Recorded under your name.")

    def _done(self, request: Request, publication_id: UUID, sentence: str) -> Response:
        session_of(request).flash(sentence)
        return RedirectResponse(f"/publications/{publication_id}", 303)


def _view(found: Release, here: str) -> dict[str, Any]:
    rendition = found.rendition
    facts = [
        Fact("Where", f"{found.account}, {found.platform_url}"),
        Fact("Who posts it", found.releaser or "Nobody is named"),
    ]
    if found.may_post:
        facts.append(Fact("Until", f"{london(found.until)} ({from_now(found.until, found.now)})"))
    if found.issued_at:
        facts.append(Fact("Issued", london(found.issued_at)))
    if rendition and rendition.link:
        facts.append(Fact("Link", rendition.link))
    return {
        "facts": facts,
        "holds": found.holds,
        "text": rendition.text if rendition else None,
        "images": [
            {"src": image_url(image.sha256), "name": f"image-{number}.{image.mime.rpartition('/')[2]}", "alt": image.alt}
            for number, image in enumerate(rendition.images, start=1)
        ]
        if rendition
        else [],
        "link": found.link if found.link and found.link.startswith("https://") else None,
        "said": found.link,
        "may_post": found.may_post,
        "may_compare": found.may_compare,
        "here": f"{here}/release",
    }


def release_routes(desk: Desk) -> APIRouter:
    pages = ReleasePages(desk)
    router = APIRouter(prefix="/publications/{publication_id}/release")
    router.add_api_route("", pages.show, methods=["GET"], response_model=None)
    router.add_api_route("/posted", pages.posted, methods=["POST"], response_model=None)
    router.add_api_route("/not-posted", pages.not_posted, methods=["POST"], response_model=None)
    router.add_api_route("/compared", pages.compared, methods=["POST"], response_model=None)
    return router
