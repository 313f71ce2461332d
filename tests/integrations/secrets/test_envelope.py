"""At rest: a key of its own for each secret, under a key-encryption key; swapped, old or altered rows do not open."""

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from integrations.secrets.envelope import Place, Sealed, rewrap, seal, unseal
from integrations.secrets.keyring import KeyFile, LocalKeys, WrappedKey, read_keys
from integrations.secrets.trouble import CannotOpen, KeyTrouble

pytestmark = pytest.mark.anyio

PLACE = Place("token", ("x", "account-1", "2244994945"), 1)
PLAIN = b"token-canary-77aa"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    made = KeyFile(tmp_path / "keys.json")
    made.make()
    return made


async def test_what_is_sealed_opens_where_it_stands_and_shows_nothing(keys: KeyFile) -> None:
    sealed = await seal(keys, PLAIN, PLACE)
    assert await unseal(keys, sealed, PLACE) == PLAIN
    assert b"canary" not in sealed.sealed + sealed.wrapped.wrapped
    assert "canary" not in repr(sealed)


async def test_every_secret_has_a_key_of_its_own(keys: KeyFile) -> None:
    first, second = [await seal(keys, PLAIN, PLACE) for _ in range(2)]
    with pytest.raises(CannotOpen):
        await unseal(keys, replace(first, wrapped=second.wrapped), PLACE)


@pytest.mark.parametrize(
    "moved",
    [
        replace(PLACE, kind="app"),
        replace(PLACE, owner=("facebook", "account-1", "2244994945")),
        replace(PLACE, owner=("x", "account-2", "2244994945")),
        replace(PLACE, owner=("x", "account-1|2244994945")),
        replace(PLACE, version=2),
    ],
)
async def test_a_row_moved_to_another_account_platform_or_version_does_not_open(keys: KeyFile, moved: Place) -> None:
    sealed = await seal(keys, PLAIN, PLACE)
    with pytest.raises(CannotOpen):
        await unseal(keys, sealed, moved)
    with pytest.raises(CannotOpen):
        await rewrap(keys, sealed, moved)


async def test_no_byte_of_it_can_be_changed(keys: KeyFile) -> None:
    sealed = await seal(keys, PLAIN, PLACE)
    for position in range(len(sealed.sealed)):
        changed = bytearray(sealed.sealed)
        changed[position] ^= 1
        with pytest.raises(CannotOpen):
            await unseal(keys, replace(sealed, sealed=bytes(changed)), PLACE)


async def test_after_rotation_old_secrets_open_until_the_old_key_is_forgotten(keys: KeyFile) -> None:
    old = await keys.current()
    sealed = await seal(keys, PLAIN, PLACE)
    new = await keys.rotate()
    assert await keys.ids() == (old, new)
    assert await unseal(keys, sealed, PLACE) == PLAIN
    moved = Sealed(sealed.sealed, await rewrap(keys, sealed, PLACE))
    assert moved.wrapped.kek_id == new
    await keys.forget(old)
    assert await unseal(keys, moved, PLACE) == PLAIN
    with pytest.raises(KeyTrouble, match="missing"):
        await unseal(keys, sealed, PLACE)
    with pytest.raises(KeyTrouble, match="current"):
        await keys.forget(new)


async def test_a_key_under_another_keys_name_does_not_open(keys: KeyFile) -> None:
    old, sealed = await keys.current(), await seal(keys, PLAIN, PLACE)
    new = await keys.rotate()
    with pytest.raises(CannotOpen):
        await unseal(keys, replace(sealed, wrapped=WrappedKey(new, sealed.wrapped.wrapped)), PLACE)
    assert sealed.wrapped.kek_id == old


async def test_a_key_made_by_another_process_serves_here_at_once(keys: KeyFile, tmp_path: Path) -> None:
    await keys.current()
    elsewhere = KeyFile(tmp_path / "keys.json")
    await elsewhere.rotate()
    assert await unseal(keys, await seal(elsewhere, PLAIN, PLACE), PLACE) == PLAIN
    assert await keys.current() == await elsewhere.current()


async def test_a_key_file_that_others_can_read_is_refused(keys: KeyFile, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o660):
        os.chmod(file, mode)
        with pytest.raises(KeyTrouble, match="chmod 600"):
            await KeyFile(file).current()


async def test_a_missing_key_file_is_one_sentence_and_making_one_keeps_what_is_there(tmp_path: Path) -> None:
    missing = KeyFile(tmp_path / "nowhere.json")
    with pytest.raises(KeyTrouble, match="cannot be read"):
        await missing.current()
    missing.make()
    first = await missing.current()
    missing.make()
    assert await missing.current() == first


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"keys": {}}',
        '{"current": "a", "keys": {"a": "c2hvcnQ="}}',
        json.dumps({"current": "b", "keys": {"a": "A" * 43 + "="}}),
    ],
)
def test_keys_that_do_not_fit_are_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(KeyTrouble) as trouble:
        read_keys(text, where="COUNTERSIGN_KEYS")
    assert "COUNTERSIGN_KEYS" in str(trouble.value)
    assert "c2hvcnQ" not in str(trouble.value)


async def test_keys_of_the_environment_are_rotated_there() -> None:
    keys = LocalKeys({"a": bytes(32)}, "a")
    assert await unseal(keys, await seal(keys, PLAIN, PLACE), PLACE) == PLAIN
    with pytest.raises(KeyTrouble, match="environment"):
        await keys.rotate()


async def test_no_key_is_lost_when_two_rotate_at_once(keys: KeyFile) -> None:
    code = "import asyncio, pathlib, sys; from integrations.secrets.keyring import KeyFile; "
    code += "keys = KeyFile(pathlib.Path(sys.argv[1])); [print(asyncio.run(keys.rotate())) for _ in range(25)]"
    both = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(keys.file), stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    said = [(await one.communicate())[0].decode().split() for one in both]
    assert [len(made) for made in said] == [25, 25]
    assert {key for made in said for key in made} < set(await keys.ids())
