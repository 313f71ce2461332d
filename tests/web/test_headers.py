"""Headers on every answer, and which unsafe requests are refused as foreign."""

import re

import httpx2
import pytest
from fastapi import FastAPI, Request, Response

from web.headers import FOREIGN_FORM, CrossOriginProtection, SecurityHeaders

pytestmark = pytest.mark.anyio

HOST = "countersign.example"


def app(*, https: bool = True, trusted: tuple[str, ...] = ()) -> FastAPI:
    made = FastAPI()

    @made.get("/")
    def page(request: Request) -> dict[str, str]:
        return {"nonce": request.state.csp_nonce}

    @made.api_route("/act", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @made.api_route("/api/v1/act", methods=["POST"])
    def act() -> str:
        return "done"

    @made.get("/static/x")
    def static() -> Response:
        return Response("x", headers={"cache-control": "max-age=60"})

    made.add_middleware(CrossOriginProtection, trusted_origins=trusted)
    made.add_middleware(SecurityHeaders, https=https, form_origins=("https://id.example",))
    return made


def client(made: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=made), base_url=f"https://{HOST}")


async def test_each_page_has_its_own_script_nonce_and_nothing_inline_or_foreign() -> None:
    async with client(app()) as browser:
        answers = [await browser.get("/") for _ in range(2)]
    nonces = [answer.json()["nonce"] for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["script-src"] == f"'nonce-{nonce}'"
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self' https://id.example"
        assert not re.search(r"unsafe|\*", str(policy))


async def test_every_answer_carries_the_other_headers_refusals_too() -> None:
    async with client(app()) as browser:
        answers = [await browser.get("/"), await browser.get("/nowhere")]
        answers.append(await browser.post("/act", headers={"sec-fetch-site": "cross-site"}))
    assert [answer.status_code for answer in answers] == [200, 404, 403]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert "content-security-policy" in answer.headers


async def test_http_gets_no_hsts_and_static_files_may_be_kept() -> None:
    async with client(app(https=False)) as browser:
        answer = await browser.get("/static/x")
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["cache-control"] == "max-age=60"


# Sec-Fetch-Site, Origin, may it pass? After Go 1.25's own table of CrossOriginProtection.
MATRIX = [
    ("same-origin", None, True),
    ("same-origin", f"https://{HOST}", True),
    ("none", None, True),
    ("cross-site", None, False),
    ("cross-site", "https://evil.example", False),
    ("same-site", "https://other.countersign.example", False),
    ("same-site", None, False),
    ("rubbish", None, False),
    ("", None, False),
    (None, None, True),
    (None, f"https://{HOST}", True),
    (None, "https://evil.example", False),
    (None, "null", False),
    (None, f"https://{HOST}.evil.example", False),
    (None, f"https://{HOST}:8443", False),
    (None, "", False),
    ("cross-site", "https://trusted.example", True),
    (None, "https://trusted.example", True),
    (None, "https://trusted.example.evil", False),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("site", "origin", "passes"), MATRIX)
async def test_an_unsafe_request_from_another_origin_is_refused(
    method: str, site: str | None, origin: str | None, passes: bool
) -> None:
    given = {"sec-fetch-site": site, "origin": origin}
    headers = {name: value for name, value in given.items() if value is not None}
    async with client(app(trusted=("https://trusted.example/",))) as browser:
        answer = await browser.request(method, "/act", headers=headers)
    assert answer.status_code == (200 if passes else 403)
    assert (FOREIGN_FORM in answer.text) is not passes


async def test_reading_is_never_refused() -> None:
    async with client(app()) as browser:
        assert (await browser.get("/act", headers={"sec-fetch-site": "cross-site"})).status_code == 200


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/api/v1/act", "Bearer x", 200),
        ("/api/v1/act", None, 403),
        ("/api/v1/act", "Basic eDp5", 403),
        ("/act", "Bearer x", 403),
    ],
)
async def test_only_bearer_requests_to_the_api_may_come_from_elsewhere(path: str, authorization: str | None, status: int) -> None:
    headers = {"sec-fetch-site": "cross-site"} | ({"authorization": authorization} if authorization else {})
    async with client(app()) as browser:
        assert (await browser.post(path, headers=headers)).status_code == status
