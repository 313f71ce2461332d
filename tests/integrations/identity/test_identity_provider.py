"""What the service takes from its OpenID provider, and every forgery that it does not."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from core.domain.identity import ProviderUnreachable, SignInRefused
from integrations.claims import roles_in, subject_in
from integrations.identity import IdentityProvider
from integrations.sandbox.identity import Person
from integrations.sandbox.identity_tokens import Faults
from tests.integrations.identity.harness import WEB_SECRET, Browser, Service, address, listener, running_service


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture
def service(running: Service) -> Iterator[Service]:
    yield running
    untrue, honest = running.provider.faults, Faults()
    untrue.claims, untrue.drop, untrue.drop_from_answer = honest.claims, honest.drop, honest.drop_from_answer
    untrue.signature, untrue.down = honest.signature, honest.down
    running.provider.people["sam"] = Person("Samira Khan", "samira.khan@department.example", ("officer", "authoriser"))
    running.clock.ahead *= 0
    running.store.rows.clear()


FORGERIES: dict[str, dict[str, Any]] = {
    "another audience": {"claims": {"aud": "another-client"}},
    "an audience list without us": {"claims": {"aud": ["a", "b"]}},
    "several audiences, and another authorised party": {"claims": {"aud": ["countersign", "b"], "azp": "b"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": int(time.time()) - 120}},
    "issued in the future": {"claims": {"iat": int(time.time()) + 3600}},
    "another nonce": {"claims": {"nonce": "replayed"}},
    "an at_hash of another token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "an empty subject": {"claims": {"sub": ""}},
    "too many groups": {"claims": {"_claim_names": {"groups": "src1"}}},
    "hasgroups": {"claims": {"hasgroups": True}},
    "auth_time in the future": {"claims": {"auth_time": int(time.time()) + 7200}},
    "auth_time that is no number": {"claims": {"auth_time": True}},
    "no nonce": {"drop": {"nonce"}},
    "no expiry": {"drop": {"exp"}},
    "no subject": {"drop": {"sub"}},
    "no audience": {"drop": {"aud"}},
    "no issuer": {"drop": {"iss"}},
    "no auth_time": {"drop": {"auth_time"}},
    "no ID token": {"drop_from_answer": {"id_token"}},
    "no refresh token": {"drop_from_answer": {"refresh_token"}},
    "another key under the same id": {"signature": "other_key"},
    "alg none": {"signature": "none"},
    "an HMAC with the public key": {"signature": "hs256"},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_or_wanting_id_token_signs_nobody_in(service: Service, forgery: str) -> None:
    for name, value in FORGERIES[forgery].items():
        setattr(service.provider.faults, name, value)
    service.recognised.clear()
    with Browser(service) as browser:
        answer = browser.sign_in("sam")
        assert answer.status_code == 403
        assert answer.json()["template"] == "sign_in.html"
        assert answer.json()["problem"].endswith(".")
        assert not service.recognised
        assert browser.get("/me").status_code == 303


def test_a_provider_that_is_down_is_not_a_refusal(service: Service) -> None:
    with Browser(service) as browser:
        page = browser.to_provider()
        back = browser.choose(page, "sam").headers["location"]
        service.provider.faults.down = True
        answer = browser.get(back)
        assert answer.status_code == 503
        assert "not answering" in answer.json()["problem"]


def test_roles_taken_away_at_the_provider_are_gone_here_within_fifteen_minutes(service: Service) -> None:
    with Browser(service) as browser:
        browser.sign_in("sam")
        service.provider.people["sam"] = Person("Samira Khan", "samira.khan@department.example", ("officer",))
        assert browser.me()["roles"] == ["authoriser", "officer"]
        service.clock.move(minutes=16)
        assert browser.me()["roles"] == ["officer"]
        # The new refresh token was kept: the old one would be refused as used.
        service.provider.people["sam"] = Person("Samira Khan", "samira.khan@department.example", ("auditor",))
        service.clock.move(minutes=16)
        assert browser.me()["roles"] == ["auditor"]


def test_a_person_who_lost_every_role_or_left_is_signed_out_with_a_sentence(service: Service) -> None:
    with Browser(service) as browser:
        browser.sign_in("sam")
        service.provider.people["sam"] = Person("Samira Khan", "samira.khan@department.example", ())
        service.clock.move(minutes=16)
        assert browser.get("/me").status_code == 303
        assert "no longer have a role" in browser.get("/sign-in").json()["notice"]
    with Browser(service) as browser:
        service.provider.people["sam"] = Person("Samira Khan", "samira.khan@department.example", ("officer",))
        browser.sign_in("sam")
        del service.provider.people["sam"]
        service.clock.move(minutes=16)
        assert browser.get("/me").status_code == 303
        assert "no longer vouches" in browser.get("/sign-in").json()["notice"]
        assert browser.get("/sign-in").json()["notice"] is None


def test_a_refresh_that_answers_for_somebody_else_ends_the_session(service: Service) -> None:
    with Browser(service) as browser:
        browser.sign_in("sam")
        service.provider.faults.claims = {"sub": "ade"}
        service.clock.move(minutes=16)
        assert browser.get("/me").status_code == 303


def test_an_unreachable_provider_keeps_people_signed_in_for_at_most_an_hour(service: Service) -> None:
    with Browser(service) as browser:
        browser.sign_in("sam")
        service.provider.faults.down = True
        for _ in range(2):
            service.clock.move(minutes=25)
            assert browser.me()["roles"] == ["authoriser", "officer"]
        service.clock.move(minutes=11)
        assert browser.get("/me").status_code == 303
        assert "could not be checked for an hour" in browser.get("/sign-in").json()["notice"]


@pytest.mark.anyio
async def test_a_refresh_token_works_once_and_only_for_its_client(service: Service) -> None:
    with Browser(service) as browser:
        browser.sign_in("sam")
    kept = service.recognised[-1]
    renewed = await service.identity.refresh(kept.refresh_token, auth_time=kept.auth_time)
    assert (renewed.subject, renewed.auth_time, sorted(renewed.roles)) == ("sam", kept.auth_time, ["authoriser", "officer"])
    assert renewed.refresh_token != kept.refresh_token
    with pytest.raises(SignInRefused) as refused:
        await service.identity.refresh(kept.refresh_token, auth_time=kept.auth_time)
    assert refused.value.reason == "oauth:invalid_grant"
    assert kept.refresh_token not in repr(kept)
    assert kept.id_token not in repr(kept)


def _client(issuer: str, **more: Any) -> IdentityProvider:
    return IdentityProvider(
        issuer=issuer, client_id="countersign", client_secret=SecretStr(WEB_SECRET), base_url="http://127.0.0.1:1", **more
    )


@pytest.mark.anyio
async def test_a_suitable_provider_passes_the_check_at_start(service: Service) -> None:
    await _client(service.provider.issuer).check()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("claims_supported", ["sub"], "no_auth_time"),
        ("code_challenge_methods_supported", ["plain"], "no_pkce"),
        ("issuer", "https://elsewhere.example", "other_issuer"),
    ],
)
async def test_an_unsuitable_provider_is_refused_at_start(
    service: Service, monkeypatch: pytest.MonkeyPatch, field: str, value: object, reason: str
) -> None:
    identity = _client(service.provider.issuer)
    announced = service.provider.discovery() | {field: value}

    async def other() -> dict[str, Any]:
        return announced

    monkeypatch.setattr(identity._client, "load_server_metadata", other)
    with pytest.raises(SignInRefused) as refused:
        await identity.check()
    assert refused.value.reason == reason


@pytest.mark.anyio
async def test_an_absent_provider_is_unreachable_and_sign_out_still_works() -> None:
    with listener() as closed:
        issuer = address(closed)
    with pytest.raises(ProviderUnreachable):
        await _client(issuer).check()
    assert await _client(issuer).logout_url("hint") is None


def test_scopes_without_openid_are_a_mistake_told_at_once() -> None:
    with pytest.raises(ValueError, match="openid"):
        _client("http://127.0.0.1:1", scopes="profile")


def test_people_of_entra_are_keyed_by_tenant_and_object() -> None:
    assert subject_in({"sub": "pairwise", "tid": "t", "oid": "o"}) == "t:o"
    assert subject_in({"sub": "plain", "tid": "t"}) == "plain"


def test_roles_come_from_entra_and_keycloak_by_our_map() -> None:
    names = {"comms.officer": "officer", "3f0c": "auditor"}
    assert roles_in({"roles": ["comms.officer", "other"], "groups": ["3f0c"]}, names) == {"officer", "auditor"}
    assert roles_in({"realm_access": {"roles": ["authoriser", "offline_access"]}}) == {"authoriser"}
    assert roles_in({"roles": "officer"}) == {"officer"}
    assert roles_in({"roles": [7, None], "realm_access": "x"}) == frozenset()


def test_the_time_of_proof_is_that_of_the_login_not_of_the_answer(service: Service) -> None:
    with Browser(service) as browser:
        browser.sign_in("sam")
        first = service.recognised[-1].auth_time
        browser.cookies.delete("countersign")
        time.sleep(1.1)
        browser.get(browser.to_provider().headers["location"])
    assert service.recognised[-1].auth_time == first
    assert datetime.now(UTC) - first < timedelta(minutes=1)
