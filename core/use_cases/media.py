"""Images: cleaned on arrival, kept by their SHA-256, with the exact bytes each platform would receive made at once."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person
from core.domain.refusals import BadInput, NotFound
from core.records.database import Database
from core.use_cases.access import may_see_image, require
from core.use_cases.drafting import WRITERS
from integrations.media import CleanImage, clean_image, derive
from integrations.platforms.registry import PLATFORMS
from integrations.store import MediaCorrupted, MediaMissing, MediaStore


@dataclass(frozen=True)
class Uploaded:
    sha256: str
    mime: str
    width: int
    height: int
    size: int


async def upload_image(database: Database, store: MediaStore, *, by: Person, raw: bytes) -> Uploaded:
    """Take one image in. Raises MediaUnreadable, MediaWrongType, MediaTooManyPixels or MediaTooLarge; then nothing is kept.

    The files are stored before the rows: a row never names bytes that are not there.
    """
    require(by, *WRITERS)
    original, derivatives = await asyncio.to_thread(_make, raw)
    await store.put(original.data)
    for image in derivatives.values():
        await store.put(image.data)
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO media (sha256, mime, width, height, size) "
                "VALUES (:sha, :mime, :width, :height, :size) ON CONFLICT DO NOTHING"
            ),
            _row(original),
        )
        await session.execute(
            text("INSERT INTO upload (sha256, person_id) VALUES (:sha, :person) ON CONFLICT DO NOTHING"),
            {"sha": original.sha256, "person": by.id},
        )
        await _insert_derivatives(session, original.sha256, derivatives)
    return Uploaded(original.sha256, original.mime, original.width, original.height, len(original.data))


async def complete_derivatives(database: Database, store: MediaStore) -> int:
    """Make what images lack that were stored before a platform was registered, so that they can go there as well.

    Returns how many were made. What cannot be made is left out: composing then refuses the image for that platform. It is
    harmless beside others doing the same, and needs nothing once nothing is missing.
    """
    async with database.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT m.sha256, array_remove(array_agg(d.platform), NULL) AS made FROM media m "
                "LEFT JOIN derivative d ON d.source_sha256 = m.sha256 AND d.platform = ANY(:platforms) "
                "GROUP BY m.sha256 HAVING count(d.platform) < :wanted"
            ),
            {"platforms": list(PLATFORMS), "wanted": len(PLATFORMS)},
        )
        lacking = {row.sha256: [name for name in PLATFORMS if name not in row.made] for row in rows}
    made = 0
    for sha256, platforms in lacking.items():
        try:
            data = await store.get(sha256)
        except (MediaMissing, MediaCorrupted):
            continue
        derivatives = await asyncio.to_thread(_derive_where_possible, data, platforms)
        for image in derivatives.values():
            await store.put(image.data)
        async with database.transaction() as session:
            await _insert_derivatives(session, sha256, derivatives)
        made += len(derivatives)
    return made


async def read_image(database: Database, store: MediaStore, *, by: Person, sha256: str) -> tuple[bytes, str]:
    """The bytes and their media type, for whoever may see a draft they stand in; else NotFound."""
    async with database.transaction() as session:
        if not await may_see_image(session, by, sha256):
            raise NotFound()
        mime = (
            await session.execute(
                text("SELECT mime FROM media WHERE sha256 = :sha UNION SELECT mime FROM derivative WHERE sha256 = :sha LIMIT 1"),
                {"sha": sha256},
            )
        ).scalar_one_or_none()
    if mime is None:
        raise NotFound()
    return await store.get(sha256), mime


def _make(raw: bytes) -> tuple[CleanImage, dict[str, CleanImage]]:
    original = clean_image(raw)
    return original, {name: derive(original.data, platform.image_rule) for name, platform in PLATFORMS.items()}


def _derive_where_possible(data: bytes, platforms: list[str]) -> dict[str, CleanImage]:
    made = {}
    for name in platforms:
        try:
            made[name] = derive(data, PLATFORMS[name].image_rule)
        except BadInput:
            continue
    return made


async def _insert_derivatives(session: AsyncSession, source: str, derivatives: dict[str, CleanImage]) -> None:
    for platform, image in derivatives.items():
        await session.execute(
            text(
                "INSERT INTO derivative (source_sha256, platform, sha256, mime, width, height, size) "
                "VALUES (:source, :platform, :sha, :mime, :width, :height, :size) ON CONFLICT DO NOTHING"
            ),
            {**_row(image), "source": source, "platform": platform},
        )


def _row(image: CleanImage) -> dict[str, object]:
    return {
        "sha": image.sha256,
        "mime": image.mime,
        "width": image.width,
        "height": image.height,
        "size": len(image.data),
    }
