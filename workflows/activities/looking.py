"""Looking for a post whose outcome nobody knows, on its own account, and adopting it if it is surely the one (promise 3)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Rendition
from core.domain.outcome import ReadBack, SeenPost
from core.domain.publication import State
from core.domain.watch import OpenOutcome
from core.records.asked import Asked, asked_of, carry_out
from core.records.looks import CallsMade, adopt, calls_made, posts_of_others, write_look
from core.records.publications import Publication, move, publication
from core.records.watching import account_ledger
from integrations.platforms.base import CLOCK_SKEW, Platform
from integrations.platforms.text import same_address
from integrations.platforms.values import Access, ReadFailed
from workflows.activities.judging import Case, judge_publication
from workflows.activities.means import Means
from workflows.activities.readings import answered, differences, failed_reading
from workflows.messages import PublicationStand
from workflows.points import Point

# What is kept of the words of a post that is not ours: enough to tell which it is.
WORDS_KEPT = 500
# A call ends within its lease of half a minute: what the platform dates later than this after the last one is no call of ours.
CALLS_END_WITHIN = timedelta(minutes=2)
UNSURE = (
    "A post on {label} says the same, and another publication or somebody by hand may have made it, so people must say whether "
    "it is this one."
)
TAKEN = "It was found on the platform and is taken as this post."
NOT_TAKEN = "A post like it was found and not taken: another publication has it, or its outcome was settled meanwhile."


class Looking:
    """One look. Nothing of it is open at the database while the platform answers."""

    def __init__(self, means: Means, row: Publication, case: Case, calls: CallsMade, named: Asked | None) -> None:
        self._means, self._row, self._case, self._calls, self._named = means, row, case, calls, named

    @classmethod
    async def at(cls, means: Means, publication_id: UUID) -> "Looking | None":
        """What there is to look for; None where nothing is any more."""
        async with means.database.transaction() as session:
            row = await publication(session, publication_id)
            if row is None or row.state not in (State.UNKNOWN, State.PROCESSING):
                return None
            calls = await calls_made(session, row.id)
            if calls is None:
                return None
            named = next((one for one in await asked_of(session, row.id) if one.kind == "adopt"), None)
            return cls(means, row, await judge_publication(session, row), calls, named)

    async def run(self) -> PublicationStand:
        account, rendition = self._case.account, self._case.rendition
        if account is None or rendition is None:
            await self._write([], "Its words are no longer on the record as they were authorised, so it cannot be looked up.")
            return self._stand()
        platform = self._means.platforms[rendition.platform]
        try:
            access = await self._means.access_for(account)
            if self._row.state is State.PROCESSING:
                return await self._shown(platform, access)
            seen = await self._seen(platform, access, rendition)
            return await self._weigh(platform, access, rendition, seen)
        except Exception as fault:
            await self._write([], f"It could not be looked up. {failed_reading(fault)}")
            await self._give_naming_up()
            return self._stand()

    async def _shown(self, platform: Platform, access: Access) -> PublicationStand:
        """PROCESSING → PUBLISHED once the platform shows it."""
        if self._row.post_id is None:
            return self._stand()
        found = await answered(platform.read_back(access, self._row.post_id))
        if found.found:
            async with self._means.database.transaction() as session:
                await move(
                    session,
                    self._row.id,
                    before=State.PROCESSING,
                    after=State.PUBLISHED,
                    epoch=self._row.epoch,
                    permalink=found.permalink,
                )
        return self._stand()

    async def _seen(self, platform: Platform, access: Access, rendition: Rendition) -> tuple[SeenPost, ...]:
        """What may be it; where that is nothing, or people named a post, everything posted since: for people to look at."""
        since, calls = self._calls.first_at, self._calls
        found = await answered(platform.look_up(access, rendition, calls.key, since=since, named=calls.named))
        if found and self._named is None:
            return found
        ids = {post.post_id for post in found}
        others = await answered(platform.timeline(access, since=since - CLOCK_SKEW))
        return (*found, *(post for post in others if post.post_id not in ids))

    async def _weigh(
        self, platform: Platform, access: Access, rendition: Rendition, seen: Sequence[SeenPost]
    ) -> PublicationStand:
        """Adopt the one that is surely it; else tell people what there is."""
        async with self._means.database.transaction() as session:
            taken = await posts_of_others(session, self._row, [post.post_id for post in seen])
            rivals = await self._rivals(session)
        differing = {post.post_id: _differing(platform, rendition, post) for post in seen}
        kept = [_kept(post, differing[post.post_id], post.post_id in taken) for post in seen]
        free = [post for post in seen if post.post_id not in taken]
        alike = [post for post in free if not differing[post.post_id]]
        sure = [post for post in alike if self._surely(platform, post, rivals)]
        ours = [post for post in free if _is_named(post, self._named.link or "")] if self._named else sure
        ours = [] if not self._named and len(alike) > 1 else ours
        if len(ours) == 1:
            there = await answered(platform.read_back(access, ours[0].post_id))
            if there.found and (self._named or not differences(platform, rendition, there)):
                return await self._adopted(ours[0], there, kept)
        unsure = UNSURE.format(label=platform.label) if len(alike) == 1 and not sure else ""
        await self._write(kept, unsure or _sentence(platform.label, len(alike), len(free), bool(taken)))
        await self._give_naming_up()
        return self._stand()

    async def _rivals(self, session: AsyncSession) -> tuple[OpenOutcome, ...]:
        """Other publications of the account that may have made a post whose id is not known."""
        since = self._calls.first_at
        ledger = await account_ledger(session, self._row.account_id, seen=(), since=since, before=since)
        return tuple(one for one in ledger.open if one.publication_id != self._row.id)

    def _surely(self, platform: Platform, post: SeenPost, rivals: tuple[OpenOutcome, ...]) -> bool:
        """Neither made by hand after our calls had ended, nor perhaps made by another publication with the same words."""
        if post.at > self._calls.last_at + CALLS_END_WITHIN:
            return False
        return all(differences(platform, rival.rendition, post.content) for rival in rivals)

    async def _adopted(self, post: SeenPost, there: ReadBack, kept: list[dict[str, Any]]) -> PublicationStand:
        self._means.reached(Point.LOOKED_UP, str(self._row.id))
        async with self._means.database.transaction() as session:
            link = there.permalink or post.content.permalink
            adopted = await adopt(session, self._row, post_id=post.post_id, permalink=link)
            if adopted:
                await write_look(session, self._row, found=kept, sentence=TAKEN)
            if adopted and self._named is not None:
                await carry_out(session, self._named, self._row.id, result=str(State.PUBLISHED))
        if adopted:
            return PublicationStand(str(State.PUBLISHED), "nothing")
        await self._write(kept, NOT_TAKEN)
        await self._give_naming_up()
        return self._stand()

    async def _write(self, found: list[dict[str, Any]], sentence: str) -> None:
        last = self._calls.looks + 1 >= len(self._means.patience.looks)
        more = " It is not looked for any more: two people must settle it." if last else " It is looked for again."
        async with self._means.database.transaction() as session:
            await write_look(session, self._row, found=found, sentence=sentence + more)

    async def _give_naming_up(self) -> None:
        """A post that two people named and that is not to be found on the account: they must look again."""
        if self._named is None or self._row.now - self._named.at < timedelta(seconds=self._means.patience.naming):
            return
        async with self._means.database.transaction() as session:
            note = "The post that was named is not on this account, or it is another publication's."
            await carry_out(session, self._named, self._row.id, result="void", note=note)

    def _stand(self) -> PublicationStand:
        return PublicationStand(str(self._row.state), "nothing")


def _differing(platform: Platform, rendition: Rendition, post: SeenPost) -> list[str]:
    """One odd post on the account does not keep the others from being compared."""
    try:
        return differences(platform, rendition, post.content)
    except ReadFailed:
        return ["It could not be compared with what was authorised."]


def _is_named(post: SeenPost, named: str) -> bool:
    """By its id, its address, or an address that ends in its id."""
    address = named.split("?")[0].split("#")[0].rstrip("/")
    link = post.content.permalink
    return post.post_id in (named, address.rpartition("/")[2]) or (link is not None and same_address(link, named))


def _kept(post: SeenPost, differences: list[str], taken: bool) -> dict[str, Any]:
    """As the page shows it; `taken`: another publication made it."""
    return {
        "post_id": post.post_id,
        "at": post.at.isoformat(),
        "text": post.content.text[:WORDS_KEPT],
        "permalink": post.content.permalink,
        "differences": differences,
        "taken": taken,
    }


def _sentence(label: str, alike: int, free: int, taken: bool) -> str:
    if alike > 1:
        return f"{alike} posts on {label} may be this one, so people must say which."
    if alike == 1:
        return f"A post on {label} may be this one, but it could not be read again as it was authorised."
    if free:
        return f"No post on {label} equals it. {free} others were posted there since it was sent: one of them may be it, changed."
    return f"No post like it was found on {label}." + (" What is there belongs to other publications." if taken else "")
