"""What every page works with: the database, the images, the templates, the clock; and who is asking."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import uuid4

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import HTMLResponse

from core.domain.content import SourceImage
from core.domain.people import Person, Role
from core.use_cases.access import images_seen
from core.use_cases.alarms import count_open_alarms
from core.use_cases.attention import count_of_matters
from core.use_cases.connecting import Consent
from core.use_cases.holding import standing_holds
from core.use_cases.media import Uploaded
from core.use_cases.record import service_state
from web.chrome import alarm_notices, delivery_notice
from web.hold_views import hold_notices
from web.session import session_of
from web.templates import Pages, person_of


class Database(Protocol):
    """Sessions that commit when their block ends; each page opens one per act and ends it before it answers."""

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]: ...


class UploadImage(Protocol):
    """`core.use_cases.media.upload_image` with its database and store given."""

    def __call__(self, *, by: Person, raw: bytes) -> Awaitable[Uploaded]: ...


class ReadImage(Protocol):
    """`core.use_cases.media.read_image` with its database and store given."""

    def __call__(self, *, by: Person, sha256: str) -> Awaitable[tuple[bytes, str]]: ...


@dataclass(frozen=True)
class Desk:
    """`limits` is each platform's text limit by name; `public_url` begins links that people copy.

    `consent`: how platforms know this service when an account is connected; `sandbox` lets an account live on this machine."""

    database: Database
    upload_image: UploadImage
    read_image: ReadImage
    pages: Pages
    now: Callable[[], datetime]
    public_url: str
    limits: Mapping[str, int]
    consent: Consent
    sandbox: bool = False

    def page(self, request: Request, template: str, /, status: int = 200, **context: Any) -> HTMLResponse:
        return self.pages.respond(request, template, context, status)

    async def note_service(self, request: Request) -> None:
        """Before each page, what its frame says: is what people did being carried out, what is held, what needs somebody.

        Raises NotSignedIn before anything is read.
        """
        person = signed_in(request)
        async with self.database.transaction() as session:
            request.state.delivery = delivery_notice(await service_state(session))
            if not person.has(*Role):
                return
            alarms = await count_open_alarms(session, by=person)
            request.state.notices = (*hold_notices(await standing_holds(session), self.now()), *alarm_notices(alarms))
            request.state.counts = {"/needs-a-person": await count_of_matters(session, by=person)}


class NotSignedIn(Exception):
    """Nobody is signed in here; the application sends them to the sign-in page and back."""


def signed_in(request: Request) -> Person:
    """The person asking, or NotSignedIn."""
    person = person_of(session_of(request))
    if person is None:
        raise NotSignedIn()
    return person


Visitor = Annotated[Person, Depends(signed_in)]


def request_id(request: Request) -> str:
    """One id per request, for the audit trail and for support; also sent as X-Request-Id."""
    if not hasattr(request.state, "request_id"):
        request.state.request_id = uuid4().hex
    return str(request.state.request_id)


RequestId = Annotated[str, Depends(request_id)]


class PersonalShelf:
    """The images one person may use, for the write form (`web.forms.ImageShelf`)."""

    def __init__(self, desk: Desk, person: Person) -> None:
        self._desk = desk
        self._person = person

    async def keep(self, raw: bytes) -> SourceImage:
        stored = await self._desk.upload_image(by=self._person, raw=raw)
        return SourceImage(stored.sha256, stored.mime, stored.width, stored.height, "")

    async def find(self, sha256: str) -> SourceImage | None:
        # The hash comes back from the browser: only an image this person may see counts, and its size is read, not believed.
        async with self._desk.database.transaction() as session:
            return (await images_seen(session, self._person, {sha256})).get(sha256)
