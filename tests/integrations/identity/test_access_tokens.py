"""Bearer tokens of the API: what opens it, and everything that does not."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from core.domain.identity import ProviderUnreachable, TokenRefused
from integrations.access_tokens import AccessTokens, SigningKeys
from integrations.sandbox.identity import API_AUDIENCE, MACHINE_CLIENT
from integrations.sandbox.identity_tokens import Faults
from tests.integrations.identity.harness import MACHINE_SECRET, Service, address, listener, running_service

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture
def tokens(running: Service) -> AccessTokens:
    return AccessTokens(issuer=running.provider.issuer, audience=API_AUDIENCE)


async def test_a_person_and_their_roles_are_read_from_the_token(running: Service, tokens: AccessTokens) -> None:
    caller = await tokens.verify(running.provider.access_token("sam", auth_time=1_700_000_000))
    assert (caller.issuer, caller.subject, caller.name) == (running.provider.issuer, "sam", "Samira Khan")
    assert caller.roles == {"officer", "authoriser"}
    assert not caller.client
    assert caller.auth_time is not None
    assert caller.auth_time.timestamp() == 1_700_000_000


async def test_a_machine_is_told_from_a_person(running: Service, tokens: AccessTokens) -> None:
    granted = httpx2.post(
        f"{running.provider.issuer}/token",
        data={"grant_type": "client_credentials", "scope": "drafts"},
        auth=(MACHINE_CLIENT, MACHINE_SECRET),
        trust_env=False,
    ).json()
    caller = await tokens.verify(granted["access_token"])
    assert caller.client
    assert (caller.subject, set(caller.roles), set(caller.scope)) == (MACHINE_CLIENT, {"officer"}, {"drafts"})
    assert caller.auth_time is None


async def test_an_id_token_is_never_a_bearer_token(running: Service, tokens: AccessTokens) -> None:
    id_token = running.provider.mint.id_token({"sub": "sam", "aud": API_AUDIENCE, "roles": ["officer"]}, "x", Faults())
    with pytest.raises(TokenRefused, match="ID token does not open the API") as refused:
        await tokens.verify(id_token)
    assert refused.value.reason == "wrong_type"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "countersign"}, "wrong_audience"),
        ({"aud": ["a", "b"]}, "wrong_audience"),
        ({"aud": None}, "wrong_audience"),
        ({"iss": "https://evil.example"}, "wrong_issuer"),
        ({"exp": int(time.time()) - 31}, "expired"),
        ({"exp": "soon"}, "exp_unreadable"),
        ({"exp": True}, "exp_unreadable"),
        ({"nbf": int(time.time()) + 86_400}, "early"),
        ({"sub": ""}, "sub_missing"),
        ({"hasgroups": True}, "group_overage"),
    ],
)
async def test_a_token_that_says_the_wrong_thing_is_refused(
    running: Service, tokens: AccessTokens, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TokenRefused) as refused:
        await tokens.verify(running.provider.access_token("sam", **claims))
    assert refused.value.reason == reason
    assert str(refused.value).endswith(".")


async def test_clocks_may_differ_by_half_a_minute(running: Service, tokens: AccessTokens) -> None:
    now = int(time.time())
    await tokens.verify(running.provider.access_token("sam", exp=now - 20, nbf=now + 20))


@pytest.mark.parametrize("token", ["", "a.b.c", "not a token", "....", "é", "e30.e30.e30", "a" * 100_000])
async def test_what_is_no_token_is_refused_and_breaks_nothing(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(TokenRefused):
        await tokens.verify(token)


async def test_tokens_signed_by_others_are_refused(running: Service, tokens: AccessTokens) -> None:
    [public] = running.provider.mint.jwks()["keys"]
    claims = {"iss": running.provider.issuer, "aud": API_AUDIENCE, "sub": "sam", "exp": int(time.time()) + 60}
    forger = RSAKey.generate_key(2048, {"kid": public["kid"]}, private=True)
    header = {"typ": "at+jwt", "kid": public["kid"]}
    forged = [
        jwt.encode(header | {"alg": "RS256"}, claims, forger),
        jwt.encode(header | {"alg": "RS512"}, claims, forger, algorithms=["RS512"]),
        jwt.encode(header | {"alg": "HS256"}, claims, OctKey.import_key(str(public["n"]))),
    ]
    for token in forged:
        with pytest.raises(TokenRefused):
            await tokens.verify(token)


async def test_an_invented_key_id_makes_the_provider_be_asked_at_most_every_half_minute(running: Service) -> None:
    class Counted(SigningKeys):
        fetches = 0

        async def _fetch(self) -> None:
            type(self).fetches += 1
            await super()._fetch()

    ticks = [0.0]
    tokens = AccessTokens(
        issuer=running.provider.issuer, audience=API_AUDIENCE, keys=Counted(running.provider.issuer, clock=lambda: ticks[0])
    )
    forger = RSAKey.generate_key(2048, {"kid": "invented"}, private=True)
    token = jwt.encode({"alg": "RS256", "kid": "invented", "typ": "at+jwt"}, {"sub": "x"}, forger)
    for _ in range(3):
        with pytest.raises(TokenRefused):
            await tokens.verify(token)
    assert Counted.fetches == 1
    ticks[0] = 30.0
    with pytest.raises(TokenRefused):
        await tokens.verify(token)
    assert Counted.fetches == 2
    await tokens.verify(running.provider.access_token("sam"))
    assert Counted.fetches == 2


async def test_without_any_key_nothing_is_said_about_the_token(running: Service) -> None:
    with listener() as closed:
        issuer = address(closed)
    with pytest.raises(ProviderUnreachable):
        await AccessTokens(issuer=issuer, audience=API_AUDIENCE).verify(running.provider.access_token("sam"))
