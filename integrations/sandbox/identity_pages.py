"""The pages of the sandbox's OpenID provider: plain HTML forms, so that a program can post what a person would."""

import secrets
from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from integrations.sandbox.identity_tokens import Person

STYLE = """
body{margin:0;font:1.1875rem/1.4 Helvetica,Arial,sans-serif;color:#0b0c0c;background:#f3f2f1}
main{max-width:40rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.banner{background:#1d2a3a;color:#fff;padding:.75rem 1rem}
.banner p{max-width:38rem;margin:0 auto}
h1{font-size:2rem;line-height:1.15;margin:1rem 0}
ul{list-style:none;padding:0;margin:1.5rem 0}
li{margin:0 0 .75rem}
button{width:100%;text-align:left;font:inherit;color:inherit;background:#fff;cursor:pointer}
button{border:2px solid #505a5f;padding:.75rem 1rem}
button:hover{background:#eef3f8;border-color:#1d2a3a}
button:focus{outline:3px solid #fd0;outline-offset:0;border-color:#0b0c0c;box-shadow:inset 0 0 0 2px #0b0c0c}
button strong{display:block}
button span{color:#484949}
"""

ROLE_WORDS = {"officer": "officer", "authoriser": "authoriser", "account_manager": "account manager", "auditor": "auditor"}


def choose_page(people: Mapping[str, Person], asked: Mapping[str, str], *, again: bool) -> HTMLResponse:
    """Everybody who can sign in, one button each; `asked` is the authorisation request, carried as hidden fields."""
    heading = "Confirm that it is you" if again else "Choose who you are"
    lead = (
        "You were asked to sign in again before an important step. Choose yourself again."
        if again
        else "This sign-in is for demonstration. There are no passwords: choose a person to act as."
    )
    hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in asked.items())
    buttons = "".join(_button(subject, person) for subject, person in people.items())
    back = urlsplit(asked["redirect_uri"])
    return _page(
        heading,
        f'<p>{lead}</p><form method="post" action="authorize">{hidden}<ul>{buttons}</ul></form>',
        form_action=f"'self' {back.scheme}://{back.netloc}",
    )


def sentence_page(heading: str, sentence: str, *, status: int = 200) -> HTMLResponse:
    return _page(heading, f"<p>{escape(sentence)}</p>", status=status)


def _button(subject: str, person: Person) -> str:
    roles = " and ".join(ROLE_WORDS.get(role, role) for role in person.roles) or "no role"
    about = f"{roles}, {person.about}" if person.about else roles
    return (
        f'<li><button name="sub" value="{escape(subject)}"><strong>{escape(person.name)}</strong>'
        f"<span>{escape(about)} · {escape(person.email)}</span></button></li>"
    )


def _page(heading: str, body: str, *, status: int = 200, form_action: str = "'none'") -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    html = (
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{escape(heading)} – demonstration sign-in</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style nonce="{nonce}">{STYLE}</style></head><body>'
        f'<header class="banner"><p>Demonstration sign-in, never for production</p></header>'
        f"<main><h1>{escape(heading)}</h1>{body}</main></body></html>"
    )
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})
