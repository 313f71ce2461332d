"""The lists people work from: what waits for me, what waits at all, what I decided, my drafts."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.people import Role
from core.domain.route import Answer
from core.use_cases.lists import DraftLine, PastDecision, Waiting, decided_by_me, drafts, waiting
from web.desk import Desk, Visitor
from web.draft_views import accounts_in_words
from web.listing import Row
from web.when import from_now, london

WRITE = {"text": "Write a draft", "href": "/drafts/new"}


class QueuePages:
    """Each list is one page of at most 25 rows, with a link to the following one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def home(self, by: Visitor) -> Response:
        """To the list this person works from."""
        if by.has(Role.AUTHORISER):
            return RedirectResponse("/queue", 303)
        return RedirectResponse("/drafts" if by.has(Role.OFFICER) else "/queue/all", 303)

    async def for_me(self, request: Request, by: Visitor, after: str | None = None) -> Response:
        return await self._waiting(request, by, after, for_me=True)

    async def all_waiting(self, request: Request, by: Visitor, after: str | None = None) -> Response:
        return await self._waiting(request, by, after, for_me=False)

    async def _waiting(self, request: Request, by: Visitor, after: str | None, *, for_me: bool) -> Response:
        async with self._desk.database.transaction() as session:
            page = await waiting(session, by=by, for_me=for_me, after=after)
        here = "/queue" if for_me else "/queue/all"
        about = "You may decide each of these now." if for_me else "Everything that waits for somebody’s decision."
        return self._desk.page(
            request,
            "queue.html",
            title="For me" if for_me else "All waiting",
            about=f"{about} The one that is to be published first comes first.",
            rows=[self._waiting_row(item) for item in page.items],
            empty="Nothing waits for your decision." if for_me else "Nothing waits for a decision.",
            next_href=f"{here}?after={page.next}" if page.next else None,
            next_text="Later ones",
        )

    def _waiting_row(self, item: Waiting) -> Row:
        due = f"{london(item.due)} ({from_now(item.due, self._desk.now())})"
        facts = [
            ("Publish time", due),
            ("Accounts", accounts_in_words(item.accounts)),
            ("From", item.submitted_by),
            ("Waiting since", london(item.since)),
        ]
        return Row(f"/drafts/{item.draft_id}/decide", item.purpose, f"Waits for: {item.label}", tuple(facts), None)

    async def decided(self, request: Request, by: Visitor, after: str | None = None) -> Response:
        async with self._desk.database.transaction() as session:
            page = await decided_by_me(session, by=by, after=after)
        return self._desk.page(
            request,
            "queue.html",
            title="Decided",
            about="What you decided, newest first. Each decision stands on the record under your name (paragraph 35).",
            rows=[_decided_row(item) for item in page.items],
            empty="You have not decided on anything yet.",
            next_href=f"/queue/decided?after={page.next}" if page.next else None,
            next_text="Earlier ones",
        )

    async def my_drafts(self, request: Request, by: Visitor, after: str | None = None) -> Response:
        return await self._drafts(request, by, after, mine=True)

    async def all_drafts(self, request: Request, by: Visitor, after: str | None = None) -> Response:
        return await self._drafts(request, by, after, mine=False)

    async def _drafts(self, request: Request, by: Visitor, after: str | None, *, mine: bool) -> Response:
        async with self._desk.database.transaction() as session:
            page = await drafts(session, by=by, mine=mine, after=after)
        here = "/drafts" if mine else "/drafts/all"
        return self._desk.page(
            request,
            "queue.html",
            title="My drafts" if mine else "All drafts",
            about="Drafts that you wrote or changed, the latest first." if mine else "Every draft, the latest first.",
            other={"text": "All drafts", "href": "/drafts/all"} if mine else {"text": "My drafts", "href": "/drafts"},
            rows=[_draft_row(line) for line in page.items],
            empty="You have not written a draft yet." if mine else "Nobody has written a draft yet.",
            button=WRITE if by.has(Role.OFFICER, Role.AUTHORISER) else None,
            next_href=f"{here}?after={page.next}" if page.next else None,
            next_text="Earlier ones",
        )


def _decided_row(item: PastDecision) -> Row:
    facts = (("Decided", london(item.decided_at)), ("As", item.label), ("Version", str(item.version)))
    return Row(f"/drafts/{item.draft_id}", item.purpose, "", facts, Answer(item.answer))


def _draft_row(line: DraftLine) -> Row:
    facts = (
        ("Publish time", london(line.publish_at)),
        ("Accounts", accounts_in_words(line.accounts)),
        ("Changed", london(line.changed_at)),
        ("Version", str(line.version)),
    )
    return Row(f"/drafts/{line.draft_id}", line.purpose, "", facts, line.standing)


def queue_routes(desk: Desk) -> APIRouter:
    pages = QueuePages(desk)
    router = APIRouter()
    for path, page in (
        ("/", pages.home),
        ("/queue", pages.for_me),
        ("/queue/all", pages.all_waiting),
        ("/queue/decided", pages.decided),
        ("/drafts", pages.my_drafts),
        ("/drafts/all", pages.all_drafts),
    ):
        router.add_api_route(path, page, methods=["GET"], response_model=None)
    return router
