"""What the claims of a verified token mean here: who it is, since when, and in which roles.

Sources: OpenID Connect Core 1.0 §2 and §5.1; Microsoft identity platform "ID token claims reference" (`oid`, `tid`,
`_claim_names`, `hasgroups`, `idtyp`); Keycloak's `realm_access.roles`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.domain.identity import SignInRefused
from core.domain.people import Role

Claims = Mapping[str, Any]

SAME_NAMES: Mapping[str, str] = {role.value: role.value for role in Role}

# How far the two clocks may disagree.
LEEWAY_SECONDS = 30


def roles_in(claims: Claims, names: Mapping[str, str] = SAME_NAMES) -> frozenset[str]:
    """Our roles among the provider's values (`names`: theirs to ours). Values we do not know are nobody's business.

    A token that says "too many groups to list" is refused: signing in with fewer rights than one has hides the fault.
    """
    elsewhere = claims.get("_claim_names")
    if claims.get("hasgroups") or (isinstance(elsewhere, Mapping) and {"groups", "roles"} & elsewhere.keys()):
        raise SignInRefused(
            "Your account is in more groups than the identity provider lists. "
            "Ask your service desk to give you this service's roles as app roles instead.",
            reason="group_overage",
        )
    realm = claims.get("realm_access")
    realm_roles = realm.get("roles") if isinstance(realm, Mapping) else None
    values = [*_texts(claims.get("roles")), *_texts(claims.get("groups")), *_texts(realm_roles)]
    return frozenset(names[value] for value in values if value in names)


def subject_in(claims: Claims) -> str:
    """The subject that stays the same for this person: `sub`, or Entra's tenant and object, whose `sub` differs per app."""
    tenant, object_id = claims.get("tid"), claims.get("oid")
    if isinstance(tenant, str) and isinstance(object_id, str) and tenant and object_id:
        return f"{tenant}:{object_id}"
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise SignInRefused(reason="sub_missing")
    return subject


def name_in(claims: Claims) -> str:
    """A name to show: never the key, so it may be any of these."""
    for claim in ("name", "preferred_username", "email", "client_id", "azp"):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return subject_in(claims)


def email_in(claims: Claims) -> str | None:
    """The address, unless the provider says that it is unverified."""
    email = claims.get("email")
    return email if isinstance(email, str) and email and claims.get("email_verified") is not False else None


def auth_time_in(claims: Claims, now: datetime) -> datetime | None:
    """When the person last proved who they are, or None if the token does not say or says the future."""
    seconds = claims.get("auth_time")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if seconds <= 0 or seconds > now.timestamp() + LEEWAY_SECONDS:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def is_machine(claims: Claims) -> bool:
    """Does the token speak for a client itself? RFC 9068 §2.2 (`sub` is the client), Entra's `idtyp`, Keycloak's user names."""
    client = claims.get("client_id") or claims.get("azp")
    username = claims.get("preferred_username")
    service_account = isinstance(username, str) and username.startswith("service-account-")
    return claims.get("idtyp") == "app" or service_account or (client is not None and claims.get("sub") == client)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
