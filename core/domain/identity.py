"""Who somebody is, as the doors and the identity provider's client hand it on; and how saying so is refused.

People are keyed by issuer and subject (OpenID Connect Core 1.0 §5.7), never by name or address, which change hands.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.domain.refusals import Refusal


class SignInRefused(Refusal):
    """The identity provider's answer was not taken: nobody was signed in. `reason` is for the log, without secrets."""

    code = "sign_in_refused"
    sentence = "You could not be signed in. Start again from the sign-in page; if it happens again, tell your service desk."

    def __init__(self, sentence: str | None = None, *, reason: str = "refused") -> None:
        super().__init__(sentence)
        self.reason = reason


class ProviderUnreachable(SignInRefused):
    """The identity provider did not answer: neither yes nor no was said (503)."""

    code = "identity_provider_unreachable"
    sentence = "The sign-in service is not answering. Wait a minute and try again; if it lasts, tell your service desk."


class TokenRefused(Refusal):
    """A request to the API bore no token, or none that counts here (401). `challenge` is the WWW-Authenticate value."""

    code = "token_refused"
    sentence = "The access token was not accepted. Ask the identity provider for a new one, for this service's audience."

    def __init__(self, sentence: str | None = None, *, reason: str = "refused", missing: bool = False) -> None:
        super().__init__(sentence)
        self.reason = reason
        # RFC 6750 §3.1: a request without any token is told the scheme and no error code.
        self.challenge = 'Bearer realm="countersign"' + ("" if missing else ', error="invalid_token"')


@dataclass(frozen=True)
class SignedIn:
    """A person as the identity provider vouched for them, with what keeps the vouching up to date.

    `auth_time` is when they last proved who they are (UTC); `expires_at` when the access token ends (UTC).
    """

    issuer: str
    subject: str
    name: str
    email: str | None
    roles: frozenset[str]
    auth_time: datetime
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Caller:
    """Who an access token speaks for: a person, or a machine client (`client`) acting as itself."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[str]
    client: bool
    scope: frozenset[str]
    email: str | None = None
    auth_time: datetime | None = None


@dataclass(frozen=True)
class StoredSession:
    """A browser session as the database keeps it: the cookie's SHA-256, never the cookie. Times are UTC.

    `data` is JSON; its `revision` rises with each replacement, so that two requests at once cannot undo one another.
    """

    id_hash: bytes = field(repr=False)
    person_id: UUID | None
    data: dict[str, Any] = field(repr=False)
    created_at: datetime
    seen_at: datetime
    auth_time: datetime | None = None

    @property
    def revision(self) -> int:
        return int(self.data.get("revision", 0))
