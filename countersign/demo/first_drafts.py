"""A few drafts at different stages, written and decided through the same use-cases as everybody's."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw
from sqlalchemy import text

from core.domain.content import Source, SourceImage, Window
from core.domain.people import Person
from core.domain.prompts import PROMPTS
from core.domain.route import Answer
from core.records.database import Database
from core.use_cases.deciding import decide
from core.use_cases.drafting import Saved, create_draft
from core.use_cases.media import upload_image
from core.use_cases.people import recognise
from core.use_cases.submitting import submit
from countersign.demo.seeds import account_id
from integrations.sandbox.identity import PEOPLE
from integrations.store import MediaStore

CONFIRMED = frozenset(prompt.key for prompt in PROMPTS)


async def known_people(database: Database, issuer: str) -> dict[str, Person]:
    """The demo's people as the identity provider will name them."""
    async with database.transaction() as session:
        return {
            subject: await recognise(
                session, issuer=issuer, subject=subject, name=who.name, email=who.email, roles=frozenset(who.roles)
            )
            for subject, who in PEOPLE.items()
        }


async def has_drafts(database: Database) -> bool:
    async with database.transaction() as session:
        return (await session.execute(text("SELECT 1 FROM draft LIMIT 1"))).first() is not None


class FirstDrafts:
    """Writes them all; times are relative to now, so that the demo is as lively tomorrow."""

    def __init__(self, database: Database, store: MediaStore, people: Mapping[str, Person]) -> None:
        self._database, self._store, self._people = database, store, people
        self._now = datetime.now(UTC).replace(second=0, microsecond=0)

    async def write(self) -> None:
        image = await self._image()
        await self._save(
            "Jobs fair in Leeds",
            "Looking for work? Meet 40 employers at the Leeds jobs fair on Thursday. No need to book.",
            accounts=("x", "facebook"),
        )
        waiting = await self._save(
            "Pension Credit awareness week",
            "Could you, or somebody you know, get Pension Credit? It takes ten minutes to find out.",
            overrides={"linkedin": "Not everybody who could get Pension Credit claims it. Our team explains who can, and how."},
            link="https://www.gov.uk/pension-credit",
            images=(image,),
        )
        await self._submit(waiting)
        halfway = await self._save("Bank holiday payments", "Payments due on the bank holiday arrive one working day early.")
        await self._submit(halfway)
        await self._decide(halfway, "ade", 1)
        unclear = await self._save("Call waiting times", "You will now get through to us in under a minute.", accounts=("x",))
        await self._submit(unclear)
        await self._decide(
            unclear, "ade", 1, Answer.ASK_FOR_CHANGES, "This reads as a commitment. Say what the figure is, and for which month."
        )
        ready = await self._save("Access to Work", "Access to Work can help pay for support you need at work.", days=2)
        await self._submit(ready)
        await self._decide(ready, "ade", 1)
        await self._decide(ready, "priya", 2)
        soon = await self._save("Helpline hours", "Our helpline is open until 8pm tonight.", minutes=2, accounts=("x",))
        await self._submit(soon)
        await self._decide(soon, "ade", 1)
        await self._decide(soon, "priya", 2)

    async def _save(
        self,
        purpose: str,
        words: str,
        *,
        accounts: tuple[str, ...] = ("x", "facebook", "linkedin"),
        days: int = 1,
        minutes: int | None = None,
        **more: Any,
    ) -> Saved:
        publish_at = self._now + (timedelta(minutes=minutes) if minutes else timedelta(days=days))
        source = Source(
            **{
                "purpose": purpose,
                "text": words,
                "overrides": {},
                "link": None,
                "images": (),
                "window": Window(self._now - timedelta(minutes=1), self._now + timedelta(days=days + 1)),
                "account_ids": tuple(str(account_id(platform)) for platform in accounts),
                **more,
            }
        )
        async with self._database.transaction() as session:
            return await create_draft(session, by=self._people["olivia"], source=source, publish_at=publish_at)

    async def _submit(self, saved: Saved) -> UUID:
        async with self._database.transaction() as session:
            return await submit(session, by=self._people["olivia"], draft_id=saved.draft_id, digest=saved.digest)

    async def _decide(self, saved: Saved, who: str, step: int, answer: Answer = Answer.AUTHORISE, reason: str = "") -> None:
        async with self._database.transaction() as session:
            await decide(
                session,
                by=self._people[who],
                authenticated_at=datetime.now(UTC),
                draft_id=saved.draft_id,
                step=step,
                digest=saved.digest,
                answer=answer,
                reason=reason,
                confirmed=CONFIRMED,
            )

    async def _image(self) -> SourceImage:
        uploaded = await upload_image(self._database, self._store, by=self._people["olivia"], raw=demo_image())
        alt = "A card with a teapot and the words: Pension Credit, ten minutes could be worth it."
        return SourceImage(uploaded.sha256, uploaded.mime, uploaded.width, uploaded.height, alt)


def demo_image() -> bytes:
    """A drawn card, made here: nobody's photograph."""
    picture = Image.new("RGB", (1200, 675), "#1d70b8")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 60, 1140, 615), fill="#f3f2f1")
    draw.ellipse((140, 230, 420, 480), fill="#00703c")
    draw.polygon([(400, 300), (520, 260), (420, 400)], fill="#00703c")
    draw.text((580, 250), "Pension Credit", fill="#0b0c0c", font_size=72)
    draw.text((580, 350), "Ten minutes could be worth it.", fill="#0b0c0c", font_size=34)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
