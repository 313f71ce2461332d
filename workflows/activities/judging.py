"""Reading everything a publication is judged by, rendering again included, and judging it by the pure rules."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Rendition, RenditionImage, SourceImage
from core.domain.manifest import digest_of
from core.domain.refusals import Refusal
from core.domain.verdict import Judged, Refused, TargetSeen, Verdict, judge
from core.records.facts import AccountFacts, DraftFacts, draft_facts
from core.records.publications import Publication, authorities_behind
from integrations.platforms.registry import PLATFORMS


@dataclass(frozen=True)
class Case:
    """A publication with everything it is judged by, and the rendition it would send."""

    facts: DraftFacts
    account: AccountFacts | None
    rendition: Rendition | None
    finding: Verdict | Refused


async def judge_publication(session: AsyncSession, publication: Publication, target: TargetSeen | None = None) -> Case:
    """Judge by the rows as they stand in this transaction, by the database's clock. `target`: what reading it again came to."""
    facts = await draft_facts(session, publication.draft_id)
    if facts is None:
        raise LookupError(f"Publication {publication.id} has no draft.")
    account = next((a for a in facts.accounts if a.id == publication.account_id), None)
    rendition = _rendition(facts, publication)
    judged = Judged(
        rows=facts.rows,
        draft_revision=facts.revision,
        submission_id=publication.submission_id,
        newest_submission_id=facts.submission.id if facts.submission else None,
        digest=publication.digest,
        account_id=publication.account_id,
        account_revision=account.revision if account else -1,
        account_connected=account is not None and account.status == "connected",
        contributors=facts.contributors,
        authorities=await authorities_behind(session, publication.submission_id),
        renders_the_same=rendition is not None and _renders_the_same(facts, rendition),
        answers_a_post=rendition is not None and rendition.target is not None,
        target=target,
    )
    return Case(facts, account, rendition, judge(judged, facts.now))


def _rendition(facts: DraftFacts, publication: Publication) -> Rendition | None:
    """The authorised rendition: only from bytes whose digest is the one the publication names. There is no "latest"."""
    if facts.digest != publication.digest or digest_of(facts.canonical) != publication.digest:
        return None
    return next((r for r in facts.renditions if r.account_id == str(publication.account_id)), None)


def _renders_the_same(facts: DraftFacts, authorised: Rendition) -> bool:
    """Render what was typed again, with the authorised images, and compare (promise 2)."""
    source: dict[str, Any] = facts.source
    typed = source["overrides"].get(authorised.platform, source["text"])
    if not _same_images(facts.source_images, authorised.images):
        return False
    try:
        again = PLATFORMS[authorised.platform].render(
            account_id=authorised.account_id,
            text=typed,
            link=source["link"],
            images=authorised.images,
            target=authorised.target,
        )
    except Refusal:
        return False
    return again == authorised


def _same_images(typed: tuple[SourceImage, ...], authorised: tuple[RenditionImage, ...]) -> bool:
    return [image.alt for image in typed] == [image.alt for image in authorised]
