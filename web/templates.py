"""The Jinja environment of the pages, and what turns a template into a response."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from core.domain.people import Person
from web.chrome import Chrome, Flash, navigation, roles_in_words
from web.diff import word_diff
from web.linked_text import linked
from web.session import Session
from web.when import between, from_now, iso, london, london_clock, london_date, london_precise, span
from web.words import digest_shortly, label_of, live_post_on, platform_name, web_address, where_posted

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


def environment() -> Environment:
    """Escapes everything; ChainableUndefined because the GOV.UK base template reads options that nobody set."""
    made = Environment(
        loader=ChoiceLoader(
            [FileSystemLoader(_HERE / "templates"), PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})]
        ),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        london=london,
        london_precise=london_precise,
        london_date=london_date,
        london_clock=london_clock,
        iso=iso,
        span=span,
        from_now=from_now,
        linked=linked,
        label=label_of,
        platform=platform_name,
        live_post=live_post_on,
        web_address=web_address,
        where_posted=where_posted,
        digest_shortly=digest_shortly,
    )
    made.globals.update(static=static_url, between=between, word_diff=word_diff)
    return made


@cache
def static_url(name: str) -> str:
    """The address of a static file; it changes with the bytes, so that browsers may keep each for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


class Pages:
    """Renders templates by name inside the page that belongs to the request; built once."""

    def __init__(self, *, version: str, sandbox: bool) -> None:
        self._environment = environment()
        self._version = version
        self._sandbox = sandbox

    def html(self, name: str, /, **context: Any) -> str:
        return self._environment.get_template(name).render(**context)

    def respond(self, request: Request, name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """The page as a response. `context` gives `title`, and `errors` where a form was refused."""
        return HTMLResponse(self.html(name, **{**context, "chrome": self.chrome(request)}), status)

    def chrome(self, request: Request) -> Chrome:
        """What stands around the page. Works without a session too, for the pages that say what went wrong."""
        session = request.scope.get("session")
        person = person_of(session) if isinstance(session, Session) else None
        flashes = session.flashes() if isinstance(session, Session) else []
        return Chrome(
            nonce=getattr(request.state, "csp_nonce", ""),
            viewer=person.name if person else None,
            roles=roles_in_words(person) if person else "",
            navigation=navigation(person, request.url.path, getattr(request.state, "counts", {})) if person else [],
            flashes=tuple(Flash(**flash) for flash in flashes),
            delivery=getattr(request.state, "delivery", None),
            notices=getattr(request.state, "notices", ()),
            sandbox=self._sandbox,
            version=self._version,
        )


def person_of(session: Session) -> Person | None:
    """Who is signed in, as the use-cases know people."""
    if session.person_id is None:
        return None
    return Person(session.person_id, session.issuer, session.subject, session.name, session.roles)
