"""The record: what became of one publication, and the audit list."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from core.domain.content import tidied
from core.domain.manifest import renditions_in
from core.domain.publication import BY_HAND, State
from core.use_cases.correcting import corrections_of
from core.use_cases.looking import DraftView, look
from core.use_cases.next_steps import NextSteps, next_steps
from core.use_cases.record import AuditLine, PublicationView, audit_list, publication_record
from core.use_cases.unresolved import Evidence, evidence
from core.use_cases.versions import version_view
from web.desk import Desk, Visitor
from web.draft_views import Entry, Fact, image_url
from web.pages.evidence import evidence_routes
from web.previews import Preview, preview_of
from web.publication_views import evidence_view, said_entries, steps_view
from web.when import london
from web.words import account_on, digest_shortly, label_of

_TROUBLE = {State.UNKNOWN, State.MISMATCH, State.REJECTED, State.HELD, State.REVOKED, State.EXPIRED, State.REMOVAL_UNKNOWN}
_OWNERS = {
    "service": "The service itself",
    "officer": "A communications officer",
    "authoriser": "Two people who did not write it",
    "releaser": "The person named for this account",
}
_RESULTS = {
    "accepted": "The platform accepted it",
    "not_sent": "Provably not sent",
    "refused": "The platform refused it",
    "unknown": "No clear answer",
    "processing": "Accepted, and still in work",
}


class RecordPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def publication(self, request: Request, by: Visitor, publication_id: UUID) -> Response:
        async with self._desk.database.transaction() as session:
            record = await publication_record(session, by=by, publication_id=publication_id)
            view = await look(session, by=by, draft_id=record.draft_id)
            preview = await self._preview(session, by, record, view)
            steps = await next_steps(session, by=by, publication_id=publication_id)
            found = await evidence(session, by=by, publication_id=publication_id)
            corrections = await corrections_of(session, publication_id)
        return self._desk.page(
            request,
            "publication.html",
            title=account_on(record.account, record.platform),
            back={"text": "Back to the draft", "href": f"/drafts/{record.draft_id}"},
            view={
                "caption": record.purpose,
                "state": record.state,
                "means": label_of(record.state).means,
                "permalink": record.permalink if record.state is not State.REMOVED else None,
                "platform": record.platform,
                "facts": _facts(record, steps),
                "steps": steps_view(steps, record.draft_id),
                "evidence": evidence_view(found, corrections, record.state),
                "digest": record.digest,
                "preview": preview,
                "timeline": _timeline(record, found),
            },
        )

    async def _preview(self, session: AsyncSession, by: Visitor, record: PublicationView, view: DraftView) -> Preview | None:
        """What was authorised, from the version with the digest that was authorised: never from the newest one."""
        number = next((version.number for version in view.versions if version.digest == record.digest), None)
        if number is None:
            return None
        _, canonical = await version_view(session, by=by, draft_id=record.draft_id, number=number)
        account = next((str(p.account_id) for p in view.publications if p.id == record.id), None)
        candidates = [r for r in renditions_in(canonical) if r.platform == record.platform and account in (None, r.account_id)]
        found = candidates[0] if len(candidates) == 1 else None
        if found is None:
            return None
        return preview_of(found, name=record.account, handle=record.handle, at=record.publish_at, image_url=image_url)

    async def audit(self, request: Request, by: Visitor, subject: str | None = None, after: str | None = None) -> Response:
        subject = tidied(subject or "") or None
        async with self._desk.database.transaction() as session:
            page = await audit_list(session, by=by, subject=subject, after=after)
        narrowed = f"subject={quote(subject)}&" if subject else ""
        return self._desk.page(
            request,
            "audit.html",
            title="Audit",
            about="Every act on the record, the newest first. Each event is chained to the one before it by its hash.",
            narrowed=subject,
            events=[_event(line) for line in page.items],
            empty="There is nothing on the record here.",
            next_href=f"/audit?{narrowed}after={page.next}" if page.next else None,
        )


def _facts(record: PublicationView, steps: NextSteps) -> list[Fact]:
    facts = [Fact("Account", f"{record.account}, {record.handle}"), Fact("Publish time", london(record.publish_at))]
    if record.post_id:
        facts.append(Fact("Where it stands" if record.platform == BY_HAND else "The platform’s number for it", record.post_id))
    if steps.owner:
        facts.append(Fact("Who acts next", _OWNERS.get(steps.owner, steps.owner)))
    if record.note:
        facts.append(Fact("Note", record.note))
    return facts


def _timeline(record: PublicationView, found: Evidence) -> list[Entry]:
    """Transitions, calls, answers and what people asked, in the order they happened."""
    entries = said_entries(found)
    entries += [
        Entry(move.at, label_of(State(move.after)).text, text=move.note, trouble=State(move.after) in _TROUBLE)
        for move in record.transitions
    ]
    called = "Given to a person to post" if record.platform == BY_HAND else "Call to the platform"
    # A call that is answered twice, first that it is in work, is one call.
    calls = {attempt.dispatched_at: attempt.digest for attempt in record.attempts}
    entries += [Entry(at, called, text=f"Digest {digest_shortly(digest)}") for at, digest in calls.items()]
    for attempt in record.attempts:
        if attempt.received_at is not None:
            status = f" (HTTP {attempt.status})" if attempt.status else ""
            title = f"{_RESULTS.get(attempt.result or '', 'Answer')}{status}"
            trouble = attempt.result not in ("accepted", "processing")
            entries.append(Entry(attempt.received_at, title, text=attempt.detail or "", trouble=trouble))
    return sorted(entries, key=lambda entry: entry.at)


def _event(line: AuditLine) -> dict[str, Any]:
    kind, _, subject_id = line.subject.partition(":")
    href = {"draft": f"/drafts/{subject_id}", "publication": f"/publications/{subject_id}"}.get(kind)
    facts: list[tuple[str, str, str | None]] = [
        ("Who", line.actor_name, None),
        ("About", f"{kind} {subject_id[:8]}", href),
    ]
    if line.paragraph:
        facts.append(("Paragraph", str(line.paragraph), None))
    more = [("Event", f"{line.number} of the chain of {line.subject}"), ("Who, in full", line.actor)]
    more += [("Digest", line.digest)] if line.digest else []
    more += [(name.replace("_", " ").capitalize(), _said(value)) for name, value in line.detail.items()]
    more.append(("Hash", line.hash))
    action = line.action.replace(".", ": ").replace("_", " ").capitalize()
    return {"action": action, "at": line.at, "facts": facts, "more": more}


def _said(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def record_routes(desk: Desk) -> APIRouter:
    pages = RecordPages(desk)
    router = APIRouter()
    router.add_api_route("/publications/{publication_id}", pages.publication, methods=["GET"], response_model=None)
    router.add_api_route("/audit", pages.audit, methods=["GET"], response_model=None)
    router.include_router(evidence_routes(desk))
    return router
