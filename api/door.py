"""What every route works with: who calls, the transaction of the one use-case, and an answer kept under its Idempotency-Key."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from core.domain.identity import Caller
from core.domain.people import Person
from core.use_cases import people
from core.use_cases.connecting import Consent
from core.use_cases.idempotency import KeptAnswer, keep_answer, kept_answer
from core.use_cases.media import Uploaded

Out = TypeVar("Out", bound=BaseModel)
REPLAYED = "Idempotent-Replayed"


class Database(Protocol):
    """Sessions that commit when their block ends. A session's type is the records' own, which doors do not name."""

    def transaction(self) -> AbstractAsyncContextManager[Any]: ...


class UploadImage(Protocol):
    """`core.use_cases.media.upload_image` with its database and store given."""

    def __call__(self, *, by: Person, raw: bytes) -> Awaitable[Uploaded]: ...


class ReadImage(Protocol):
    """`core.use_cases.media.read_image` with its database and store given."""

    def __call__(self, *, by: Person, sha256: str) -> Awaitable[tuple[bytes, str]]: ...


@dataclass(frozen=True)
class Door:
    """`platforms`: the names for which a draft may carry a text of its own. `consent`: how platforms know this service."""

    database: Database
    upload_image: UploadImage
    read_image: ReadImage
    platforms: Collection[str]
    consent: Consent


class _Unclaimed(Exception):
    """Rolls back the claim on a key that was only looked up."""


@dataclass(frozen=True)
class Call:
    """One authenticated request. `key` is its Idempotency-Key, if it is a POST that carries one."""

    http: Request
    door: Door
    caller: Caller
    key: str | None = None

    @property
    def request_id(self) -> str:
        return str(self.http.scope["state"]["request_id"])

    def address(self, path: str) -> str:
        """An address of this API as its callers reach it."""
        return f"{self.http.scope.get('root_path', '')}{path}"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Any, Person]]:
        """The session of one use-case and the person who calls; committed when the block ends, before anything is answered."""
        async with self.door.database.transaction() as session:
            yield session, await self._person(session)

    async def person(self) -> Person:
        """Who calls, on the record from now on."""
        async with self.transaction() as (_, person):
            return person

    async def once(
        self,
        act: Callable[[Any, Person], Awaitable[Out]],
        kind: type[Out],
        *,
        headers: Callable[[Out], Mapping[str, str]] = lambda _: {},
        content: bytes | None = None,
    ) -> Response:
        """Do it once and answer 201. The same key with the same request is answered as before, and nothing is done again.

        A refusal leaves the key free, for it rolls the claim back with everything else. `content` stands for the body
        where the same content can be sent as other bytes. Raises KeyReused for another request under a key.
        """
        kept = None
        async with self.door.database.transaction() as session:
            if self.key is not None:
                kept = await self._kept(session, content)
            if kept is None:
                out = await act(session, await self._person(session))
                body = out.model_dump_json().encode()
                if self.key is not None:
                    await keep_answer(session, caller=self._name, key=self.key, status=201, body=body)
                return json_answer(body, 201, headers(out))
        return self.replay(kept, kind, headers)

    async def answered_before(self, content: bytes) -> KeptAnswer | None:
        """The answer kept under this key, without claiming the key. Raises KeyReused."""
        if self.key is None:
            return None
        try:
            async with self.door.database.transaction() as session:
                kept = await self._kept(session, content)
                if kept is None:
                    raise _Unclaimed()
                return kept
        except _Unclaimed:
            return None

    def replay(self, kept: KeptAnswer, kind: type[Out], headers: Callable[[Out], Mapping[str, str]]) -> Response:
        return json_answer(kept.body, kept.status, {**headers(kind.model_validate_json(kept.body)), REPLAYED: "true"})

    @property
    def _name(self) -> str:
        return f"{self.caller.issuer} {self.caller.subject}"

    async def _person(self, session: Any) -> Person:
        who = self.caller
        return await people.caller(session, issuer=who.issuer, subject=who.subject, name=who.name, roles=who.roles)

    async def _kept(self, session: Any, content: bytes | None) -> KeptAnswer | None:
        body = await self.http.body() if content is None else content
        parts = (self.http.method.encode(), self.http.scope["path"].encode(), self.http.scope["query_string"], body)
        hashed = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))
        return await kept_answer(session, caller=self._name, key=self.key or "", request=hashed.digest())


def door_of(request: Request) -> Door:
    door = request.app.state.door
    assert isinstance(door, Door)  # noqa: S101 - set by api.app.build
    return door


async def reading(request: Request) -> Call:
    return Call(request, door_of(request), request.state.caller)


IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Your own name for this act. Sent again with the same request it brings the same answer and no second act.",
    ),
]


async def posting(request: Request, idempotency_key: IdempotencyKey = None) -> Call:
    return Call(request, door_of(request), request.state.caller, idempotency_key)


Reading = Annotated[Call, Depends(reading)]
Posting = Annotated[Call, Depends(posting)]


def answered(out: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """200, written once: the model was built from what the use-case gave, and is not validated again."""
    return json_answer(out.model_dump_json().encode(), 200, headers or {})


def json_answer(body: bytes, status: int, headers: Mapping[str, str]) -> Response:
    return Response(body, status, headers=dict(headers), media_type="application/json")
