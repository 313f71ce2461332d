"""The Jinja environment of the pages, and the one function that turns a template into a response."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader

from web.diff import word_diff
from web.linked_text import linked
from web.when import between, from_now, iso, london, london_clock, london_date, london_precise, span
from web.words import digest_shortly, label_of, platform_name

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
    """Renders templates by name; built once."""

    def __init__(self) -> None:
        self._environment = environment()

    def render(self, name: str, **context: Any) -> str:
        """The page as HTML. `title` and `chrome` are always given; `errors` where a form was refused."""
        return self._environment.get_template(name).render(**context)
