"""The record to take away: a version's canonical bytes, and a draft's audit chains as they were hashed."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from core.use_cases.evidence import Chain, audit_evidence
from core.use_cases.versions import version_view
from web.desk import Desk, Visitor

ABOUT = (
    "Each hash is the SHA-256 of its event's body in UTF-8. The first event's prev is the SHA-256 of 'countersign:' and the "
    "chain's subject; every other's is the hash before it. Each manifest's digest is 'v1:sha256:' and the SHA-256 of its text."
)


class EvidencePages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def version(self, by: Visitor, draft_id: UUID, number: int) -> Response:
        """Exactly the bytes that the version's digest is made over."""
        async with self._desk.database.transaction() as session:
            _, canonical = await version_view(session, by=by, draft_id=draft_id, number=number)
        return Response(canonical, media_type="application/json")

    async def record(self, by: Visitor, draft_id: UUID) -> Response:
        async with self._desk.database.transaction() as session:
            evidence = await audit_evidence(session, by=by, draft_id=draft_id)
        return JSONResponse(
            {
                "about": ABOUT,
                "draft": str(draft_id),
                "manifests": {digest: canonical.decode() for digest, canonical in evidence.manifests.items()},
                "chains": [_chain(chain) for chain in evidence.chains],
            },
            headers={"content-disposition": f'attachment; filename="countersign-record-{draft_id}.json"'},
        )


def _chain(chain: Chain) -> dict[str, Any]:
    number, hashed = chain.head
    return {
        "subject": chain.subject,
        "head": {"number": number, "hash": hashed.hex()},
        "events": [
            {"number": event.number, "prev": event.prev.hex(), "hash": event.hash.hex(), "body": event.body.decode()}
            for event in chain.events
        ],
    }


def evidence_routes(desk: Desk) -> APIRouter:
    pages = EvidencePages(desk)
    router = APIRouter(prefix="/drafts/{draft_id}")
    router.add_api_route("/versions/{number}.json", pages.version, methods=["GET"], response_model=None)
    router.add_api_route("/record.json", pages.record, methods=["GET"], response_model=None)
    return router
