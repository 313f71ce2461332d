"""The sandbox's OpenID provider as browsers meet it: discovery, choosing a person, signing out."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from integrations.sandbox.identity_grants import Grants
from integrations.sandbox.identity_pages import choose_page, sentence_page
from integrations.sandbox.identity_tokens import Client, Faults, Mint, Person

LOGIN_COOKIE = "sandbox_identity_login"
LOGIN_SECONDS = 8 * 3600
REQUEST_FIELDS = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "prompt", "max_age",
)  # fmt: skip


class SandboxIdentity:
    """The provider: `app` serves it; tests change `people` and `faults` while it runs."""

    def __init__(
        self,
        issuer: str,
        people: Mapping[str, Person],
        clients: Iterable[Client],
        *,
        key_path: Path | None,
        now: Callable[[], float],
    ) -> None:
        self.issuer = issuer
        self.people = dict(people)
        self.clients = {client.client_id: client for client in clients}
        self.faults = Faults()
        self.mint = Mint(issuer, key_path, now)
        self._now = now
        self._grants = Grants(self.mint, self.people, self.clients, self.faults, now)
        self.app = self._routes()

    def access_token(self, subject: str, *, typ: str = "at+jwt", **claims: Any) -> str:
        """An access token for one of the people without the round trip; `claims` override what it says."""
        person = self.people[subject]
        stated = {"roles": list(person.roles), "name": person.name, "email": person.email, "scope": "openid", **claims}
        return self.mint.access_token(subject, next(iter(self.clients)), stated, typ=typ)

    def _routes(self) -> FastAPI:
        app = FastAPI(title="Sandbox OpenID provider", docs_url=None, redoc_url=None, openapi_url=None)
        app.add_api_route("/.well-known/openid-configuration", self.discovery, methods=["GET"])
        app.add_api_route("/jwks", self.mint.jwks, methods=["GET"])
        app.add_api_route("/authorize", self.authorize, methods=["GET"], response_model=None)
        app.add_api_route("/authorize", self.chosen, methods=["POST"], response_model=None)
        app.add_api_route("/token", self._grants.token, methods=["POST"], response_model=None)
        app.add_api_route("/logout", self.logout, methods=["GET"], response_model=None)
        return app

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "subject_types_supported": ["public"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email", "roles"],
            "authorization_response_iss_parameter_supported": True,
        }

    async def authorize(self, request: Request) -> Response:
        """Sends somebody who signed in before straight back, unless the request asks for them to prove it again."""
        asked = {name: request.query_params[name] for name in REQUEST_FIELDS if name in request.query_params}
        if refusal := self._refused(asked):
            return refusal
        login = self.mint.read("login+jwt", request.cookies.get(LOGIN_COOKIE, ""))
        prompts = asked.get("prompt", "").split()
        known = login is not None and login["sub"] in self.people
        too_old = known and login is not None and self._now() - login["auth_time"] >= _max_age(asked)
        if known and login is not None and not too_old and not {"login", "select_account"} & set(prompts):
            return self._with_code(login["sub"], login["auth_time"], asked)
        if "none" in prompts:
            return self._back(asked, error="login_required")
        return choose_page(self.people, asked, again="login" in prompts or too_old)

    async def chosen(self, request: Request) -> Response:
        """The person chosen on the page; remembered by a cookie of the provider's own."""
        form = await request.form()
        asked = {name: str(form[name]) for name in REQUEST_FIELDS if name in form}
        if refusal := self._refused(asked):
            return refusal
        subject = str(form.get("sub", ""))
        if subject not in self.people:
            return sentence_page("Nobody chosen", "There is no such person here. Go back and choose one of the list.", status=400)
        auth_time = int(self._now())
        response = self._with_code(subject, auth_time, asked)
        login = self.mint.private_token("login+jwt", {"sub": subject, "auth_time": auth_time}, LOGIN_SECONDS)
        response.set_cookie(LOGIN_COOKIE, login, httponly=True, samesite="lax")
        return response

    def logout(self, post_logout_redirect_uri: str = "", state: str = "", client_id: str = "") -> Response:
        """Ends the provider's memory of the person and sends them back, only to where the client registered."""
        client = self.clients.get(client_id)
        if not post_logout_redirect_uri:
            response: Response = sentence_page("Signed out", "You are signed out of the demonstration sign-in.")
        elif client is None or post_logout_redirect_uri not in client.post_logout_redirect_uris:
            return sentence_page("Not signed out", "The address to return to is not registered for this client.", status=400)
        else:
            response = RedirectResponse(post_logout_redirect_uri + (f"?{urlencode({'state': state})}" if state else ""), 303)
        response.delete_cookie(LOGIN_COOKIE, httponly=True, samesite="lax")
        return response

    def _refused(self, asked: Mapping[str, str]) -> Response | None:
        client = self.clients.get(asked.get("client_id", ""))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            # RFC 6749 §4.1.2.1: never redirect to an address that is not registered.
            return sentence_page(
                "Unknown client", "This client, or the address to return to, is not registered here.", status=400
            )
        if asked.get("response_type") != "code":
            return self._back(asked, error="unsupported_response_type")
        if "openid" not in asked.get("scope", "").split():
            return self._back(asked, error="invalid_scope")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge") or not asked.get("nonce"):
            return self._back(asked, error="invalid_request")
        return None

    def _with_code(self, subject: str, auth_time: int, asked: Mapping[str, str]) -> Response:
        return self._back(asked, code=self._grants.code(subject, auth_time, asked))

    def _back(self, asked: Mapping[str, str], **answer: str) -> Response:
        query = urlencode({**answer, "state": asked.get("state", ""), "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)


def _max_age(asked: Mapping[str, str]) -> float:
    try:
        return float(asked.get("max_age", "inf"))
    except ValueError:
        return 0.0
