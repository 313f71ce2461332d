"""Signing in over real HTTP: provider, callback, session, step-up, sign-out."""

import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from tests.integrations.identity.harness import Browser, Service, running_service
from web.sign_in import safe_next


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture
def service(running: Service) -> Iterator[Service]:
    running.recognised.clear()
    running.store.rows.clear()
    yield running
    running.clock.ahead *= 0
    running.provider.faults.claims.clear()


@pytest.fixture
def browser(service: Service) -> Iterator[Browser]:
    with Browser(service) as browser:
        yield browser


def test_signing_in_tells_who_somebody_is_and_in_which_roles(service: Service, browser: Browser) -> None:
    answer = browser.sign_in("sam", next="/me")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert browser.me() == {"id": str(service.person("sam")), "name": "Samira Khan", "roles": ["authoriser", "officer"]}
    assert service.recognised[0].email == "samira.khan@department.example"


def test_a_page_that_needs_a_person_leads_to_sign_in_and_back(browser: Browser) -> None:
    first = browser.get("/me?a=1")
    assert first.headers["location"] == "/sign-in?next=%2Fme%3Fa%3D1"
    assert browser.get(first.headers["location"]).json()["next"] == "/me?a=1"


def test_whoever_is_signed_in_does_not_see_the_sign_in_page(browser: Browser) -> None:
    browser.sign_in("olivia")
    assert browser.get("/sign-in").headers["location"] == "/"


def test_somebody_without_a_role_is_not_signed_in(service: Service, browser: Browser) -> None:
    answer = browser.sign_in("norah")
    assert answer.status_code == 403
    assert answer.json()["template"] == "no_access.html"
    assert answer.json()["name"] == "Norah Vale"
    assert not service.recognised
    assert browser.get("/me").status_code == 303


def test_a_session_id_given_before_sign_in_is_worthless_after_it(service: Service, browser: Browser) -> None:
    page = browser.to_provider()
    planted = browser.cookies["countersign"]
    back = browser.choose(page, "olivia")
    browser.get(back.headers["location"])
    assert browser.cookies["countersign"] != planted
    with Browser(service) as thief:
        thief.cookies.set("countersign", planted)
        assert thief.get("/me").status_code == 303


def test_a_cookie_that_the_service_did_not_make_is_not_adopted(service: Service, browser: Browser) -> None:
    browser.cookies.set("countersign", "A" * 43, domain="127.0.0.1")
    browser.sign_in("olivia")
    assert [row.person_id for row in service.store.rows.values()] == [service.person("olivia")]
    assert hashlib.sha256(b"A" * 43).digest() not in service.store.rows


def test_signing_in_needs_the_browser_that_started_it(service: Service, browser: Browser) -> None:
    back = browser.choose(browser.to_provider(), "olivia").headers["location"]
    with Browser(service) as victim:
        answer = victim.get(back)
        assert answer.status_code == 403
        assert "Start again" in answer.json()["problem"]
        assert victim.get("/me").status_code == 303


def test_a_callback_works_once(browser: Browser) -> None:
    back = browser.choose(browser.to_provider(), "olivia").headers["location"]
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403


def test_an_error_from_the_provider_is_a_sentence_and_no_secret_is_logged(browser: Browser) -> None:
    state = parse_qs(urlsplit(browser.post("/sign-in").headers["location"]).query)["state"][0]
    answer = browser.get("/auth/callback", params={"error": "access_denied", "state": state})
    assert "You stopped the sign-in" in answer.json()["problem"]
    with capture_logs() as logs:
        browser.get("/auth/callback", params={"code": "canary-code", "state": "canary-state"})
    assert logs
    assert "canary" not in str(logs)


def test_an_answer_that_names_another_issuer_is_refused(browser: Browser) -> None:
    back = browser.choose(browser.to_provider(), "olivia").headers["location"]
    forged = back.replace(browser.service.provider.issuer.replace(":", "%3A").replace("/", "%2F"), "https%3A%2F%2Fevil.example")
    assert forged != back
    assert browser.get(forged).status_code == 403


def test_signing_out_ends_both_sessions(service: Service, browser: Browser) -> None:
    browser.sign_in("olivia")
    old = browser.cookies["countersign"]
    leaving = browser.post("/sign-out")
    assert leaving.status_code == 303
    assert not service.store.rows
    back = browser.get(leaving.headers["location"])
    assert urlsplit(back.headers["location"]).path == "/signed-out"
    assert browser.get(back.headers["location"]).json()["template"] == "signed_out.html"
    browser.cookies.set("countersign", old)
    assert browser.get("/me").status_code == 303
    assert "Choose who you are" in browser.to_provider().text


def test_deciding_long_after_sign_in_asks_for_proof_and_keeps_what_was_typed(service: Service, browser: Browser) -> None:
    browser.sign_in("ade")
    service.clock.move(minutes=16)
    asked = browser.post("/decide", data={"reason": "Because."})
    assert asked.headers["location"] == "/step-up?next=%2Fdecide"
    page = browser.get(asked.headers["location"]).json()
    assert (page["step_up"], page["next"], page["name"]) == (True, "/decide", "Ade Lawal")
    again = browser.to_provider(path="/step-up", next="/decide")
    assert "Confirm that it is you" in again.text
    service.provider.faults.claims["auth_time"] = int(service.clock().timestamp())
    service.clock.move(seconds=-20)
    before = browser.cookies["countersign"]
    back = browser.get(browser.choose(again, "ade").headers["location"])
    assert back.headers["location"] == "/decide"
    assert browser.cookies["countersign"] != before
    assert browser.get("/decide").json()["typed"] == {"reason": "Because."}
    assert browser.post("/decide", data={"reason": "Now."}).json() == {"decided": {"reason": "Now."}}


def test_what_one_person_typed_is_not_kept_for_another_who_proves_themselves(service: Service, browser: Browser) -> None:
    browser.sign_in("ade")
    service.clock.move(minutes=16)
    browser.post("/decide", data={"reason": "Mine."})
    again = browser.to_provider(path="/step-up", next="/decide")
    service.provider.faults.claims["auth_time"] = int(service.clock().timestamp()) - 5
    back = browser.get(browser.choose(again, "priya").headers["location"])
    assert back.headers["location"] == "/"
    page = browser.get("/decide").json()
    assert page["typed"] is None
    assert page["name"] == "Priya Nair"
    assert "What somebody else had typed was not kept." in page["flashes"][0]["sentence"]


def test_a_provider_that_ignores_the_request_for_proof_opens_nothing(service: Service, browser: Browser) -> None:
    browser.sign_in("ade")
    service.clock.move(minutes=16)
    again = browser.to_provider(path="/step-up", next="/decide")
    answer = browser.get(browser.choose(again, "ade").headers["location"])
    assert answer.status_code == 403
    assert "did not ask you to prove again" in answer.json()["problem"]
    assert browser.post("/decide").status_code == 303


def test_the_provider_remembers_a_person_who_signs_in_again_without_step_up(service: Service, browser: Browser) -> None:
    browser.sign_in("ade")
    browser.cookies.delete("countersign")
    back = browser.to_provider()
    assert back.status_code == 303
    assert browser.get(back.headers["location"]).status_code == 303
    assert browser.me()["name"] == "Ade Lawal"


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("/drafts/7?tab=a", "/drafts/7?tab=a"),
        ("/", "/"),
        (None, "/"),
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("drafts", "/"),
        ("/sign-out", "/"),
        ("/auth/callback?code=1", "/"),
    ],
)
def test_only_paths_of_this_service_are_gone_to_afterwards(raw: str | None, safe: str) -> None:
    assert safe_next(raw) == safe
