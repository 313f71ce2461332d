"""What an adapter and a sandbox say to each other, word for word, to hold both against a platform's own specification."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.sandbox.platforms.app import build
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import Sandbox, serve


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: dict[str, str]
    content_type: str
    sent: bytes
    status: int
    answer_type: str
    answered: bytes

    def answer(self) -> Any:
        return json.loads(self.answered) if self.answered else None

    def form(self) -> dict[str, str]:
        """The fields of a form by name, of either encoding; files come as their kind."""
        if self.content_type.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.sent.decode(), keep_blank_values=True))
        head = f"Content-Type: {self.content_type}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.sent)
        assert isinstance(message, EmailMessage)
        fields = {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            value = part.get_content_type() if part.get_filename() else part.get_content()
            fields[str(name)] = str(value).rstrip("\r\n")
        return fields


class _Ear:
    def __init__(self, app: ASGIApp, heard: list[Exchange]) -> None:
        self.app = app
        self.heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            return await self.app(scope, receive, send)
        sent, answered, head = bytearray(), bytearray(), dict[str, Any]()

        async def receiving() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            head.update(message if message["type"] == "http.response.start" else {})
            answered.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, receiving, sending)
        kinds = {name.lower(): value.decode() for name, value in scope["headers"] if name.lower() == b"content-type"}
        answer_kinds = {
            name.lower(): value.decode() for name, value in head.get("headers", []) if name.lower() == b"content-type"
        }
        self.heard.append(
            Exchange(
                scope["method"],
                scope["path"],
                dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
                kinds.get(b"content-type", ""),
                bytes(sent),
                head.get("status", 0),
                answer_kinds.get(b"content-type", "").partition(";")[0],
                bytes(answered),
            )
        )


@contextmanager
def overheard(platform: str, account: SandboxAccount, folder: Path) -> Iterator[tuple[Sandbox, list[Exchange]]]:
    """A sandbox, and what is said to its API from now on; its switches for tests are no part of that."""
    heard: list[Exchange] = []
    app = build(platform, accounts=[account], ledger_path=folder / f"{platform}.sqlite")
    app.add_middleware(_Ear, heard=heard)
    with serve(app) as url:
        yield Sandbox(url), heard
