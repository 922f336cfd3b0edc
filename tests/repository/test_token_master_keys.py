"""The master key in a PKCS#11 token (OASIS PKCS #11 v2.40), and the ways into it and out of it."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pkcs11
import pytest
from sqlalchemy import select

from database import Statement
from exchange.ports import StorageError
from repository.master_keys import BadMasterKey, WrappedKey
from repository.tables import patient_key
from repository.token_master_keys import Token, TokenMasterKeys
from repository.vault import Vault, open_vault
from tests.services.softhsm import PIN, SoftHsm

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def token(softhsm: SoftHsm) -> Token:
    label = f"token {secrets.token_hex(4)}"
    softhsm.new_token(label)
    return Token(softhsm.module, label, PIN)


async def used_master_keys(database) -> list[str]:
    return [id_ for (id_,) in await database.fetch(Statement(select(patient_key.c.master_key_id)))]


async def key_of(vault: Vault, patient: str) -> bytes:
    return (await vault.patient_key(patient, NOW))[1]


async def test_a_patients_key_is_wrapped_by_the_token_and_opened_by_it_alone(database, tmp_path, token):
    path: Path = tmp_path / "master.key"
    key = await key_of(await open_vault(database, path, token=token), "one")
    (master_key_id,) = await used_master_keys(database)
    assert master_key_id.startswith("pkcs11:")
    assert not path.exists()
    assert await key_of(await open_vault(database, path, token=token), "one") == key
    with pytest.raises(BadMasterKey, match="cannot be read"):
        await open_vault(database, path)


async def test_the_master_key_cannot_be_taken_out_of_the_token(token):
    await TokenMasterKeys.open(token)
    with pkcs11.lib(str(token.module)).get_token(token_label=token.label).open() as session:
        (key,) = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY})
        assert (key[pkcs11.Attribute.SENSITIVE], key[pkcs11.Attribute.EXTRACTABLE]) == (True, False)
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]


async def test_what_was_wrapped_opens_in_its_context_only_and_not_when_it_was_changed(token):
    keys = await TokenMasterKeys.open(token)
    wrapped = await keys.wrap(b"k" * 32, b"of one patient")
    assert await keys.unwrap(wrapped, b"of one patient") == b"k" * 32
    with pytest.raises(StorageError):
        await keys.unwrap(wrapped, b"of another")
    changed = bytes([wrapped.content[-1] ^ 1])
    with pytest.raises(StorageError):
        await keys.unwrap(replace(wrapped, content=wrapped.content[:-1] + changed), b"of one patient")
    with pytest.raises(StorageError, match="does not hold that master key"):
        await keys.unwrap(WrappedKey("pkcs11:00", wrapped.content), b"of one patient")


async def test_documents_move_from_a_file_into_a_token_to_its_next_key_and_back(database, tmp_path, token):
    path = tmp_path / "master.key"
    of_file = await open_vault(database, path)
    key = await key_of(of_file, "one")

    of_token = await open_vault(database, path, token=token)
    assert await key_of(of_token, "one") == key
    assert await of_token.rewrap() == 1
    (first,) = await used_master_keys(database)

    await of_token.add_master_key()
    assert await of_token.rewrap() == 1
    (second,) = await used_master_keys(database)
    assert first != second
    path.unlink()
    assert await key_of(await open_vault(database, path, token=token), "one") == key

    back = await open_vault(database, path, token=replace(token, retired=True))
    assert await key_of(back, "one") == key
    assert await back.rewrap() == 1
    assert await key_of(await open_vault(database, path), "one") == key


# python-pkcs11 wants to end a search in the session that is gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_token_that_was_pulled_out_and_put_in_again_is_logged_into_anew(softhsm, token):
    keys = await TokenMasterKeys.open(token)
    wrapped = await keys.wrap(b"k" * 32, b"context")
    softhsm.restart()
    assert await keys.unwrap(wrapped, b"context") == b"k" * 32


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"pin": "000000"}, "PinIncorrect"),
        ({"label": "nowhere"}, "No token matching"),
        ({"module": Path("/nowhere/libtoken.so")}, "cannot open shared object file"),
    ],
)
async def test_a_token_that_does_not_let_us_in_is_told_without_its_pin(
    database, tmp_path, token, wrong, reason
):
    with pytest.raises(BadMasterKey, match=reason) as refused:
        await open_vault(database, tmp_path / "master.key", token=replace(token, **wrong))
    assert PIN not in str(refused.value)
    assert "000000" not in str(refused.value)
