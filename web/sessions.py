"""Browser sessions on the server: an opaque 256-bit cookie, of which the store holds only the SHA-256 (OWASP ASVS 5.0 §7).

Idle 30 minutes, absolute 12 hours, a new id at sign-in and sign-out, roles re-read every 15 minutes. Reading a public
page without a session writes nothing; otherwise a request writes at most once a minute, unless it changed something.
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.domain.identity import ProviderUnreachable, SignedIn, SignInRefused, StoredSession
from web.session import Session

log = structlog.get_logger(__name__)

_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")

IDLE = "You were signed out because nothing happened here for 30 minutes. Sign in to go on."
TOO_LONG = "You were signed out because you had been signed in for 12 hours. Sign in to go on."
NOT_RENEWED = "You were signed out because the sign-in service no longer vouches for you. Sign in to go on."
NOT_ASKED = "You were signed out because your roles could not be checked for an hour. Sign in to go on."
NO_ROLE = "You were signed out because you no longer have a role in this service. Ask your service desk if that is wrong."


class SessionStore(Protocol):
    """Where sessions live. Each call is one short transaction."""

    async def load(self, id_hash: bytes) -> StoredSession | None: ...

    async def create(self, row: StoredSession) -> None: ...

    async def touch(self, id_hash: bytes, seen_at: datetime) -> None: ...

    async def replace(self, row: StoredSession, *, was: int) -> bool:
        """Write `data` and `seen_at` if the stored `data["revision"]` is still `was` (0 if it has none); else False."""
        ...

    async def delete(self, id_hash: bytes) -> None: ...


# What asks the provider for the roles as they stand: refresh token and auth_time in, person out.
Reread = Callable[[str, datetime], Awaitable[SignedIn]]


@dataclass(frozen=True)
class Limits:
    """How long things last."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    seen_at_most_every: timedelta = timedelta(minutes=1)
    roles_good_for: timedelta = timedelta(minutes=15)
    # An unreachable provider is asked again after a minute; after an hour without an answer we fail closed.
    ask_again_after: timedelta = timedelta(minutes=1)
    roles_never_older_than: timedelta = timedelta(hours=1)


DEFAULT_LIMITS = Limits()


class ServerSessions:
    """ASGI middleware that gives each page request a `Session` as `request.session` and stores it before the answer leaves.

    `secure` is False only for http on loopback: the cookie is then `countersign`, else `__Host-countersign` and Secure.
    Paths under `without` (the API, static files) have no session: nothing there may depend on a cookie.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        store: SessionStore,
        reread: Reread,
        secure: bool,
        limits: Limits = DEFAULT_LIMITS,
        without: tuple[str, ...] = ("/api/", "/static/"),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._store = store
        self._reread = reread
        self._limits = limits
        self._without = without
        self._now = now
        self._cookie = "__Host-countersign" if secure else "countersign"
        self._attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._without):
            await self._app(scope, receive, send)
            return
        cookie = HTTPConnection(scope).cookies.get(self._cookie)
        session = await self._opened(cookie)
        scope["session"] = session

        async def send_with_session(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = await self._stored(session)
                if header is not None:
                    MutableHeaders(scope=message).append("set-cookie", header)
            await send(message)

        await self._app(scope, receive, send_with_session)

    async def _opened(self, cookie: str | None) -> Session:
        if cookie is None or not _COOKIE_VALUE.fullmatch(cookie):
            return Session()
        row = await self._store.load(_hash(cookie))
        if row is None:
            return Session()
        now = self._now()
        if now - row.seen_at >= self._limits.idle:
            return await self._ended(row, IDLE)
        if now - row.created_at >= self._limits.absolute:
            return await self._ended(row, TOO_LONG)
        return await self._with_roles_as_they_stand(Session(row, cookie))

    async def _with_roles_as_they_stand(self, session: Session) -> Session:
        """A request that comes while another one is asking goes on with the roles as last read."""
        row, now = session.row, self._now()
        if row is None or row.person_id is None or row.auth_time is None:
            return session
        if now - session.roles_read_at < self._limits.roles_good_for:
            return session
        tokens = session.tokens()
        if tokens is None:
            return await self._ended(row, NOT_RENEWED)
        if now - session.roles_asked_at >= self._limits.ask_again_after:
            session.note_asked(now)
            # Refresh tokens are good once: only the request that wins this write may use it.
            if await self._replaced(session):
                try:
                    who = await self._reread(tokens.refresh_token, row.auth_time)
                except ProviderUnreachable:
                    log.warning("roles_not_reread", reason="provider_unreachable")
                except SignInRefused as refusal:
                    log.warning("session_ended", reason=refusal.reason)
                    return await self._ended(row, NOT_RENEWED)
                else:
                    return await self._renewed(session, row, who)
        if now - session.roles_read_at >= self._limits.roles_never_older_than:
            return await self._ended(row, NOT_ASKED)
        return session

    async def _renewed(self, session: Session, row: StoredSession, who: SignedIn) -> Session:
        if (who.issuer, who.subject) != (session.issuer, session.subject):
            return await self._ended(row, NOT_RENEWED)
        if not who.roles:
            return await self._ended(row, NO_ROLE)
        session.renew(who, self._now())
        return session if await self._saved(session, session.take_bag_of) else Session()

    async def _ended(self, row: StoredSession, sentence: str) -> Session:
        await self._store.delete(row.id_hash)
        fresh = Session()
        if row.person_id is not None:
            fresh.ended_because(sentence)
        return fresh

    async def _stored(self, session: Session) -> str | None:
        """Write what changed. Returns the Set-Cookie value, if the browser's cookie has to change."""
        row, now = session.row, self._now()
        if row is not None and not session.rotate:
            if session.changed:
                await self._saved(session, session.take_grant_of)
            elif now - row.seen_at >= self._limits.seen_at_most_every:
                await self._store.touch(row.id_hash, now)
            return None
        if row is not None:
            await self._store.delete(row.id_hash)
        if session.worth_keeping:
            cookie = secrets.token_urlsafe(32)
            await self._store.create(session.to_row(_hash(cookie), cookie, now))
            return f"{self._cookie}={cookie}; {self._attributes}"
        # A cookie that we do not know is left alone: it may be the new one of a sign-in still under way in another tab.
        return f"{self._cookie}=; Max-Age=0; {self._attributes}" if session.rotate else None

    async def _saved(self, session: Session, merge: Callable[[StoredSession], None]) -> bool:
        """Replace the row; where another request wrote first, `merge` what it wrote. False if the session is gone."""
        assert session.row is not None  # noqa: S101 – only stored sessions are saved
        while not await self._replaced(session):
            current = await self._store.load(session.row.id_hash)
            if current is None:
                return False
            merge(current)
        return True

    async def _replaced(self, session: Session) -> bool:
        row = session.row
        assert row is not None  # noqa: S101
        written = replace(row, data=session.to_data(row.revision + 1), seen_at=self._now())
        if not await self._store.replace(written, was=row.revision):
            return False
        session.stored_as(written)
        return True


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


class MemoryStore:
    """A store for tests and single-process trials: gone with the process."""

    def __init__(self) -> None:
        self.rows: dict[bytes, StoredSession] = {}

    async def load(self, id_hash: bytes) -> StoredSession | None:
        return self.rows.get(id_hash)

    async def create(self, row: StoredSession) -> None:
        self.rows[row.id_hash] = row

    async def touch(self, id_hash: bytes, seen_at: datetime) -> None:
        if id_hash in self.rows:
            self.rows[id_hash] = replace(self.rows[id_hash], seen_at=seen_at)

    async def replace(self, row: StoredSession, *, was: int) -> bool:
        stored = self.rows.get(row.id_hash)
        if stored is None or stored.revision != was:
            return False
        self.rows[row.id_hash] = row
        return True

    async def delete(self, id_hash: bytes) -> None:
        self.rows.pop(id_hash, None)
