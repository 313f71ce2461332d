"""Every address of the pages is named here with who may come in; one that is not fails until somebody decided about it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from starlette.routing import Mount, Route

from core.domain.people import Person
from integrations.store import MediaStore
from tests.web.house import House
from tests.web.html_lint import lint

pytestmark = pytest.mark.anyio

PUBLIC = {
    *(
        "GET /sign-in",
        "POST /sign-in",
        "GET /step-up",
        "POST /step-up",
        "GET /auth/callback",
        "POST /sign-out",
        "GET /signed-out",
    ),
    "GET /static",
}
SIGNED_IN = {
    *("GET /", "GET /queue", "GET /queue/all", "GET /queue/decided", "GET /drafts", "GET /drafts/all"),
    *("GET /drafts/new", "POST /drafts/new", "GET /drafts/{draft_id}/edit", "POST /drafts/{draft_id}/edit"),
    *("GET /drafts/{draft_id}/decide", "POST /drafts/{draft_id}/decide", "GET /drafts/{draft_id}/outcome"),
    *("GET /drafts/{draft_id}/decide/confirm", "POST /drafts/{draft_id}/decide/confirm"),
    *("GET /drafts/{draft_id}", "GET /drafts/{draft_id}/check", "POST /drafts/{draft_id}/submit"),
    *("GET /drafts/{draft_id}/withdraw", "POST /drafts/{draft_id}/withdraw"),
    *("GET /drafts/{draft_id}/reschedule", "POST /drafts/{draft_id}/reschedule"),
    *("GET /drafts/{draft_id}/versions/{number}.json", "GET /drafts/{draft_id}/record.json"),
    *("GET /publications/{publication_id}", "GET /audit", "GET /media/{sha256}"),
    *("GET /holds", "GET /holds/new", "POST /holds/new", "GET /holds/{hold_id}"),
    *("GET /holds/{hold_id}/lift", "POST /holds/{hold_id}/lift"),
    *("POST /holds/{hold_id}/lift/confirm", "POST /holds/{hold_id}/lift/keep"),
    *("GET /accounts", "GET /accounts/new", "POST /accounts/new", "GET /accounts/{account_id}"),
    *("POST /accounts/{account_id}/watch", "GET /accounts/{account_id}/connect/waiting"),
    *("GET /accounts/connect/callback", "GET /accounts/connect/{connection_id}", "POST /accounts/connect/{connection_id}"),
    *("GET /accounts/{account_id}/connect", "POST /accounts/{account_id}/connect"),
    *("GET /accounts/{account_id}/connect/app-password", "POST /accounts/{account_id}/connect/app-password"),
    *("POST /accounts/{account_id}/connect/by-hand", "GET /accounts/{account_id}/proposals/{proposal_id}"),
    *("GET /accounts/{account_id}/disconnect", "POST /accounts/{account_id}/disconnect"),
    *("GET /needs-a-person", "GET /alarms", "GET /alarms/{alarm_id}", "POST /alarms/{alarm_id}"),
    *("GET /publications/{publication_id}/ask/{act}", "POST /publications/{publication_id}/ask/{act}"),
    "GET /publications/{publication_id}/proposals/{proposal_id}",
    "POST /publications/{publication_id}/proposals/{proposal_id}/confirm",
    "POST /publications/{publication_id}/proposals/{proposal_id}/take-back",
    *("GET /publications/{publication_id}/act/{what}", "POST /publications/{publication_id}/act/{what}"),
    *("POST /publications/{publication_id}/correct", "GET /publications/{publication_id}/release"),
    *("POST /publications/{publication_id}/release/posted", "POST /publications/{publication_id}/release/not-posted"),
    "POST /publications/{publication_id}/release/compared",
    "POST /accounts/{account_id}/proposals/{proposal_id}/confirm",
    "POST /accounts/{account_id}/proposals/{proposal_id}/take-back",
}


class NeverAsked:
    """A database that nobody who is not signed in may reach."""

    def transaction(self) -> Any:
        raise AssertionError("the database was asked")


class Unreachable:
    """A database that is down."""

    def transaction(self) -> Any:
        raise OperationalError("SELECT 1", {}, ConnectionRefusedError("password of countersign_api"))


@pytest.fixture
def shut(tmp_path: Any) -> House:
    never: Any = NeverAsked()
    return House(never, MediaStore.at(str(tmp_path)))


def routes(house: House) -> Iterator[str]:
    yield from _named(house.app.routes)


def _named(found: Iterable[Any]) -> Iterator[str]:
    for route in found:
        if isinstance(route, Mount):
            yield f"GET {route.path}"
        elif isinstance(route, Route):
            yield from (f"{method} {route.path}" for method in (route.methods or ()) if method != "HEAD")
        else:
            yield from _named(route.original_router.routes)


def test_every_route_is_on_one_of_the_lists(shut: House) -> None:
    found = set(routes(shut))
    assert found - PUBLIC - SIGNED_IN == set(), "decide who may come in, and name it here"
    assert (PUBLIC | SIGNED_IN) - found == set(), "these are gone"


@pytest.mark.parametrize("named", sorted(SIGNED_IN))
async def test_nobody_comes_in_without_signing_in(shut: House, named: str) -> None:
    method, path = named.split(" ")
    address = re.sub(r"\{number\}", "1", path)
    address = re.sub(r"\{act\}", "resend", address)
    address = re.sub(r"\{sha256\}", "0" * 64, address)
    address = re.sub(r"\{\w+\}", "00000000-0000-4000-8000-000000000000", address)
    answer = await shut.browser().request(method, address)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")


async def test_a_database_that_is_away_is_a_page_with_a_sentence(tmp_path: Any) -> None:
    down: Any = Unreachable()
    house = House(down, MediaStore.at(str(tmp_path)))
    browser = await house.browser_of(Person(UUID(int=1), "https://identity.test", "olivia", "Olivia", frozenset({"officer"})))
    for answer in (await browser.get("/drafts"), await browser.post("/holds/new", data={"what": "all", "reason": "Stop."})):
        assert answer.status_code == 503
        assert "database is not answering" in answer.text
        assert "check first whether it was recorded" in answer.text
        assert "password" not in answer.text
        assert answer.headers["retry-after"]
        assert lint(answer.text) == []
