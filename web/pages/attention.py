"""What needs a person: everything that waits, with its owner and age; and alarms, which somebody answers."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.domain.content import tidied
from core.domain.refusals import BadInput, StepUpNeeded
from core.use_cases.alarms import OWNERS, Alarm, alarm, answer_alarm, answered_alarms, open_alarms, watches
from core.use_cases.attention import Matter, matters
from web.desk import Desk, RequestId, Visitor
from web.draft_views import Fact, accounts_in_words
from web.errors import FieldErrors
from web.evidence_views import seen_in_words
from web.proving import prove_again, typed_before
from web.session import session_of
from web.when import from_now, london
from web.words import account_on

_OWNERS = {
    "officer": "A communications officer",
    "authoriser": "Two authorisers, or an authoriser and an account manager",
    "account_manager": "An account manager",
    "releaser": "The person who posts by hand",
}
_SECONDS = {
    "authoriser": "Somebody else: an authoriser or an account manager",
    "account_manager": "Another account manager",
}
_ACTS = {
    "hold.lift": "Lift a hold",
    "account.connect": "Connect an account",
    "account.disconnect": "Disconnect an account",
    "publication.resend": "Send a post again",
    "publication.abandon": "Give a post up",
    "publication.adopt": "Adopt a post as ours",
    "publication.accept": "Accept a difference",
    "publication.removed": "Record that a post is gone",
}
KINDS = {
    "rogue": "A post that nobody here authorised",
    "edited": "A post was changed",
    "vanished": "A post is gone",
    "blind": "An account cannot be watched",
    "late_receipt": "A late answer",
}


class AttentionPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def needs(self, request: Request, by: Visitor) -> Response:
        async with self._desk.database.transaction() as session:
            found = await matters(session, by=by)
        rows = [self._row(matter) for matter in found]
        return self._desk.page(request, "needs.html", title="Needs a person", rows=rows)

    def _row(self, matter: Matter) -> dict[str, Any]:
        age = f"{london(matter.since)} ({from_now(matter.since, self._desk.now())})"
        proposal = matter.kind == "proposal"
        owners = _SECONDS if proposal else _OWNERS
        account = [("Account", accounts_in_words([matter.account]))] if matter.account else []
        return {
            "href": _address(matter),
            "title": _ACTS.get(matter.act, matter.act) if proposal else matter.title,
            "state": matter.state,
            "tag": {"proposal": "Waits for a second person", "alarm": "Alarm", "account": "Account"}.get(matter.kind),
            "text": f"{matter.note} asked. Why: {matter.title}" if proposal else matter.note,
            "facts": [*account, ("Who acts", owners.get(matter.owner, matter.owner)), ("Since", age)],
        }

    async def alarms(self, request: Request, by: Visitor) -> Response:
        async with self._desk.database.transaction() as session:
            open_ones, answered = await open_alarms(session, by=by), await answered_alarms(session, by=by)
            watched = await watches(session, by=by)
        return self._desk.page(
            request,
            "alarms.html",
            title="Alarms",
            rows=[_alarm_row(one) for one in open_ones],
            answered=[_alarm_row(one) for one in answered],
            watched=[
                {
                    "name": account_on(one.account, one.platform),
                    "value": f"every {one.every_seconds} seconds, last "
                    + (from_now(one.seen_at, one.now) if one.seen_at else "not read yet")
                    + (f". {one.trouble}" if one.trouble else ""),
                }
                for one in watched
            ],
        )

    async def alarm(self, request: Request, by: Visitor, alarm_id: UUID) -> Response:
        async with self._desk.database.transaction() as session:
            found = await alarm(session, by=by, alarm_id=alarm_id)
        words = str(typed_before(request, f"/alarms/{alarm_id}").get("words", ""))
        return self._alarm_page(request, by, found, words, FieldErrors())

    def _alarm_page(
        self, request: Request, by: Visitor, found: Alarm, words: str, errors: FieldErrors, status: int = 200
    ) -> Response:
        facts = [
            Fact("Account", f"{account_on(found.account, found.platform)}, {found.handle}"),
            Fact("Raised", london(found.raised_at)),
        ]
        if found.post_id:
            facts.append(Fact("The platform’s number for it", found.post_id))
        if found.publication_id:
            facts.append(Fact("Our publication", "On the record", f"/publications/{found.publication_id}", "See"))
        if found.again_at:
            facts.append(Fact("Read again since", london(found.again_at)))
        if found.answer:
            facts.append(Fact(f"Answered by {found.answered_by}", found.answer))
        return self._desk.page(
            request,
            "alarm.html",
            status,
            title=_title(found),
            errors=errors,
            typed={"words": words},
            view={
                "sentence": found.sentence,
                "facts": facts,
                "evidence": seen_in_words(found.evidence),
                "action": f"/alarms/{found.id}" if by.has(*OWNERS) and not found.answer else None,
                "account": f"/accounts/{found.account_id}",
            },
            back={"text": "Back to the alarms", "href": "/alarms"},
        )

    async def answer(self, request: Request, by: Visitor, alarm_id: UUID, request_id: RequestId) -> Response:
        words = tidied(str((await request.form()).get("words") or ""))
        try:
            async with self._desk.database.transaction() as session:
                await answer_alarm(
                    session,
                    by=by,
                    authenticated_at=session_of(request).auth_time,
                    alarm_id=alarm_id,
                    words=words,
                    request=request_id,
                )
        except StepUpNeeded:
            return prove_again(request, f"/alarms/{alarm_id}", {"words": words})
        except BadInput as refusal:
            async with self._desk.database.transaction() as session:
                found = await alarm(session, by=by, alarm_id=alarm_id)
            return self._alarm_page(request, by, found, words, FieldErrors.from_refusal(refusal), 422)
        session_of(request).flash("Answered. It stands on the record under your name.")
        return RedirectResponse("/alarms", 303)


def _address(matter: Matter) -> str:
    kind, _, subject = matter.about.partition(":")
    if matter.kind == "alarm":
        return f"/alarms/{matter.id}"
    if matter.kind == "release":
        return f"/publications/{matter.id}/release"
    if matter.kind == "proposal" and kind in ("account", "publication"):
        return f"/{kind}s/{subject}/proposals/{matter.id}"
    return f"/holds/{subject}/lift" if kind == "hold" else f"/{kind}s/{subject}"


def _alarm_row(one: Alarm) -> dict[str, Any]:
    facts = [("Account", account_on(one.account, one.platform)), ("Raised", london(one.raised_at))]
    if one.answered_at and one.answer:
        facts.append(("Answered", f"{one.answered_by}, {london(one.answered_at)}"))
        facts.append(("What was found and done", one.answer))
    return {"href": f"/alarms/{one.id}", "title": _title(one), "text": one.sentence, "facts": facts}


def _title(one: Alarm) -> str:
    return KINDS.get(one.kind, one.kind.replace("_", " ").capitalize())


def attention_routes(desk: Desk) -> APIRouter:
    pages = AttentionPages(desk)
    router = APIRouter()
    router.add_api_route("/needs-a-person", pages.needs, methods=["GET"], response_model=None)
    router.add_api_route("/alarms", pages.alarms, methods=["GET"], response_model=None)
    router.add_api_route("/alarms/{alarm_id}", pages.alarm, methods=["GET"], response_model=None)
    router.add_api_route("/alarms/{alarm_id}", pages.answer, methods=["POST"], response_model=None)
    return router
