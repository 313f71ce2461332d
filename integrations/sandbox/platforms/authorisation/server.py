"""What every sandbox platform's authorisation has in common: RFC 6749 codes and tokens, RFC 7636, RFC 7009, in its own words."""

import base64
import binascii
import hashlib
import secrets
from abc import abstractmethod
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from integrations.sandbox.platforms.authorisation.page import ConsentPage, style
from integrations.sandbox.platforms.authorisation.store import Application, Grant, TokenStore
from integrations.sandbox.platforms.authorisation.tokens import TokenServer
from integrations.sandbox.platforms.house import House

CODE_SECONDS = 30
"""As short as the shortest of the real platforms, X."""
_ASKED = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


class ConsentServer(TokenServer):
    """One platform's OAuth 2.0 authorisation server."""

    label: str
    authorize_path: str
    token_path: str
    revoke_path: str
    permissions: tuple[str, ...] = ("See your account", "Publish posts and images as you", "Delete those posts")
    question = "Which account?"
    several = False
    pkce_required = False
    basic_only = False
    """Client credentials are taken in the Authorization header alone, else in the form as well."""
    refresh_rotates = True
    access_seconds: int | None = None
    refresh_seconds: int | None = None
    denial: Mapping[str, str] = {"error": "access_denied"}
    words: Mapping[str, tuple[int, dict[str, Any]]] = {
        "client": (401, {"error": "invalid_client"}),
        "code": (400, {"error": "invalid_grant"}),
        "refresh": (400, {"error": "invalid_grant"}),
        "grant": (400, {"error": "unsupported_grant_type"}),
    }

    def __init__(self, house: House, tokens: TokenStore) -> None:
        super().__init__(house, tokens)
        self.page = ConsentPage(
            platform=house.platform,
            label=self.label,
            permissions=self.permissions,
            question=self.question,
            several=self.several,
        )

    def routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/_consent.css", style, methods=["GET"])
        routes.add_api_route(self.authorize_path, self.ask, methods=["GET"])
        routes.add_api_route(self.authorize_path, self.decide, methods=["POST"])
        routes.add_api_route(self.token_path, self.token, methods=["POST"])
        routes.add_api_route(self.revoke_path, self.revoke, methods=["POST"])
        self.add_routes(routes)
        return routes

    @abstractmethod
    def add_routes(self, routes: APIRouter) -> None:
        """The platform's own calls: who am I, which accounts."""

    async def ask(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in _ASKED}
        application, wrong = self._examine(asked)
        if application is None:
            return self.page.refuse(wrong)
        if wrong:
            return self._back(asked, {"error": "invalid_request", "error_description": wrong})
        return self.page.ask(
            application=application.name, asked=asked, action=request.url.path, accounts=tuple(self.house.accounts)
        )

    def _examine(self, asked: Mapping[str, str]) -> tuple[Application | None, str]:
        """Who asks, and what is wrong with it. Without a known application and address nobody is sent anywhere (§4.1.2.1)."""
        application = self.tokens.application(asked["client_id"])
        if application is None or asked["redirect_uri"] not in application.redirect_uris:
            return None, "The application or the address to return to is not registered here."
        if asked["response_type"] != "code":
            return application, "response_type must be code"
        if self.pkce_required and (not asked["code_challenge"] or asked["code_challenge_method"] != "S256"):
            return application, "code_challenge with S256 is required"
        return application, ""

    async def decide(self, request: Request) -> Response:
        form = await request.form()
        asked = {name: str(form.get(name, "")) for name in _ASKED}
        application, wrong = self._examine(asked)
        if application is None or wrong:
            return self.page.refuse(wrong)
        known = [account.account_id for account in self.house.accounts]
        chosen = tuple(str(given) for given in form.getlist("account") if given in known)
        if form.get("decision") != "allow" or not chosen:
            return self._back(asked, self.denial)
        grant = Grant(
            "code",
            secrets.token_hex(8),
            application.client_id,
            self.holder(chosen),
            chosen if self.several else chosen[:1],
            asked["code_challenge"],
            asked["redirect_uri"],
            self.ends("code", CODE_SECONDS),
        )
        return self._back(asked, {"code": self.tokens.issue(grant)})

    def holder(self, chosen: tuple[str, ...]) -> str:
        """The platform's id of the person who consents: the account itself, where an account is a person."""
        return chosen[0]

    def _back(self, asked: Mapping[str, str], told: Mapping[str, str]) -> Response:
        state = {"state": asked["state"]} if asked["state"] else {}
        joint = "&" if "?" in asked["redirect_uri"] else "?"
        address = asked["redirect_uri"] + joint + urlencode({**told, **state})
        return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})

    async def token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        application = self.client(request, form)
        if application is None:
            return self.refusal("client")
        if form.get("grant_type", self.default_grant) == "authorization_code":
            return self.by_code(application, form)
        return self.by_other(application, form)

    default_grant = ""

    def client(self, request: Request, form: Mapping[str, str]) -> Application | None:
        """The application that proves who it is."""
        client_id, secret = ("", "") if self.basic_only else (form.get("client_id", ""), form.get("client_secret", ""))
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
        application = self.tokens.application(client_id)
        return application if application and application.knows(secret) else None

    def by_code(self, application: Application, form: Mapping[str, str]) -> Response:
        """Once, in time, by who asked, for the same address and with the verifier: else nothing, and the code is spent."""
        now, code = self.house.clock(), form.get("code", "")
        grant = self.tokens.find(code, "code")
        if grant is None or grant.client_id != application.client_id:
            return self.refusal("code")
        if not self.tokens.use_once(code, now):
            self.tokens.revoke_family(grant.family, now)  # §4.1.2: whoever uses a code again may have stolen it
            return self.refusal("code")
        proven = not grant.challenge or compare_digest(s256(form.get("code_verifier", "")), grant.challenge)
        if not grant.live(now) or form.get("redirect_uri") != grant.redirect_uri or not proven:
            return self.refusal("code")
        return self.first_tokens(grant)

    def by_other(self, application: Application, form: Mapping[str, str]) -> Response:
        if form.get("grant_type") != "refresh_token" or self.refresh_seconds is None:
            return self.refusal("grant")
        return self.by_refresh(application, form.get("refresh_token", ""))

    def by_refresh(self, application: Application, token: str) -> Response:
        now = self.house.clock()
        grant = self.tokens.find(token, "refresh")
        if grant is None or grant.client_id != application.client_id or not grant.live(now):
            return self.refusal("refresh")
        if self.refresh_rotates and not self.tokens.use_once(token, now):
            self.tokens.revoke_family(grant.family, now)  # RFC 9700 §4.14.2: one of the two users is a thief
            return self.refusal("refresh")
        return self.next_tokens(grant, token)

    def first_tokens(self, grant: Grant) -> Response:
        refresh = {}
        if self.refresh_seconds is not None:
            refresh["refresh_token"] = self.issue(grant, "refresh", self.refresh_seconds)
        return self.answer(grant, refresh)

    def next_tokens(self, grant: Grant, token: str) -> Response:
        return self.first_tokens(grant)

    def answer(self, grant: Grant, more: Mapping[str, Any]) -> Response:
        body: dict[str, Any] = {"access_token": self.issue(grant, "access", self.access_seconds), "token_type": "bearer"}
        seconds = self.life("access", self.access_seconds)
        if seconds is not None:
            body["expires_in"] = int(seconds)
        return JSONResponse({**body, **more}, headers={"Cache-Control": "no-store"})

    async def revoke(self, request: Request) -> Response:
        """RFC 7009 §2.1–2.2: a refresh token takes its access tokens along; an unknown token is fine."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        application = self.client(request, form)
        if application is None:
            return self.refusal("client")
        grant = self.tokens.find(form.get("token", ""))
        if grant and grant.client_id == application.client_id:
            self.tokens.revoke_family(grant.family, self.house.clock())
        return self.revoked()

    def revoked(self) -> Response:
        return JSONResponse({})

    def refusal(self, about: str) -> Response:
        status, body = self.words[about]
        return JSONResponse(body, status, headers={"Cache-Control": "no-store"})


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
