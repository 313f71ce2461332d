"""What people do in a run: write, submit, authorise; and stop a draft while it is about to leave."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import httpx2
import psycopg
from sqlalchemy.exc import SQLAlchemyError

from core.domain.content import Source, SourceImage, Window
from core.domain.people import Person
from core.domain.prompts import PROMPTS
from core.domain.refusals import Refusal, TimePast
from core.domain.route import Answer
from core.records.database import Database
from core.use_cases.deciding import decide
from core.use_cases.drafting import create_draft, reschedule, save_draft
from core.use_cases.media import upload_image
from core.use_cases.people import recognise
from core.use_cases.submitting import submit, withdraw
from countersign.demo.first_drafts import demo_image, known_people
from countersign.demo.seeds import FIRST, SECOND, account_id
from countersign.faults.field import Field
from countersign.faults.plan import Kind, Round, Stop, Wanted
from integrations.sandbox.identity import PEOPLE
from integrations.sandbox.identity_tokens import Mint
from integrations.store import MediaStore

EVERY_PROMPT = frozenset(prompt.key for prompt in PROMPTS)
WINDOW = timedelta(hours=2)
LATER = timedelta(seconds=3)
SOON = timedelta(seconds=3)
KILL_AFTER_ANSWERS = 3
AT_ONCE = 6
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Written:
    """A draft on the record, with the grant that its first authorisation rests on."""

    wanted: Wanted
    draft_id: UUID
    digest: str
    source: Source
    publish_at: datetime
    by: Person
    press: Person
    grant: UUID | None


class Desk:
    """The people of a run and their desk: the api's own login, the same use-cases as the two doors."""

    def __init__(self, field: Field, database: Database, people: Mapping[str, Person], image: SourceImage) -> None:
        self.field, self.database, self.people, self._image = field, database, people, image
        self.acknowledged: set[tuple[UUID, int]] = set()
        self._count = 0

    @classmethod
    async def of(cls, field: Field) -> "Desk":
        database = Database(field.login("countersign_api"), pool_size=8)
        people = await known_people(database, field.issuer)
        store = MediaStore.at(str(field.state / "media"))
        kept = await upload_image(database, store, by=people["olivia"], raw=demo_image())
        image = SourceImage(kept.sha256, kept.mime, kept.width, kept.height, "A card with a teapot.")
        return cls(field, database, people, image)

    async def write(self, round_: Round, first_due: datetime) -> list[Written]:
        """The round's drafts, submitted and authorised by two people each."""

        async def one(wanted: Wanted) -> Written:
            return await self._submitted(round_.number, wanted, first_due)

        drafts = await each(one, round_.drafts)
        if round_.kind is Kind.API:
            await self._decide_over_http(drafts)
        else:
            await each(self._first, drafts)
        await each(self._second, drafts)
        return drafts

    async def _submitted(self, number: int, wanted: Wanted, first_due: datetime) -> Written:
        self._count += 1
        now = datetime.now(UTC)
        text = f"F{number}-{self._count}: what was authorised as number {self._count} (of round {number}), and nothing else."
        source = Source(
            purpose="A fault run",
            text=text,
            overrides={},
            link=None,
            images=(self._image,) if wanted.image else (),
            window=Window(now - timedelta(minutes=1), now + WINDOW),
            account_ids=tuple(str(account_id(platform)) for platform in wanted.platforms),
        )
        # A busy machine may take longer to write than was thought: nobody gives a time that is past.
        publish_at = max(first_due + timedelta(seconds=wanted.due), now + SOON)
        officer, press, grant = self.people["olivia"], self.people["ade"], None
        if wanted.stop is Stop.REVOKE:
            press, grant = await self._somebody_with_a_grant()
        async with self.database.transaction() as session:
            saved = await create_draft(session, by=officer, source=source, publish_at=publish_at)
        draft = Written(wanted, saved.draft_id, saved.digest, source, publish_at, officer, press, grant)
        try:
            await self._submit(draft)
        except TimePast:
            await self._give_new_time(draft)
            await self._submit(draft)
        return draft

    async def _submit(self, draft: Written) -> None:
        async with self.database.transaction() as session:
            await submit(session, by=draft.by, draft_id=draft.draft_id, digest=draft.digest)

    async def _give_new_time(self, draft: Written) -> None:
        """Where a busy machine let its time pass: nothing goes out late by itself, somebody gives it a new time."""
        draft.publish_at = datetime.now(UTC) + SOON
        async with self.database.transaction() as session:
            await reschedule(session, by=draft.by, draft_id=draft.draft_id, publish_at=draft.publish_at)

    async def _somebody_with_a_grant(self) -> tuple[Person, UUID]:
        """A press officer of this draft's own, so that revoking their authority stops nothing else."""
        subject, grant = f"press-{uuid4()}", uuid4()
        async with self.database.transaction() as session:
            person = await recognise(
                session,
                issuer=self.field.issuer,
                subject=subject,
                name="Press officer",
                email=None,
                roles=frozenset({"authoriser"}),
            )
        now = datetime.now(UTC)
        await asyncio.to_thread(
            self._as_owner,
            "INSERT INTO authority (id, person_id, role, valid_from, valid_until, granted_by, confirmed_by) "
            "VALUES (%s, %s, 'press_office', %s, %s, %s, %s)",
            (grant, person.id, now - timedelta(minutes=1), now + timedelta(days=1), FIRST, SECOND),
        )
        return person, grant

    def _as_owner(self, statement: str, values: tuple[object, ...]) -> None:
        with psycopg.connect(self.field.login("countersign_migrator")) as connection:
            connection.execute("SET ROLE countersign_owner")
            connection.execute(statement, values)

    async def _first(self, draft: Written) -> None:
        await self._decide(draft, 1, draft.press)

    async def _second(self, draft: Written) -> None:
        await self._decide(draft, 2, self.people["priya"])
        if datetime.now(UTC) >= draft.publish_at:
            await self._give_new_time(draft)

    async def _decide(self, draft: Written, step: int, who: Person) -> None:
        async with self.database.transaction() as session:
            await decide(
                session,
                by=who,
                authenticated_at=datetime.now(UTC),
                draft_id=draft.draft_id,
                step=step,
                digest=draft.digest,
                answer=Answer.AUTHORISE,
                confirmed=EVERY_PROMPT,
            )
        self.acknowledged.add((draft.draft_id, step))

    async def _decide_over_http(self, drafts: list[Written]) -> None:
        """Step 1 as a program of Ade's would; the api is killed amid it, and whatever had no answer is sent again."""
        own = [draft for draft in drafts if draft.grant is not None]
        await each(self._first, own)
        waiting = [draft for draft in drafts if draft.grant is None]
        killed = False
        async with httpx2.AsyncClient(base_url=self.field.base_url, timeout=15, trust_env=False) as caller:
            while waiting:
                answered = 0
                for lane in range(0, len(waiting), 4):
                    sent = await asyncio.gather(*(self._post_decision(caller, draft) for draft in waiting[lane : lane + 4]))
                    answered += sum(sent)
                    if not killed and answered >= KILL_AFTER_ANSWERS and lane + 8 < len(waiting):
                        killed = True
                        dying = asyncio.gather(*(self._post_decision(caller, d) for d in waiting[lane + 4 : lane + 8]))
                        await asyncio.to_thread(self.field.kill, "api")
                        await dying
                        await asyncio.to_thread(self.field.start_again, "api")
                        await asyncio.to_thread(self.field.wait_for_api)
                waiting = [draft for draft in waiting if (draft.draft_id, 1) not in self.acknowledged]

    async def _post_decision(self, caller: httpx2.AsyncClient, draft: Written) -> bool:
        body = {"step": 1, "digest": draft.digest, "answer": "authorise", "confirmed": sorted(EVERY_PROMPT)}
        headers = {"Authorization": f"Bearer {self._token('ade')}", "Idempotency-Key": f"decide-{draft.draft_id}"}
        try:
            answer = await caller.post(f"/api/v1/drafts/{draft.draft_id}/decisions", json=body, headers=headers)
        except httpx2.TransportError:
            return False
        if answer.status_code != 201:
            return False
        self.acknowledged.add((draft.draft_id, 1))
        return True

    def _token(self, who: str) -> str:
        mint = Mint(self.field.issuer, self.field.state / "secrets" / "identity.json", time.time)
        person = PEOPLE[who]
        claims = {"roles": list(person.roles), "auth_time": int(time.time()), "name": person.name, "email": person.email}
        return mint.access_token(who, "countersign", claims)

    async def stop(self, draft: Written) -> None:
        """What somebody does about it at the last moment. Too late is an answer too; no answer is none."""
        try:
            await self._stop(draft)
        except (Refusal, SQLAlchemyError, psycopg.Error, OSError):
            return

    async def _stop(self, draft: Written) -> None:
        how = draft.wanted.stop
        if how is Stop.REVOKE:
            revoke = "UPDATE authority SET revoked_at = clock_timestamp(), revoked_by = %s, revision = revision + 1 WHERE id = %s"
            await asyncio.to_thread(self._as_owner, revoke, (FIRST, draft.grant))
            return
        async with self.database.transaction() as session:
            if how is Stop.WITHDRAW:
                await withdraw(session, by=draft.by, draft_id=draft.draft_id, reason="It must not go out.")
            elif how is Stop.NEW_TIME:
                at = datetime.now(UTC) + LATER
                await reschedule(session, by=draft.by, draft_id=draft.draft_id, publish_at=at)
            elif how is Stop.EDIT:
                source = replace(draft.source, text=draft.source.text.replace("authorised", "written anew"))
                await save_draft(
                    session, by=draft.by, draft_id=draft.draft_id, seen_version=1, source=source, publish_at=draft.publish_at
                )


async def each(act: Callable[[T], Awaitable[R]], items: Sequence[T]) -> list[R]:
    """`act` on each, a few at a time; results in order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with slots:
            return await act(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
