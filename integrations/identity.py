"""Signing people in at the department's OpenID provider: authorisation code, PKCE S256 and nonce, through Authlib.

What Authlib lets pass and we do not: an answer without an ID token, an algorithm outside our list, no `auth_time`.
Sources: OpenID Connect Core 1.0 §3.1.3.7, RFC 7636, RFC 9207, OpenID Connect RP-Initiated Logout 1.0.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # Authlib ships no types
from authlib.integrations.base_client.errors import MismatchingStateError  # type: ignore[import-untyped]
from authlib.integrations.starlette_client import OAuth  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from core.domain.identity import ProviderUnreachable, SignedIn, SignInRefused
from integrations.claims import LEEWAY_SECONDS, SAME_NAMES, Claims, auth_time_in, email_in, name_in, roles_in, subject_in

ALGORITHMS = ("RS256", "ES256")
SCOPES = "openid profile email offline_access"

# RFC 6749 §4.1.2.1 and §5.2: answers that say "not now" rather than "no".
NOT_NOW = frozenset({"temporarily_unavailable", "server_error"})

STALE_START = "This sign-in was started too long ago, in another browser, or was already used. Start again from the sign-in page."


class IdentityProvider:
    """One OpenID provider, as a client of which this service is registered. Building it does no I/O.

    `base_url` is where people reach this service: the provider sends them back to `/auth/callback` and `/signed-out` there.
    `role_names` maps the provider's role values to ours.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: SecretStr,
        base_url: str,
        scopes: str = SCOPES,
        role_names: Mapping[str, str] = SAME_NAMES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if "openid" not in scopes.split():
            raise ValueError("The scopes asked of the identity provider must include openid.")
        # Authlib writes PKCE verifiers to its log at DEBUG.
        logging.getLogger("authlib").setLevel(logging.INFO)
        self.issuer = issuer.rstrip("/")
        self._given_issuer = issuer
        self._client_id = client_id
        self._base_url = base_url.rstrip("/")
        self._role_names = role_names
        self._now = now
        self._client = OAuth().register(
            "provider",
            server_metadata_url=f"{self.issuer}/.well-known/openid-configuration",
            client_id=client_id,
            client_secret=client_secret.get_secret_value(),
            client_kwargs={"scope": scopes, "code_challenge_method": "S256", "timeout": 10},
        )

    async def check(self) -> None:
        """Raise `SignInRefused`, with what to put right, if this provider cannot serve (to be called at start)."""
        metadata = await self._metadata()
        methods = metadata.get("code_challenge_methods_supported")
        if methods is not None and "S256" not in methods:
            raise SignInRefused(
                "The identity provider does not offer PKCE with S256, which this service needs.", reason="no_pkce"
            )
        claims = metadata.get("claims_supported")
        if claims is not None and "auth_time" not in claims:
            raise SignInRefused(
                "The identity provider does not say when a person signed in (auth_time), which deciding on a draft needs. "
                "Turn that claim on at the provider.",
                reason="no_auth_time",
            )

    async def authorize_redirect(self, request: Request, *, step_up: bool = False) -> Response:
        """Send the browser to the provider. `step_up` makes the person prove again who they are, whatever they did before."""
        await self._metadata()
        again = {"prompt": "login", "max_age": "0"} if step_up else {}
        response: Response = await self._client.authorize_redirect(request, f"{self._base_url}/auth/callback", **again)
        response.status_code = 303
        return response

    async def exchange(self, request: Request) -> SignedIn:
        """The person whom the callback vouches for. Raises `SignInRefused`, `ProviderUnreachable` if nothing was said."""
        metadata = await self._metadata()
        if request.query_params.get("iss", metadata["issuer"]) != metadata["issuer"]:
            raise SignInRefused(reason="wrong_issuer_in_answer")
        options = self._claims_options(metadata) | {"nonce": {"essential": True}}
        token = await self._asked(self._client.authorize_access_token(request, leeway=LEEWAY_SECONDS, claims_options=options))
        return self._signed_in(token, token.get("userinfo"), None)

    async def refresh(self, refresh_token: str, *, auth_time: datetime) -> SignedIn:
        """The same person with roles as they stand now. `auth_time` is kept where the provider does not repeat it."""
        metadata = await self._metadata()
        token = await self._asked(self._client.fetch_access_token(grant_type="refresh_token", refresh_token=refresh_token))
        options = self._claims_options(metadata)
        claims = await self._asked(self._client.parse_id_token(token, nonce=None, claims_options=options, leeway=LEEWAY_SECONDS))
        # RFC 6749 §6: without a new refresh token the old one stays good.
        token.setdefault("refresh_token", refresh_token)
        return self._signed_in(token, claims, auth_time)

    async def logout_url(self, id_token: str | None) -> str | None:
        """Where to end the provider's own session, or None if it offers no such place or cannot be asked."""
        try:
            metadata = await self._metadata()
        except SignInRefused:
            return None
        if not metadata.get("end_session_endpoint"):
            return None
        asked: dict[str, Any] = await self._client.create_logout_url(
            post_logout_redirect_uri=f"{self._base_url}/signed-out", id_token_hint=id_token, client_id=self._client_id
        )
        return str(asked["url"])

    async def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = await self._asked(self._client.load_server_metadata())
        if metadata.get("issuer") not in (self.issuer, self._given_issuer):
            self._client.server_metadata.clear()
            raise SignInRefused(
                "The identity provider calls itself by another name than OIDC_ISSUER says.", reason="other_issuer"
            )
        # A provider may announce HS256 or none as well: our list decides, not theirs (RFC 8725 §3.1).
        metadata["id_token_signing_alg_values_supported"] = list(ALGORITHMS)
        return metadata

    def _claims_options(self, metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": self._client_id},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }

    def _signed_in(self, token: Mapping[str, Any], claims: Claims | None, kept_auth_time: datetime | None) -> SignedIn:
        if not claims or "id_token" not in token:
            raise SignInRefused(reason="id_token_missing")
        auth_time = kept_auth_time or auth_time_in(claims, self._now())
        if auth_time is None:
            raise SignInRefused(
                "The identity provider did not say when you signed in. Tell your service desk that auth_time is missing.",
                reason="auth_time_missing",
            )
        if not token.get("refresh_token"):
            raise SignInRefused(
                "The identity provider gave no refresh token, by which your roles are kept up to date. "
                "Tell your service desk that offline_access is missing.",
                reason="refresh_token_missing",
            )
        return SignedIn(
            issuer=str(claims["iss"]),
            subject=subject_in(claims),
            name=name_in(claims),
            email=email_in(claims),
            roles=roles_in(claims, self._role_names),
            auth_time=auth_time,
            id_token=str(token["id_token"]),
            refresh_token=str(token["refresh_token"]),
            expires_at=self._now() + timedelta(seconds=int(token.get("expires_in") or 300)),
        )

    async def _asked(self, answer: Any) -> Any:
        """One conversation with the provider; every way in which it fails becomes a refusal that says nothing secret."""
        try:
            return await answer
        except MismatchingStateError:
            raise SignInRefused(STALE_START, reason="state_mismatch") from None
        except OAuthError as error:
            if error.error in NOT_NOW:
                raise ProviderUnreachable(reason=str(error.error)) from None
            if error.error == "access_denied":
                raise SignInRefused(
                    "You stopped the sign-in, or the provider did not allow it.", reason="access_denied"
                ) from None
            raise SignInRefused(reason=f"oauth:{error.error}"[:80]) from None
        except JoseError as error:
            raise SignInRefused(reason=f"id_token:{error.error}") from None
        except httpx2.HTTPError as error:
            raise ProviderUnreachable(reason=type(error).__name__) from None
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise SignInRefused(reason=f"unreadable_answer:{type(error).__name__}") from None
