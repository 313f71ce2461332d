"""Images: cleaned on arrival, kept by their SHA-256, with the exact bytes each platform would receive made at once."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text

from core.domain.people import Person
from core.domain.refusals import NotFound
from core.records.database import Database
from core.use_cases.access import may_see_image, require
from core.use_cases.drafting import WRITERS
from integrations.media import CleanImage, clean_image, derive
from integrations.platforms.registry import PLATFORMS
from integrations.store import MediaStore


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
        for platform, image in derivatives.items():
            await session.execute(
                text(
                    "INSERT INTO derivative (source_sha256, platform, sha256, mime, width, height, size) "
                    "VALUES (:source, :platform, :sha, :mime, :width, :height, :size) ON CONFLICT DO NOTHING"
                ),
                {**_row(image), "source": original.sha256, "platform": platform},
            )
    return Uploaded(original.sha256, original.mime, original.width, original.height, len(original.data))


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


def _row(image: CleanImage) -> dict[str, object]:
    return {
        "sha": image.sha256,
        "mime": image.mime,
        "width": image.width,
        "height": image.height,
        "size": len(image.data),
    }
