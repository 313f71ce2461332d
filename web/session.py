"""What one browser session holds: a bag that pages write to, and a grant that only sign-in and re-reading write to.

Stored side by side, so that a page saving its bag while another request re-reads the roles cannot bring old roles back.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request

from core.domain.identity import SignedIn, StoredSession
from web.sealing import Tokens, seal, unseal

_ENDED = "ended"
_FLASHES = "flashes"
_STASHES = "stashes"


class Session(dict[str, Any]):
    """The bag, as a dict of JSON values; beside it, who is signed in. Empty and anonymous unless a row stands behind it."""

    def __init__(self, row: StoredSession | None = None, cookie: str | None = None) -> None:
        # A copy: a store may hand out the very object it keeps, and changes are told by comparing.
        super().__init__(json.loads(json.dumps(row.data.get("bag", {}))) if row else {})
        self.row = row
        self.rotate = False
        self.person_id: UUID | None = row.person_id if row else None
        self.auth_time: datetime | None = row.auth_time if row else None
        self._grant: dict[str, Any] = dict(row.data.get("grant", {})) if row else {}
        self._cookie = cookie
        self._new_tokens: Tokens | None = None

    @property
    def name(self) -> str:
        return str(self._grant.get("name", ""))

    @property
    def email(self) -> str | None:
        return self._grant.get("email")

    @property
    def issuer(self) -> str:
        return str(self._grant.get("issuer", ""))

    @property
    def subject(self) -> str:
        return str(self._grant.get("subject", ""))

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self._grant.get("roles", ())) if self.person_id else frozenset()

    @property
    def roles_read_at(self) -> datetime:
        return datetime.fromtimestamp(self._grant.get("roles_read_at", 0), UTC)

    @property
    def roles_asked_at(self) -> datetime:
        return datetime.fromtimestamp(self._grant.get("roles_asked_at", 0), UTC)

    @property
    def signed_in(self) -> bool:
        return self.person_id is not None

    def sign_in(self, person_id: UUID, who: SignedIn, now: datetime) -> None:
        """Make this the person's session, under a new id. What was typed survives only if it was the same person's."""
        kept = {key: self[key] for key in (_STASHES, _FLASHES) if key in self and self.person_id == person_id}
        self.clear()
        self.update(kept)
        self.person_id, self.auth_time, self.rotate = person_id, who.auth_time, True
        self._grant = {}
        self.renew(who, now)

    def renew(self, who: SignedIn, now: datetime) -> None:
        """The same person with roles as they stand; proving who one is counts from sign-in alone, so `auth_time` stays."""
        seconds = now.timestamp()
        self._grant = {
            "issuer": who.issuer,
            "subject": who.subject,
            "name": who.name,
            "email": who.email,
            "roles": sorted(who.roles),
            "roles_read_at": seconds,
            "roles_asked_at": seconds,
        }
        self._new_tokens = Tokens(who.refresh_token, who.id_token)

    def sign_out(self) -> str | None:
        """Forget everything, under a new id if anything is kept again. Returns the ID token, for the provider's own sign-out."""
        tokens = self.tokens()
        self.clear()
        self.person_id, self.auth_time, self.rotate = None, None, True
        self._grant, self._new_tokens = {}, None
        return tokens.id_token if tokens else None

    def tokens(self) -> Tokens | None:
        if self._new_tokens is not None:
            return self._new_tokens
        sealed = self._grant.get("sealed")
        if sealed is None or self.row is None or self._cookie is None:
            return None
        return unseal(sealed, cookie=self._cookie, id_hash=self.row.id_hash)

    def flash(self, sentence: str, *, good: bool = True) -> None:
        """A sentence for the next page that shows one: a thing done, or (not `good`) a thing to know."""
        self[_FLASHES] = [*self.get(_FLASHES, []), {"sentence": sentence, "good": good}]

    def flashes(self) -> list[dict[str, Any]]:
        """The sentences waiting, as `sentence` and `good`, each told once."""
        return list(self.pop(_FLASHES, []))

    def ended_because(self, sentence: str) -> None:
        self[_ENDED] = sentence

    def why_ended(self) -> str | None:
        """Why the session before this one ended, told once."""
        sentence: str | None = self.pop(_ENDED, None)
        return sentence

    @property
    def changed(self) -> bool:
        return self.row is not None and dict(self) != self.row.data.get("bag", {})

    @property
    def worth_keeping(self) -> bool:
        return bool(self) or self.signed_in

    def note_asked(self, now: datetime) -> None:
        self._grant["roles_asked_at"] = now.timestamp()

    def take_grant_of(self, row: StoredSession) -> None:
        """Another request wrote first: its grant, our bag."""
        self.row, self._grant, self._new_tokens = row, dict(row.data.get("grant", {})), None

    def take_bag_of(self, row: StoredSession) -> None:
        """Another request wrote first: its bag, our grant."""
        self.row = row
        self.clear()
        self.update(json.loads(json.dumps(row.data.get("bag", {}))))

    def stored_as(self, row: StoredSession) -> None:
        self.row, self._grant, self._new_tokens = row, dict(row.data["grant"]), None

    def to_data(self, revision: int, id_hash: bytes | None = None, cookie: str | None = None) -> dict[str, Any]:
        """The JSON to store; new tokens are sealed with the cookie under which it will be found."""
        cookie = cookie or self._cookie
        id_hash = id_hash or (self.row.id_hash if self.row else None)
        grant = dict(self._grant)
        if self._new_tokens is not None and cookie and id_hash:
            grant["sealed"] = seal(self._new_tokens, cookie=cookie, id_hash=id_hash)
        return {"revision": revision, "bag": json.loads(json.dumps(dict(self))), "grant": grant}

    def to_row(self, id_hash: bytes, cookie: str, now: datetime) -> StoredSession:
        data = self.to_data(1, id_hash, cookie)
        return StoredSession(id_hash, self.person_id, data, created_at=now, seen_at=now, auth_time=self.auth_time)


def session_of(request: Request) -> Session:
    """The session of a page request. A programming error where there is none: the API has no sessions."""
    session = request.scope.get("session")
    if not isinstance(session, Session):
        raise RuntimeError("This path has no session: web.sessions.ServerSessions is not around it.")
    return session


def stash(request: Request, name: str, data: Mapping[str, Any]) -> None:
    """Keep what was typed (JSON values) across a step-up, for the same person only."""
    session = session_of(request)
    session[_STASHES] = {**session.get(_STASHES, {}), name: dict(data)}


def unstash(request: Request, name: str) -> dict[str, Any] | None:
    """What was typed under this name, once."""
    session = session_of(request)
    stashes = dict(session.get(_STASHES, {}))
    found: dict[str, Any] | None = stashes.pop(name, None)
    if found is not None:
        if stashes:
            session[_STASHES] = stashes
        else:
            session.pop(_STASHES)
    return found
