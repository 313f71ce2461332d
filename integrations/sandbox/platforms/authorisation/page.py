"""The page on which a person allows an application in, or does not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from integrations.sandbox.platforms.house import SandboxAccount

_FOLDER = Path(__file__).parent


class ConsentPage:
    """`label` names the platform; `question` asks which of its accounts; `several`: more than one may be ticked."""

    def __init__(self, *, platform: str, label: str, permissions: Sequence[str], question: str, several: bool) -> None:
        environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.get_template("consent.html")
        self._platform, self._label = platform, label
        self._permissions, self._question, self._several = permissions, question, several

    def ask(self, *, application: str, asked: Mapping[str, str], action: str, accounts: Sequence[SandboxAccount]) -> Response:
        """`asked` is the application's request, carried along as hidden fields to `action`."""
        html = self._template.render(
            heading=f"Let {application} use your account?",
            platform=self._platform,
            label=self._label,
            application=application,
            permissions=self._permissions,
            question=self._question,
            several=self._several,
            asked=asked,
            action=action,
            accounts=accounts,
        )
        back = urlsplit(asked["redirect_uri"])
        # Browsers hold a form's redirects to form-action as well.
        return _page(html, form_action=f"'self' {back.scheme}://{back.netloc}")

    def refuse(self, sentence: str) -> Response:
        """For a request that must not be sent back: nobody knows who asked."""
        heading = "Something went wrong"
        html = self._template.render(heading=heading, platform=self._platform, label=self._label, sentence=sentence)
        return _page(html, status=400)


def style() -> Response:
    return Response((_FOLDER / "consent.css").read_text("utf-8"), media_type="text/css")


def _page(html: str, *, status: int = 200, form_action: str = "'none'") -> Response:
    policy = f"default-src 'none'; style-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(html, status, headers=headers)
