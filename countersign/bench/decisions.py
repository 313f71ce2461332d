"""A decision over HTTP, alone and twenty at once, beside its transaction alone and beside an update of the bare engine."""

from collections.abc import Sequence

from countersign.bench.engine import updates
from countersign.bench.figures import Compared, Latencies
from countersign.bench.stage import EVERY_PROMPT, Stage, Waiting
from countersign.bench.wire import Request, load
from countersign.demo.seeds import account_id

ALONE, TOGETHER = 1, 20


class Decisions:
    """`alone` and `together`: how many decisions are counted of each kind."""

    def __init__(self, stage: Stage, *, alone: int, together: int) -> None:
        self._stage = stage
        self._counts = {ALONE: alone, TOGETHER: together}
        self._grant = stage.grant_of("ade")

    async def ours(self, at_once: int) -> Latencies:
        """Through the JSON API, from the bearer token to the committed decision's answer."""
        count, warm = self._counts[at_once], _warm(at_once)
        requests = [_asked(draft) for draft in await self._stage.submitted(count + warm)]
        return await load(self._stage.parts.base_url, requests, at_once=at_once, warm=warm, token=self._stage.token("ade"))

    async def floor(self, url: str, at_once: int) -> Latencies:
        count, warm = self._counts[at_once], _warm(at_once)
        requests = self._bare(await self._stage.submitted(count + warm))
        return await load(url, requests, at_once=at_once, warm=warm)

    async def engine(self, at_once: int) -> Latencies:
        """A quarter as many: they take that much longer."""
        return await updates(await self._stage.engine(), self._counts[at_once] // 4, at_once=at_once, warm=_warm(at_once) // 2)

    async def compared(self, name: str, floor: str, at_once: int) -> Compared:
        """Ours and the floor one after the other, and the bare engine's."""
        bare = await self.floor(floor, at_once)
        return Compared(name, await self.ours(at_once), bare, await self.engine(at_once))

    def _bare(self, drafts: Sequence[Waiting]) -> list[Request]:
        person, account = str(self._stage.people["ade"].id), str(account_id("x"))
        return [
            Request(
                "/decisions",
                {
                    "draft": str(draft.draft_id),
                    "submission": str(draft.submission_id),
                    "person": person,
                    "authority": str(self._grant),
                    "account": account,
                    "digest": draft.digest,
                },
            )
            for draft in drafts
        ]


def _warm(at_once: int) -> int:
    """Enough for every connection to have prepared its statements (psycopg does so after five)."""
    return 10 + 8 * at_once


def _asked(draft: Waiting) -> Request:
    body = {"step": 1, "digest": draft.digest, "answer": "authorise", "confirmed": sorted(EVERY_PROMPT)}
    return Request(f"/api/v1/drafts/{draft.draft_id}/decisions", body)
