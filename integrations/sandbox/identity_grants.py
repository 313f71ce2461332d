"""The token endpoint of the sandbox's OpenID provider: three grants, each as its RFC says, and its errors."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.sandbox.identity_tokens import ACCESS_SECONDS, REFRESH_SECONDS, Client, Faults, Mint, Person, s256

CODE_SECONDS = 60


@dataclass(frozen=True)
class Code:
    """An authorisation code, waiting to be exchanged once."""

    subject: str
    auth_time: int
    asked: Mapping[str, str]
    ends_at: float


class Grants:
    """Gives codes out and takes codes, refresh tokens and client secrets in. `people` and `faults` are read anew each time."""

    def __init__(
        self, mint: Mint, people: Mapping[str, Person], clients: Mapping[str, Client], faults: Faults, now: Callable[[], float]
    ) -> None:
        self._mint = mint
        self._people = people
        self._clients = clients
        self._faults = faults
        self._now = now
        self._codes: dict[str, Code] = {}

    def code(self, subject: str, auth_time: int, asked: Mapping[str, str]) -> str:
        """A new authorisation code for this person and this request: good once, for 60 seconds."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(subject, auth_time, asked, self._now() + CODE_SECONDS)
        return code

    async def token(self, request: Request) -> Response:
        """The three grants; anything else, or anything amiss, is an error as RFC 6749 §5.2 names it."""
        if self._faults.down:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        form = {name: str(value) for name, value in (await request.form()).items()}
        client = self._client(request.headers.get("authorization", ""), form)
        if client is None:
            return _error("invalid_client", 401)
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_client_credentials,
        }
        grant = grants.get(form.get("grant_type", ""))
        return grant(client, form) if grant else _error("unsupported_grant_type")

    def _client(self, authorization: str, form: Mapping[str, str]) -> Client | None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            try:
                client_id, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
            client_id, secret = unquote_plus(client_id), unquote_plus(secret)
        client = self._clients.get(client_id)
        return client if client and hmac.compare_digest(client.secret.encode(), secret.encode()) else None

    def _by_code(self, client: Client, form: Mapping[str, str]) -> Response:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.ends_at <= self._now() or code.asked["client_id"] != client.client_id:
            return _error("invalid_grant")
        challenge = s256(form.get("code_verifier", ""))
        if form.get("redirect_uri") != code.asked["redirect_uri"] or not hmac.compare_digest(
            challenge, code.asked["code_challenge"]
        ):
            return _error("invalid_grant")
        return self._tokens(client, code.subject, code.auth_time, code.asked["scope"], nonce=code.asked["nonce"])

    def _by_refresh_token(self, client: Client, form: Mapping[str, str]) -> Response:
        claims = self._mint.read("refresh+jwt", form.get("refresh_token", ""))
        if claims is None or claims["client_id"] != client.client_id or claims["sub"] not in self._people:
            return _error("invalid_grant")
        if not self._mint.use_once(claims):
            return _error("invalid_grant")
        return self._tokens(client, claims["sub"], claims["auth_time"], claims["scope"])

    def _by_client_credentials(self, client: Client, form: Mapping[str, str]) -> Response:
        if not client.roles:
            return _error("unauthorized_client")
        stated = {"roles": list(client.roles), "scope": form.get("scope", "")}
        token = self._mint.access_token(client.client_id, client.client_id, stated)
        return _answer({"access_token": token, "token_type": "Bearer", "expires_in": ACCESS_SECONDS})

    def _tokens(self, client: Client, subject: str, auth_time: int, scope: str, *, nonce: str | None = None) -> Response:
        person = self._people[subject]
        about = {"sub": subject, "name": person.name, "email": person.email, "roles": list(person.roles), "auth_time": auth_time}
        access = self._mint.access_token(subject, client.client_id, about | {"scope": scope})
        claims = about | {"aud": client.client_id} | ({"nonce": nonce} if nonce else {})
        kept = {"sub": subject, "client_id": client.client_id, "auth_time": auth_time, "scope": scope}
        answer = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "scope": scope,
            "id_token": self._mint.id_token(claims, access, self._faults),
            "refresh_token": self._mint.private_token("refresh+jwt", kept, REFRESH_SECONDS),
        }
        return _answer({name: value for name, value in answer.items() if name not in self._faults.drop_from_answer})


def _answer(body: dict[str, object]) -> Response:
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _error(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, headers={"Cache-Control": "no-store"})
