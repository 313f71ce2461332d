"""Two ASGI middlewares around every answer: the headers that tell browsers what to refuse, and our refusal of foreign forms.

Sources: OWASP ASVS 5.0 §3.4 and §3.5; CSP Level 3; the rule of Go 1.25's `net/http.CrossOriginProtection`.
"""

import secrets
from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KEPT_BY_BROWSERS = ("/static/",)

FOREIGN_FORM = (
    "This was refused because another site sent it, not a page of this service. Nothing was changed. "
    "Go to the service yourself and do it there."
)


class SecurityHeaders:
    """Adds the headers that an answer does not set itself. The page's script nonce is in `request.state.csp_nonce`.

    `form_origins`: origins besides ours to which a form's redirect may lead, that is the identity provider's; without
    it Chromium stops signing in and out. `https` adds HSTS.
    """

    def __init__(self, app: ASGIApp, *, https: bool, form_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._form_action = " ".join(["'self'", *form_origins])
        self._fixed = {
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
        }
        if https:
            self._fixed["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", self._policy(nonce))
                if not scope["path"].startswith(KEPT_BY_BROWSERS):
                    headers.setdefault("cache-control", "no-store")
                for name, value in self._fixed.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _policy(self, nonce: str) -> str:
        return (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self'; manifest-src 'self'; form-action {self._form_action}; base-uri 'none'; frame-ancestors 'none'"
        )


class CrossOriginProtection:
    """Refuses unsafe methods that a browser marks as coming from another origin (CSRF), with a sentence for a person.

    `trusted_origins` are our own where a proxy changes the Host header. Bearer requests to the API are let through:
    no browser adds that header for another site.
    """

    def __init__(self, app: ASGIApp, *, trusted_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._trusted = frozenset(origin.rstrip("/") for origin in trusted_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._allows(scope):
            await self._app(scope, receive, send)
            return
        await _refusal()(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if scope["method"] in SAFE_METHODS:
            return True
        if scope["path"].startswith("/api/") and headers.get("authorization", "").lower().startswith("bearer "):
            return True
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site is not None:
            # Scripts cannot set Sec-Fetch-Site. "none" is a person's own doing, such as a bookmark.
            return site in ("same-origin", "none") or origin in self._trusted
        if origin is None:
            # Not a browser, or one from before 2020 that sends neither: there SameSite=Lax keeps the cookie back.
            return True
        return origin in self._trusted or (origin != "null" and urlsplit(origin).netloc == headers.get("host"))


def _refusal() -> HTMLResponse:
    return HTMLResponse(
        '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>Refused</title></head>'
        f"<body><main><h1>Refused</h1><p>{escape(FOREIGN_FORM)}</p></main></body></html>",
        status_code=403,
    )
