"""SIGKILL to the api, to Temporal, to PostgreSQL: started again, every decision stands and every post goes out once."""

import asyncio
from uuid import UUID

import httpx2
import pytest

from core.use_cases.drafting import Saved
from tests.faults.running import CONFIRMED, Running, in_seconds, never_twice

pytestmark = [pytest.mark.faults, pytest.mark.anyio]


def verified(service: Running, drafts: list[UUID], *, seconds: float) -> None:
    """Everything so far settled, and each of these is out exactly once."""
    found = service.settled(service.count, seconds=seconds)
    never_twice(found)
    for row in found:
        if row["draft_id"] in drafts:
            assert (row["state"], row["posts"]) == ("verified", 1), row


async def test_temporal_killed_loses_no_decision_and_no_post(service: Running) -> None:
    """One waits at the gate when it dies and goes out without it; others are decided meanwhile and go out after."""
    waiting = await service.authorised(2, due=in_seconds(6))
    await service.claimed(waiting)
    service.parts.temporal.kill()
    meanwhile = await service.authorised(2, due=in_seconds(3), platforms=("x", "facebook"))
    await asyncio.sleep(6)
    assert not [row for row in service.publications() if row["draft_id"] in meanwhile]
    out = [row["posts"] for row in service.publications() if row["draft_id"] in waiting]
    assert out == [1, 1], "what was claimed needs no Temporal to leave"
    service.parts.temporal.start()
    verified(service, waiting + meanwhile, seconds=60)
    assert await service.chains_hold()


async def test_postgresql_killed_loses_no_decision_and_sends_nothing_twice(service: Running) -> None:
    waiting = await service.authorised(2, due=in_seconds(6))
    await service.claimed(waiting)
    decided_last = await service.authorised(1, due=in_seconds(8))
    service.parts.postgres.kill()
    await asyncio.sleep(3)
    service.parts.postgres.start()
    verified(service, waiting + decided_last, seconds=90)
    assert await service.chains_hold()


async def test_the_api_killed_amid_decisions_keeps_each_whole_or_not_at_all(service: Running) -> None:
    """Whoever got no answer sends the same again with the same key: each decision is on the record exactly once."""
    database = service.database()
    drafts = [await service.submitted(database, in_seconds(30)) for _ in range(24)]
    answers: dict[UUID, int] = {}
    some = asyncio.Event()
    async with httpx2.AsyncClient(base_url=service.parts.base_url, timeout=20, trust_env=False) as caller:
        sending = asyncio.gather(*(send_decisions(caller, service, drafts[lane::4], answers, some) for lane in range(4)))
        await some.wait()
        service.parts.children["api"].kill()
        await sending
        cut = [saved for saved in drafts if saved.draft_id not in answers]
        assert cut, "some were cut off by the kill"
        service.parts.start_api()
        service.parts.wait_for_api()
        await send_decisions(caller, service, drafts, answers, some)
    assert set(answers.values()) == {201}
    for saved in drafts:
        (kept,) = service.rows(
            "SELECT (SELECT count(*) FROM decision d JOIN submission s ON s.id = d.submission_id WHERE s.draft_id = %(id)s) AS "
            "decisions, (SELECT count(*) FROM audit_event WHERE subject = %(subject)s AND action = 'draft.authorise') AS events",
            id=saved.draft_id,
            subject=f"draft:{saved.draft_id}",
        )
        assert kept == {"decisions": 1, "events": 1}
        await service.decided(database, saved, 2, "priya")
    await database.close()
    verified(service, [saved.draft_id for saved in drafts], seconds=90)
    assert await service.chains_hold()


async def send_decisions(
    caller: httpx2.AsyncClient, service: Running, drafts: list[Saved], answers: dict[UUID, int], some: asyncio.Event
) -> None:
    """One after another as a program of Ade's would, until there is no service to answer."""
    headers = {"Authorization": f"Bearer {service.token('ade')}"}
    for saved in drafts:
        body = {"step": 1, "digest": saved.digest, "answer": "authorise", "confirmed": sorted(CONFIRMED)}
        try:
            answer = await caller.post(
                f"/api/v1/drafts/{saved.draft_id}/decisions",
                json=body,
                headers={**headers, "Idempotency-Key": f"decide-{saved.draft_id}"},
            )
        except httpx2.TransportError:
            return
        answers[saved.draft_id] = answer.status_code
        if len(answers) >= 5:
            some.set()
