"""Access tokens for the API: JWTs of the department's OpenID provider, checked as RFC 9068 §4 says.

An ID token is never a bearer token: `typ` must be `at+jwt` and `aud` this API, so a token meant for a page opens nothing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from core.domain.identity import Caller, ProviderUnreachable, SignInRefused, TokenRefused
from integrations.claims import (
    LEEWAY_SECONDS,
    SAME_NAMES,
    Claims,
    auth_time_in,
    email_in,
    is_machine,
    name_in,
    roles_in,
    subject_in,
)

log = structlog.get_logger(__name__)

ALGORITHMS = ("RS256", "ES256")
TYPES = frozenset({"at+jwt", "application/at+jwt"})
REFETCH_AT_MOST_EVERY = 30.0
KEYS_GROW_OLD_AFTER = 3600.0


class SigningKeys:
    """The provider's public keys: fetched when first needed, when an unknown one signs, and hourly, as keys are withdrawn."""

    def __init__(self, issuer: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer.rstrip("/")
        self._clock = clock
        self._keys: KeySet | None = None
        self._tried_at: float | None = None
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()

    async def current(self, *, unknown_key: bool = False) -> KeySet:
        """The keys; asked with `unknown_key`, fetched anew unless that was tried in the last 30 seconds."""
        async with self._lock:
            old = self._keys is None or unknown_key or self._clock() - self._fetched_at > KEYS_GROW_OLD_AFTER
            # Anyone can send a token with an invented key id: that must not make us hammer the provider.
            waited = self._tried_at is None or self._clock() - self._tried_at >= REFETCH_AT_MOST_EVERY
            if old and waited:
                await self._fetch()
            if self._keys is None:
                raise ProviderUnreachable(reason="no_signing_keys")
            return self._keys

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            async with httpx2.AsyncClient(timeout=10) as client:
                metadata = (await client.get(f"{self._issuer}/.well-known/openid-configuration")).raise_for_status().json()
                if str(metadata["issuer"]).rstrip("/") != self._issuer:
                    raise ValueError("other issuer")
                keys = (await client.get(metadata["jwks_uri"])).raise_for_status().json()
            self._keys = KeySet.import_key_set(keys)
            self._fetched_at = self._tried_at
        except (httpx2.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            # Keys already known go on serving: an unreachable provider must not stop the API.
            log.warning("signing_keys_not_fetched", reason=type(error).__name__)


class AccessTokens:
    """Verifies bearer tokens of one issuer for one audience."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        role_names: Mapping[str, str] = SAME_NAMES,
        keys: SigningKeys | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._role_names = role_names
        self._keys = keys or SigningKeys(issuer)
        self._now = now

    async def verify(self, token: str) -> Caller:
        """Who the token speaks for. Raises `TokenRefused`; `ProviderUnreachable` while no signing key is known."""
        try:
            decoded = await self._decoded(token)
            self._require(decoded.header, decoded.claims)
            claims = decoded.claims
            return Caller(
                issuer=str(claims["iss"]),
                subject=subject_in(claims),
                name=name_in(claims),
                roles=roles_in(claims, self._role_names),
                client=is_machine(claims),
                scope=frozenset(str(claims.get("scope") or claims.get("scp") or "").split()),
                email=email_in(claims),
                auth_time=auth_time_in(claims, self._now()),
            )
        except ProviderUnreachable:
            raise
        except SignInRefused as refusal:
            raise TokenRefused(str(refusal) if refusal.reason == "group_overage" else None, reason=refusal.reason) from None
        except JoseError as error:
            raise TokenRefused(reason=error.error) from None
        except (ValueError, TypeError, KeyError) as error:
            raise TokenRefused(reason=type(error).__name__) from None

    async def _decoded(self, token: str) -> jwt.Token:
        # Entra adds header parameters (x5t, nonce) that RFC 7515 lets a verifier ignore.
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(token, await self._keys.current(), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(token, await self._keys.current(unknown_key=True), registry=registry)

    def _require(self, header: Mapping[str, Any], claims: Claims) -> None:
        """The checks of RFC 9068 §4, each with a name for the log."""
        if str(header.get("typ", "")).lower() not in TYPES:
            raise TokenRefused("This is not an access token. An ID token does not open the API.", reason="wrong_type")
        if claims.get("iss") != self._issuer:
            raise TokenRefused(reason="wrong_issuer")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenRefused("The access token was issued for another service.", reason="wrong_audience")
        now = self._now().timestamp()
        if now >= _seconds(claims, "exp") + LEEWAY_SECONDS:
            raise TokenRefused("The access token has expired. Ask the identity provider for a new one.", reason="expired")
        if "nbf" in claims and now < _seconds(claims, "nbf") - LEEWAY_SECONDS:
            raise TokenRefused(
                "The access token is not valid yet. Check the clock of the machine that asked for it.", reason="early"
            )


def _seconds(claims: Claims, name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(reason=f"{name}_unreadable")
    return value
