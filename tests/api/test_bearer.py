"""The Authorization header of the API."""

from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from api.bearer import bearer
from core.domain.identity import Caller, TokenRefused

pytestmark = pytest.mark.anyio


class Verifier:
    """Knows one token."""

    async def verify(self, token: str) -> Caller:
        if token != "good":
            raise TokenRefused(reason="bad")
        return Caller("https://id.example", "sam", "Samira Khan", frozenset({"officer"}), False, frozenset())


def client() -> httpx2.AsyncClient:
    app = FastAPI()
    caller = bearer(Verifier())

    @app.get("/whoami")
    async def whoami(who: Annotated[Caller, Depends(caller)]) -> str:
        return who.subject

    @app.exception_handler(TokenRefused)
    async def refused(request: Request, refusal: TokenRefused) -> JSONResponse:
        return JSONResponse({"detail": str(refusal)}, 401, {"WWW-Authenticate": refusal.challenge})

    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api.example")


async def test_the_bearer_is_known_by_the_token() -> None:
    async with client() as api:
        assert (await api.get("/whoami", headers={"Authorization": "Bearer good"})).json() == "sam"


@pytest.mark.parametrize("header", [None, "", "Basic Z29vZDo=", "good", "Bearer", "Bearer "])
async def test_without_a_token_the_caller_is_told_what_to_send(header: str | None) -> None:
    async with client() as api:
        answer = await api.get("/whoami", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="countersign"'
    assert "Authorization: Bearer" in answer.json()["detail"]


async def test_a_token_that_does_not_count_is_named_as_such() -> None:
    async with client() as api:
        answer = await api.get("/whoami", headers={"Authorization": "Bearer bad"})
    assert answer.headers["www-authenticate"] == 'Bearer realm="countersign", error="invalid_token"'


async def test_a_token_elsewhere_than_in_the_header_does_not_count() -> None:
    async with client() as api:
        api.cookies.set("countersign", "good")
        assert (await api.get("/whoami", params={"access_token": "good"})).status_code == 401


async def test_two_authorization_headers_are_refused() -> None:
    async with client() as api:
        answer = await api.get("/whoami", headers=[("Authorization", "Bearer good"), ("Authorization", "Bearer bad")])
    assert answer.status_code == 401


async def test_the_openapi_document_names_the_scheme() -> None:
    async with client() as api:
        schemes = (await api.get("/openapi.json")).json()["components"]["securitySchemes"]
    assert schemes["HTTPBearer"]["scheme"] == "bearer"
