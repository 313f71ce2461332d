"""Sealed to the worker: the api can put secrets away and never take them out; a row that was moved does not open."""

from dataclasses import replace
from uuid import uuid4

import pytest

from integrations.secrets.sealing import SecretPlace, new_key_pair, open_sealed, seal_for_worker
from integrations.secrets.trouble import CannotOpen

SECRET = {"code": "code-canary-5e21", "verifier": "verifier-canary-90ab"}


def place() -> SecretPlace:
    return SecretPlace(uuid4(), "code", uuid4())


def test_only_the_private_key_opens_what_the_public_key_sealed() -> None:
    (private, public), (other, _), where = new_key_pair(), new_key_pair(), place()
    sealed = seal_for_worker(public, SECRET, where)
    assert open_sealed(private, sealed, where) == SECRET
    with pytest.raises(CannotOpen):
        open_sealed(other, sealed, where)
    with pytest.raises(CannotOpen):
        open_sealed(public, sealed, where)


def test_the_same_secret_never_looks_the_same_and_shows_nothing() -> None:
    (_, public), where = new_key_pair(), place()
    first, second = (seal_for_worker(public, SECRET, where) for _ in range(2))
    assert first != second
    assert b"canary" not in first + second


def test_a_secret_that_was_moved_does_not_open() -> None:
    (private, public), where = new_key_pair(), place()
    sealed = seal_for_worker(public, SECRET, where)
    elsewhere = (
        replace(where, connection_id=uuid4()),
        replace(where, purpose="app_password"),
        replace(where, worker_key_id=uuid4()),
    )
    for moved in elsewhere:
        with pytest.raises(CannotOpen):
            open_sealed(private, sealed, moved)


def test_no_byte_of_it_can_be_changed_or_cut_off() -> None:
    (private, public), where = new_key_pair(), place()
    sealed = seal_for_worker(public, SECRET, where)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        # X25519 ignores the top bit of a public key, and the key is bound in as it came: that too does not open.
        with pytest.raises(CannotOpen):
            open_sealed(private, bytes(changed), where)
    for length in (0, 31, 43, len(sealed) - 1):
        with pytest.raises(CannotOpen):
            open_sealed(private, sealed[:length], where)
