"""What the sandbox's OpenID provider signs: its key, its tokens, and the forgeries that tests order from it."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

API_AUDIENCE = "countersign-api"
ACCESS_SECONDS = 300
REFRESH_SECONDS = 12 * 3600

Claims = dict[str, Any]
Signature = Literal["right", "other_key", "none", "hs256"]


@dataclass(frozen=True)
class Person:
    """One who can sign in. `about` tells apart two people in the same role."""

    name: str
    email: str
    roles: tuple[str, ...]
    about: str = ""


@dataclass(frozen=True)
class Client:
    """A registered client. `roles` are its own, for client credentials; a client without any may not use them."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass
class Faults:
    """How the next ID tokens lie, so that tests can see the lie refused. Nothing outside tests sets these."""

    claims: Claims = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    drop_from_answer: set[str] = field(default_factory=set)
    signature: Signature = "right"
    down: bool = False


class Mint:
    """Signs with one RSA key, kept in `key_path` where given, so that a restart leaves sessions and tokens valid."""

    def __init__(self, issuer: str, key_path: Path | None, now: Callable[[], float]) -> None:
        self.issuer = issuer
        self.now = now
        self._key = _kept_key(key_path) if key_path else _new_key()
        self._used: set[str] = set()

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self._key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}

    def access_token(self, subject: str, client_id: str, claims: Mapping[str, Any], *, typ: str = "at+jwt") -> str:
        """A JWT access token as RFC 9068 describes it, for this service's API. `claims` may override any."""
        now = int(self.now())
        standard = {
            "iss": self.issuer,
            "sub": subject,
            "aud": API_AUDIENCE,
            "client_id": client_id,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
            "jti": secrets.token_urlsafe(12),
        }
        return self._sign(standard | dict(claims), typ)

    def id_token(self, claims: Mapping[str, Any], access_token: str, faults: Faults) -> str:
        """An ID token (OpenID Connect Core 1.0 §2), false in the ways that `faults` orders."""
        now = int(self.now())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        stated: Claims = {"iss": self.issuer, "iat": now, "exp": now + ACCESS_SECONDS, "at_hash": _b64(half), **claims}
        stated |= faults.claims
        for name in faults.drop:
            stated.pop(name, None)
        if faults.signature == "other_key":
            forger = RSAKey.generate_key(2048, {"kid": str(self._key.kid)}, private=True)
            return jwt.encode({"alg": "RS256", "kid": self._key.kid}, stated, forger, algorithms=["RS256"])
        if faults.signature == "none":
            return f"{_b64(json.dumps({'alg': 'none'}).encode())}.{_b64(json.dumps(stated).encode())}."
        if faults.signature == "hs256":
            # The classic confusion: an HMAC whose secret is the public key that everybody has.
            header = _b64(json.dumps({"alg": "HS256", "kid": self._key.kid}).encode())
            message = f"{header}.{_b64(json.dumps(stated).encode())}"
            return f"{message}.{_b64(hmac.digest(self._key.as_pem(private=False), message.encode(), 'sha256'))}"
        return self._sign(stated, "JWT")

    def private_token(self, typ: str, claims: Mapping[str, Any], seconds: int) -> str:
        """A token that only this provider reads: a refresh token or the memory of a login. Stateless: it survives restarts."""
        now = int(self.now())
        stated = {"iss": self.issuer, "iat": now, "exp": now + seconds, "jti": secrets.token_urlsafe(12), **claims}
        return self._sign(stated, typ)

    def read(self, typ: str, token: str) -> Claims | None:
        """What an own, unexpired `private_token` says."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=["RS256"])
        except (JoseError, ValueError):
            return None
        claims = decoded.claims
        if decoded.header.get("typ") != typ or claims.get("iss") != self.issuer or claims["exp"] <= self.now():
            return None
        return claims

    def use_once(self, claims: Claims) -> bool:
        """Rotation (RFC 9700 §4.14.2): False the second time the same token is used."""
        if claims["jti"] in self._used:
            return False
        self._used.add(claims["jti"])
        return True

    def _sign(self, claims: Claims, typ: str) -> str:
        return jwt.encode({"alg": "RS256", "kid": self._key.kid, "typ": typ}, claims, self._key, algorithms=["RS256"])


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier (RFC 7636 §4.2)."""
    return _b64(hashlib.sha256(verifier.encode()).digest())


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _new_key() -> RSAKey:
    key = RSAKey.generate_key(2048, private=True)
    key.ensure_kid()
    return key


def _kept_key(path: Path) -> RSAKey:
    if path.exists():
        key = RSAKey.import_key(path.read_bytes())
        key.ensure_kid()
        return key
    key = _new_key()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.as_pem(private=True))
    return key
