"""A person's consent at the platform, on its way to the worker: the api seals what it brings and keeps nothing of it."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.people import Person, Role
from core.domain.refusals import BadInput, NotFound, StepUpNeeded
from core.records.audit import actor_name, append
from core.records.connections import (
    app_at,
    ask_for_app,
    connection_begun,
    connection_row,
    deny_consent,
    insert_connection,
    insert_connection_secret,
    newest_worker_key,
)
from core.records.reads import clock
from core.use_cases.access import require
from core.use_cases.accounts import AccountSeen, account_seen, account_subject
from core.use_cases.consent_refusals import ConsentDenied, ConsentRefused, NoConsentPage, NotIntroduced, ServerAsked, WorkerAway
from core.use_cases.people import is_fresh
from integrations.connections.registry import CONNECTIONS
from integrations.secrets.sealing import SecretPlace, seal_for_worker

GOOD_FOR = timedelta(minutes=10)
"""How long somebody may take at the platform's consent page."""


@dataclass(frozen=True)
class Consent:
    """How platforms know this service: its client ids, their consent pages where not their own (`sites`), the callback."""

    redirect_uri: str
    client_ids: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """Send the browser to `address`; it comes back with `state`. For an app password `address` is empty: show a form."""

    connection_id: UUID
    address: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True)
class Found:
    platform_account_id: str
    handle: str
    name: str


@dataclass(frozen=True)
class ConnectionSeen:
    """`status`: begun and exchanging (look again in a moment), found, failed (`note` says why), connected, ended."""

    id: UUID
    account_id: UUID
    asked_by: UUID
    begun_at: datetime
    status: str
    note: str
    found: tuple[Found, ...]


async def begin_connecting(
    session: AsyncSession,
    *,
    by: Person,
    authenticated_at: datetime | None,
    account_id: UUID,
    consent: Consent,
    browser: str,
    request: str | None = None,
) -> Begun:
    """A consent of this person in this browser (`browser`: anything that names its session; a hash of it is kept).

    Nothing but a hash of `state` is kept, and the PKCE verifier is sealed to the worker at once. Raises NoRole, StepUpNeeded,
    NotFound, BadInput for `manual` (nothing to consent to: ask_to_connect at once), NoConsentPage, WorkerAway,
    ServerAsked while that is under way, NotIntroduced where the server would not.
    """
    require(by, Role.ACCOUNT_MANAGER)
    if not is_fresh(authenticated_at, await clock(session)):
        raise StepUpNeeded()
    account = await account_seen(session, account_id)
    connection = CONNECTIONS[account.platform]
    if connection.kind == "by_hand":
        raise BadInput("There is nothing to consent to where people post by hand: ask a colleague to confirm the account.")
    client_id = await _client_id(session, account, consent) if connection.kind == "oauth" else ""
    begun = await _begin(session, by, account, consent.redirect_uri, browser=browser, request=request)
    if connection.kind != "oauth":
        return begun
    site = consent.sites.get(account.platform) or account.server
    challenge = await _challenge(session, begun.connection_id)
    address = connection.authorize_address(
        site=site, client_id=client_id, redirect_uri=consent.redirect_uri, state=begun.state, challenge=challenge
    )
    return replace(begun, address=address)


async def _begin(
    session: AsyncSession, by: Person, account: AccountSeen, redirect_uri: str, *, browser: str, request: str | None
) -> Begun:
    begun = Begun(uuid4(), "", secrets.token_urlsafe(32))
    await insert_connection(
        session,
        begun.connection_id,
        account_id=account.id,
        by=by.id,
        state=begun.state,
        browser=browser,
        redirect_uri=redirect_uri,
    )
    await append(
        session,
        subject=account_subject(account.id),
        actor=actor_name(by),
        action="account.consent.begin",
        paragraph=38,
        detail={"connection": begun.connection_id},
        request=request,
    )
    return begun


async def _challenge(session: AsyncSession, connection_id: UUID) -> str:
    """PKCE (RFC 7636): the verifier goes to the worker at once, the platform gets its digest."""
    verifier = secrets.token_urlsafe(48)
    await _seal(session, connection_id, "verifier", {"verifier": verifier})
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def receive_code(session: AsyncSession, *, by: Person, browser: str, answer: Mapping[str, str]) -> UUID:
    """What the platform sent the browser back with (`answer`: the callback's query): the code is sealed to the worker.

    Returns the connection's id; ask `connection_status` until it is `found` or `failed`. Raises ConsentRefused unless this
    person began it in this browser less than ten minutes ago and it was not used; ConsentDenied with the platform's no.
    """
    require(by, Role.ACCOUNT_MANAGER)
    consent = await _begun(session, by, browser, state=answer.get("state", ""))
    account = await account_seen(session, consent.account_id)
    refusal = CONNECTIONS[account.platform].refused(answer)
    if refusal is not None:
        raise ConsentDenied(refusal, account.id, consent.id)
    await _seal(session, consent.id, "code", {"code": answer["code"]})
    return consent.id


async def end_denied(session: AsyncSession, *, by: Person, denied: ConsentDenied) -> None:
    """After the platform's no the same state is good for nothing. Repeating it changes nothing."""
    await deny_consent(session, denied.connection_id, by=by.id)


async def offer_app_password(
    session: AsyncSession, *, by: Person, browser: str, state: str, identifier: str, app_password: str
) -> UUID:
    """The same for a platform that gives app passwords: sealed to the worker, kept nowhere else. Returns the connection's id."""
    require(by, Role.ACCOUNT_MANAGER)
    consent = await _begun(session, by, browser, state=state)
    account = await account_seen(session, consent.account_id)
    if CONNECTIONS[account.platform].kind != "app_password":
        raise ConsentRefused()
    if not identifier.strip() or not app_password.strip():
        raise BadInput("Enter the account's name and an app password that was made for this service.", field="app_password")
    secret = {"identifier": identifier.strip().lstrip("@"), "app_password": app_password.strip()}
    await _seal(session, consent.id, "app_password", secret)
    return consent.id


async def connection_status(session: AsyncSession, *, by: Person, connection_id: UUID) -> ConnectionSeen:
    """How far one's own consent has come. Raises NotFound for anybody else's."""
    require(by, Role.ACCOUNT_MANAGER)
    seen = await connection_seen(session, connection_id)
    if seen is None or seen.asked_by != by.id:
        raise NotFound()
    return seen


async def connection_seen(session: AsyncSession, connection_id: UUID) -> ConnectionSeen | None:
    row = await connection_row(session, connection_id)
    return _seen(row) if row else None


def _seen(row: Any) -> ConnectionSeen:
    return ConnectionSeen(**{**row, "found": tuple(Found(**one) for one in row["found"])})


async def introduce(session: AsyncSession, *, by: Person, account_id: UUID, consent: Consent) -> None:
    """Have the worker introduce this service to the account's server, where one must (Mastodon). Repeating it is harmless.

    Call it once such an account is registered, and again before begin_connecting, committed first: its refusal would undo it.
    """
    require(by, Role.ACCOUNT_MANAGER)
    account = await account_seen(session, account_id)
    if CONNECTIONS[account.platform].needs_app_registration:
        await ask_for_app(session, platform=account.platform, server=account.server, redirect_uri=consent.redirect_uri)


async def _client_id(session: AsyncSession, account: AccountSeen, consent: Consent) -> str:
    """How the platform knows this service; a server that was never asked is asked by the worker first."""
    if not CONNECTIONS[account.platform].needs_app_registration:
        client_id = consent.client_ids.get(account.platform, "")
        if not client_id:
            raise NoConsentPage()
        return client_id
    known, note = await app_at(session, platform=account.platform, server=account.server, redirect_uri=consent.redirect_uri)
    if known is None:
        raise NotIntroduced(note) if note else ServerAsked()
    return known


async def _begun(session: AsyncSession, by: Person, browser: str, *, state: str) -> ConnectionSeen:
    row = await connection_begun(session, by=by.id, state=state, browser=browser, seconds=GOOD_FOR.total_seconds())
    if row is None:
        raise ConsentRefused()
    return _seen(row)


async def _seal(session: AsyncSession, connection_id: UUID, purpose: str, secret: dict[str, str]) -> None:
    """To the worker's newest public key. Raises WorkerAway; ConsentRefused if this consent brought one before."""
    key = await newest_worker_key(session)
    if key is None:
        raise WorkerAway()
    sealed = seal_for_worker(key[1], secret, SecretPlace(connection_id, purpose, key[0]))
    try:
        await insert_connection_secret(session, connection_id=connection_id, purpose=purpose, key=key[0], sealed=sealed)
    except IntegrityError as used:
        raise ConsentRefused() from used
    # The worker deletes what it takes: whoever waited here for that brought theirs too late.
    seen = await connection_seen(session, connection_id)
    if seen is None or seen.status != "begun":
        raise ConsentRefused()
