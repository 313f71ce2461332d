"""From what was typed to what each account will receive: checked, normalised, rendered; every refusal beside its field."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.content import Rendition, RenditionImage, Source, Target, tidied
from core.domain.manifest import canonical, manifest_of
from core.domain.people import Person
from core.domain.refusals import (
    AccountNotRegistered,
    AltTextMissing,
    BadInput,
    HiddenOrder,
    ImageUnknown,
    LinkInvalid,
    NoAccount,
    OutsideWindow,
    PurposeMissing,
    PurposeTooLong,
    Several,
    TextMissing,
    TimePast,
    TooManyImages,
    WindowBackwards,
    WindowPast,
)
from core.records.facts import AccountFacts
from core.records.reads import accounts_by_id
from core.use_cases.access import images_seen
from core.use_cases.targets import target_for
from integrations.platforms.registry import PLATFORMS

MAX_IMAGES = 4
# Directional overrides and isolates (Unicode UAX #9): what an authoriser saw would not be what is sent.
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
MAX_PURPOSE = 200


@dataclass(frozen=True)
class Composed:
    source: Source
    renditions: tuple[Rendition, ...]
    canonical: bytes


async def compose(
    session: AsyncSession, source: Source, *, by: Person, publish_at: datetime, now: datetime, time_may_be_past: bool = False
) -> Composed:
    """Render `source` for every target account. Raises Several with every refusal there is, in the order of the form.

    Of an image only its hash and its alt text are taken from `source`; what kind and size it is, the service knows.
    """
    source = normalised(source)
    refusals = _refusals(source, publish_at=publish_at, now=now, time_may_be_past=time_may_be_past)
    accounts = await _accounts(session, source, refusals)
    source = await _with_known_images(session, source, by, refusals)
    derivatives = await _derivatives(session, source)
    target = await _target(session, source, accounts, refusals)
    renditions = _render(source, accounts, derivatives, target, refusals)
    if refusals:
        raise Several(_once(refusals))
    manifest = manifest_of(
        purpose=source.purpose, declarations=source.declarations, window=source.window, renditions=tuple(renditions)
    )
    return Composed(source, tuple(renditions), canonical(manifest))


def normalised(source: Source) -> Source:
    """Every word tidied, every id in its one spelling: once, at the door, then digest."""
    return replace(
        source,
        purpose=tidied(source.purpose),
        text=tidied(source.text),
        overrides={name: words for name, typed in source.overrides.items() if name in PLATFORMS and (words := tidied(typed))},
        link=(source.link or "").strip() or None,
        images=tuple(replace(image, alt=tidied(image.alt)) for image in source.images),
        account_ids=tuple(sorted({_canonical(account) for account in source.account_ids})),
        target=_canonical((source.target or "").strip()) or None,
    )


def _canonical(account_id: str) -> str:
    """As the register spells it; what is no id at all stays as it was typed, and is refused."""
    try:
        return str(UUID(account_id))
    except ValueError:
        return account_id


def _refusals(source: Source, *, publish_at: datetime, now: datetime, time_may_be_past: bool) -> list[BadInput]:
    found: list[BadInput] = []
    if not source.purpose:
        found.append(PurposeMissing(field="purpose"))
    if len(source.purpose) > MAX_PURPOSE:
        found.append(PurposeTooLong(field="purpose"))
    typed = {"purpose": source.purpose, "text": source.text}
    typed |= {f"text-{platform}": words for platform, words in source.overrides.items()}
    typed |= {f"alt-{n}": image.alt for n, image in enumerate(source.images, start=1)}
    found += [HiddenOrder(field=field) for field, words in typed.items() if REORDERING.search(words)]
    if source.link is not None and not _is_web_address(source.link):
        found.append(LinkInvalid(field="link"))
    if len(source.images) > MAX_IMAGES:
        found.append(TooManyImages(field="images"))
    found += [AltTextMissing(field=f"alt-{n}") for n, image in enumerate(source.images, start=1) if not image.alt]
    if source.window.end <= source.window.start:
        found.append(WindowBackwards(field="window_end"))
    elif source.window.end <= now:
        found.append(WindowPast(field="window_end"))
    elif not source.window.contains(publish_at):
        found.append(OutsideWindow(field="publish_at"))
    elif publish_at < now and not time_may_be_past:
        found.append(TimePast(field="publish_at"))
    return found


def _is_web_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    printable = all(c.isprintable() and not c.isspace() for c in link)
    return parts.scheme in ("https", "http") and "." in (parts.hostname or "") and printable and len(link) <= 2000


async def _accounts(session: AsyncSession, source: Source, refusals: list[BadInput]) -> tuple[AccountFacts, ...]:
    try:
        wanted = tuple(UUID(account) for account in source.account_ids)
    except ValueError:
        wanted = ()
    accounts = await accounts_by_id(session, wanted)
    if not source.account_ids:
        refusals.append(NoAccount(field="accounts"))
    elif len(accounts) != len(source.account_ids) or any(account.status != "connected" for account in accounts):
        refusals.append(AccountNotRegistered(field="accounts"))
    return accounts


async def _target(
    session: AsyncSession, source: Source, accounts: tuple[AccountFacts, ...], refusals: list[BadInput]
) -> Target | None:
    try:
        return await target_for(session, source.target, accounts)
    except BadInput as refusal:
        refusals.append(refusal)
        return None


async def _with_known_images(session: AsyncSession, source: Source, by: Person, refusals: list[BadInput]) -> Source:
    """The same source with each image's facts; one this person may not see is one that is not there."""
    known = await images_seen(session, by, {image.sha256 for image in source.images})
    if any(image.sha256 not in known for image in source.images):
        refusals.append(ImageUnknown(field="images"))
        return source
    return replace(source, images=tuple(replace(known[image.sha256], alt=image.alt) for image in source.images))


async def _derivatives(session: AsyncSession, source: Source) -> dict[tuple[str, str], RenditionImage]:
    """By (original's SHA-256, platform). The alt text comes from the version."""
    if not source.images:
        return {}
    rows = await session.execute(
        text(
            "SELECT source_sha256, platform, sha256, mime, size, width, height FROM derivative WHERE source_sha256 = ANY(:images)"
        ),
        {"images": [image.sha256 for image in source.images]},
    )
    return {
        (row.source_sha256, row.platform): RenditionImage(row.sha256, row.mime, row.size, row.width, row.height, "")
        for row in rows
    }


def _render(
    source: Source,
    accounts: tuple[AccountFacts, ...],
    derivatives: dict[tuple[str, str], RenditionImage],
    target: Target | None,
    refusals: list[BadInput],
) -> list[Rendition]:
    renditions: list[Rendition] = []
    for account in accounts:
        words = source.text_for(account.platform)
        if not words and not (source.target and (target is None or target.kind == "repost")):
            refusals.append(TextMissing(field="text"))
            continue
        found = [derivatives.get((image.sha256, account.platform)) for image in source.images]
        if None in found:
            # Never a post with fewer images than were attached: stored before this platform was, it must be uploaded again.
            refusals.append(ImageUnknown(field="images"))
            continue
        pairs = zip(found, source.images, strict=True)
        images = tuple(replace(derivative, alt=image.alt) for derivative, image in pairs if derivative and image.alt)
        try:
            renditions.append(
                PLATFORMS[account.platform].render(
                    account_id=str(account.id), text=words, link=source.link, images=images, target=target
                )
            )
        except BadInput as refusal:
            refusals.append(refusal)
    return renditions


def _once(refusals: list[BadInput]) -> list[BadInput]:
    """Each sentence once per field: two accounts on one platform do not complain twice."""
    seen: dict[tuple[str | None, str], BadInput] = {}
    for refusal in refusals:
        seen.setdefault((refusal.field, str(refusal)), refusal)
    return list(seen.values())
