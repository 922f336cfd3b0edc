"""The keys of documents, of patients, and the master key over them."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select, update

from database import DatabaseError, Statement
from repository.document_rows import NewDocument
from repository.master_keys import BadMasterKey, master_keys_in_file
from repository.tables import document, patient_key
from repository.vault import open_vault
from tests.repository.iti41 import Registry, blobs_in, bytes_of, entry, provide, retrieve, staged, store_in

pytestmark = pytest.mark.anyio

ONE, OTHER = "P1^^^&2.999.3&ISO", "P2^^^&2.999.3&ISO"
KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def of(patient: str, number: int, **given: object):
    return entry(number, patient_id=patient, **given)


async def keys(database) -> dict[str, tuple[str, bytes]]:
    rows = await database.fetch(
        Statement(select(patient_key.c.patient, patient_key.c.master_key_id, patient_key.c.wrapped_key))
    )
    return {patient: (master_key_id, bytes(wrapped)) for patient, master_key_id, wrapped in rows}


async def change(database, statement, **parameters: object) -> None:
    async with database.transaction() as transaction:
        await transaction.execute(Statement(statement), parameters)


async def test_neither_file_nor_row_holds_the_plain_text(store, database, tmp_path):
    secret = b"the patient has a secret " * 10
    await provide(store, Registry(), (of(ONE, 1), secret))
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()
    assert await bytes_of(store, "2.999.3.1") == secret


async def test_each_patient_has_one_key_and_each_document_its_own(store, database):
    await provide(store, Registry(), (of(ONE, 1), b"same"), (of(ONE, 2), b"same"))
    await provide(store, Registry(), (of(OTHER, 3), b"same"))
    assert (await keys(database)).keys() == {ONE, OTHER}
    sealed = await database.fetch(Statement(select(document.c.sealed_key)))
    assert len({bytes(key) for (key,) in sealed}) == 3


async def test_a_key_moved_to_another_row_with_its_file_opens_nothing(store, database):
    """Whoever may write rows must not make one document appear as another."""
    await provide(store, Registry(), (of(ONE, 1), b"one"), (of(ONE, 2), b"two"))
    columns = [document.c[name] for name in ("blob_handle", "sealed_key", "size_bytes", "sha1", "sha256")]
    of_other = Statement(select(*columns).where(document.c.unique_id == "2.999.3.2"))
    ((*values,),) = await database.fetch(of_other)
    await change(
        database,
        update(document)
        .where(document.c.unique_id == bindparam("wanted"))
        .values({column.name: bindparam(f"new_{column.name}") for column in columns}),
        wanted="2.999.3.1",
        **{f"new_{column.name}": value for column, value in zip(columns, values, strict=True)},
    )
    result = await retrieve(store, "2.999.3.1", "2.999.3.2")
    assert [request.document_unique_id for request, _ in result.documents] == ["2.999.3.2"]
    assert [error.code for error in result.errors] == ["XDSRepositoryError"]


async def test_a_changed_mime_type_is_not_served(store, database):
    """What the row says of a document is bound to its key as well."""
    await provide(store, Registry(), (of(ONE, 1), b"one"))
    await change(database, update(document).values(mime_type=bindparam("new")), new="text/html")
    assert [error.code for error in (await retrieve(store, "2.999.3.1")).errors] == ["XDSRepositoryError"]


async def test_plain_bytes_do_not_pass_for_a_sealed_document(store, database, tmp_path):
    plain = await store_in(tmp_path / "documents", database, None)
    await provide(plain, Registry(), (of(ONE, 1), b"not from the vault"))
    assert await bytes_of(plain, "2.999.3.1") == b"not from the vault"
    assert [error.code for error in (await retrieve(store, "2.999.3.1")).errors] == ["XDSRepositoryError"]
    await provide(store, Registry(), (of(ONE, 2), b"sealed"))
    assert [error.code for error in (await retrieve(plain, "2.999.3.2")).errors] == ["XDSRepositoryError"]
    await plain.close()


async def test_a_destroyed_patient_s_documents_are_answered_as_if_there_had_been_none(store, tmp_path):
    """ITI TF-2: 3.43.4.1.3, XDSDocumentUniqueIdError."""
    await provide(store, Registry(), (of(ONE, 1), b"one"), (of(ONE, 2), b"two"))
    await provide(store, Registry(), (of(OTHER, 3), b"three"))
    assert await store.destroy(ONE) == 2
    result = await retrieve(store, "2.999.3.1", "2.999.3.99", "2.999.3.3")
    assert [(error.code, error.context, error.location) for error in result.errors] == [
        ("XDSDocumentUniqueIdError", "no such document: 2.999.3.1", "2.999.3.1"),
        ("XDSDocumentUniqueIdError", "no such document: 2.999.3.99", "2.999.3.99"),
    ]
    assert [request.document_unique_id for request, _ in result.documents] == ["2.999.3.3"]
    assert blobs_in(tmp_path) == 1
    assert await store.destroy(ONE) == 0


async def test_files_kept_from_before_a_key_was_destroyed_open_with_no_later_key(store, database, tmp_path):
    """A backup of the documents gives nothing back, also if the patient comes again."""
    await provide(store, Registry(), (of(ONE, 1), b"one"))
    kept = [(path, path.read_bytes()) for path in (tmp_path / "documents").rglob("*") if path.is_file()]
    columns = [column for column in document.columns if column.name not in ("id", "patient_key_id")]
    ((*values,),) = await database.fetch(Statement(select(*columns)))
    await store.destroy(ONE)
    await provide(store, Registry(), (of(ONE, 2), b"two"))
    for path, content in kept:
        path.write_bytes(content)
    ((key_id,),) = await database.fetch(Statement(select(patient_key.c.id)))
    row = {column.name: value for column, value in zip(columns, values, strict=True)}
    await change(
        database,
        document.insert().values({name: bindparam(name) for name in (*row, "patient_key_id")}),
        **row,
        patient_key_id=key_id,
    )
    assert [error.code for error in (await retrieve(store, "2.999.3.1")).errors] == ["XDSRepositoryError"]


async def test_a_document_whose_patient_s_key_is_destroyed_meanwhile_is_not_taken(store, vault, monkeypatch):
    """A row without its key would be a document that nobody can ever read."""
    find_key = vault.patient_key

    async def find_key_that_is_then_destroyed(patient: str, at: datetime):
        found = await find_key(patient, at)
        await store.destroy(patient)
        return found

    monkeypatch.setattr(vault, "patient_key", find_key_that_is_then_destroyed)
    new = NewDocument("2.999.3.1", "text/plain", await staged(store, b"one"), ONE)
    with pytest.raises(DatabaseError):
        await store.add("submission", [new], datetime(2026, 11, 22, tzinfo=UTC))
    assert await store.find(["2.999.3.1"]) == {}


async def test_a_new_master_key_is_used_by_running_servers_and_old_documents_stay(
    store, database, vault, tmp_path
):
    await provide(store, Registry(), (of(ONE, 1), b"one"))
    before = await keys(database)
    await master_keys_in_file(tmp_path / "master.key", create=False).add()
    await provide(store, Registry(), (of(OTHER, 2), b"two"))
    between = await keys(database)
    assert between[ONE] == before[ONE]
    assert between[OTHER][0] != before[ONE][0]
    assert await bytes_of(store, "2.999.3.1") == b"one"

    assert await vault.rewrap() == 1
    after = await keys(database)
    assert {master_key_id for master_key_id, _ in after.values()} == {between[OTHER][0]}
    assert await bytes_of(store, "2.999.3.1") == b"one"
    assert await vault.rewrap() == 0

    # The old key may go now.
    lines = (tmp_path / "master.key").read_text().splitlines()
    (tmp_path / "master.key").write_text(lines[-1])
    reopened = await store_in(
        tmp_path / "documents", database, await open_vault(database, tmp_path / "master.key")
    )
    assert await bytes_of(reopened, "2.999.3.1") == b"one"
    assert await bytes_of(reopened, "2.999.3.2") == b"two"
    await reopened.close()


async def test_the_master_key_file_is_generated_for_its_owner_only(database, tmp_path):
    previous = os.umask(0)
    try:
        await open_vault(database, tmp_path / "keys" / "master.key")
    finally:
        os.umask(previous)
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["master.key"]


async def test_no_master_key_is_generated_where_documents_need_the_one_that_is_gone(
    store, database, tmp_path
):
    await provide(store, Registry(), (of(ONE, 1), b"one"))
    path: Path = tmp_path / "master.key"
    path.rename(tmp_path / "kept")
    with pytest.raises(BadMasterKey, match="cannot be read"):
        await open_vault(database, path)
    assert not path.exists()
    with pytest.raises(BadMasterKey, match=r"sealed under master key [0-9a-f]{16}, which is not"):
        await open_vault(database, path, KEY_TEXT)


async def test_a_master_key_may_come_from_the_environment(database, tmp_path):
    """A container has no file of its own."""
    vault = await open_vault(database, tmp_path / "none", KEY_TEXT)
    store = await store_in(tmp_path / "documents", database, vault)
    await provide(store, Registry(), (of(ONE, 1), b"one"))
    assert await bytes_of(store, "2.999.3.1") == b"one"
    assert not (tmp_path / "none").exists()
    await store.close()


@pytest.mark.parametrize("text", ["# only a comment", "c2hvcnQ=", KEY_TEXT + " not!base64"])
async def test_what_is_no_master_key_is_refused_and_not_repeated(database, tmp_path, text):
    (tmp_path / "master.key").write_text(text)
    with pytest.raises(BadMasterKey) as refused:
        await open_vault(database, tmp_path / "master.key")
    assert "32 bytes in base64" in str(refused.value)
    assert "c2hvcnQ" not in str(refused.value)


async def test_a_changed_wrapped_key_opens_nothing(store, database):
    await provide(store, Registry(), (of(ONE, 1), b"one"), (of(ONE, 2), b"two"))
    await provide(store, Registry(), (of(OTHER, 3), b"three"))
    wrapped = (await keys(database))[OTHER][1]
    await change(
        database,
        update(patient_key)
        .where(patient_key.c.patient == bindparam("of"))
        .values(wrapped_key=bindparam("new")),
        of=ONE,
        new=wrapped,
    )
    assert {error.code for error in (await retrieve(store, "2.999.3.1", "2.999.3.2")).errors} == {
        "XDSRepositoryError"
    }
    assert await bytes_of(store, "2.999.3.3") == b"three"
