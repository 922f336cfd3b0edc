"""Documents that were stored without encryption go into the vault, and none is lost on the way."""

import random
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from database import Statement
from exchange.ports import RegistryUnreachable, StorageFull
from repository.blobs import DirectoryBlobs
from repository.check import check
from repository.document_rows import NewDocument
from repository.encryption import Encrypted, encrypt_documents
from repository.store import RepositoryStore
from repository.tables import document, patient_key
from tests.repository.iti41 import Registry, bytes_of, entry, provide, retrieve, staged, store_in

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
ONE, OTHER = "P1^^^&2.999.3&ISO", "P2^^^&2.999.3&ISO"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
TEXT = b"the patient has a secret "
# Whole pieces of a stream, and some bytes more.
LONG = TEXT * 100_000
KILLS = 4
DOCUMENTS = 30


class Owners:
    """A registry that knows whose the documents are, up to one at which it is gone."""

    def __init__(self, known: dict[str, str], gone_at: str = "") -> None:
        self._known = known
        self._gone_at = gone_at

    async def owners(self, unique_ids: Iterable[str]) -> dict[str, set[str]]:
        if self._gone_at in unique_ids:
            raise RegistryUnreachable("gone", sent=False)
        return {one: {self._known[one]} for one in unique_ids if one in self._known}


async def encrypted(store: RepositoryStore, owners: Owners) -> Encrypted:
    return await encrypt_documents(store, owners, lambda: NOW)


@pytest.fixture
async def plain(place, database):
    """The same documents as those of `sealed`, as a server without encryption has them."""
    opened = RepositoryStore(database, await place.open(sealed=False), None)
    yield opened
    await opened.close()


@pytest.fixture
async def sealed(place, database, vault):
    opened = RepositoryStore(database, await place.open(), vault)
    yield opened
    await opened.close()


async def patients_of_documents(database) -> dict[str, str]:
    rows = await database.fetch(
        Statement(
            select(document.c.unique_id, patient_key.c.patient).join_from(
                document, patient_key, patient_key.c.id == document.c.patient_key_id
            )
        )
    )
    return dict(rows)


async def test_every_document_is_encrypted_under_its_patient_s_key(plain, sealed, place, database):
    """docs/decisions/0005; in a directory and in a bucket."""
    await provide(plain, Registry(), (entry(1), LONG), (entry(2), b""))
    await provide(plain, Registry(), (entry(3), TEXT))
    before = set(place.names())
    done = await encrypted(sealed, Owners({"2.999.3.1": ONE, "2.999.3.2": ONE, "2.999.3.3": OTHER}))
    assert (done.encrypted, done.plain, done.failed) == (3, 0, ())
    assert [await bytes_of(sealed, f"2.999.3.{number}") for number in (1, 2, 3)] == [LONG, b"", TEXT]
    assert await patients_of_documents(database) == {"2.999.3.1": ONE, "2.999.3.2": ONE, "2.999.3.3": OTHER}
    assert (before & set(place.names()), len(place.names()), place.leavings()) == (set(), 3, [])
    assert not any(TEXT in place.bytes_of(name) for name in place.names())
    report = await check(sealed, NOW, deep=True)
    assert (report.documents, report.sound, report.orphaned) == (3, True, ())
    assert await encrypted(sealed, Owners({})) == Encrypted(0, 0, 0, ())
    assert await sealed.destroy(ONE) == 2


async def test_while_it_is_under_way_both_kinds_are_read_if_so_configured(
    plain, sealed, place, database, vault
):
    """[vault] read_plain; without it a plain document is an error (docs/decisions/0005)."""
    await provide(plain, Registry(), (entry(1), TEXT))
    await provide(sealed, Registry(), (entry(2), TEXT))
    both = RepositoryStore(database, await place.open(), vault, reads_plain=True)
    assert [await bytes_of(both, f"2.999.3.{number}") for number in (1, 2)] == [TEXT, TEXT]
    assert [error.code for error in (await retrieve(sealed, "2.999.3.1")).errors] == ["XDSRepositoryError"]
    await both.close()


async def test_one_run_goes_on_where_another_has_ended(plain, sealed):
    await provide(plain, Registry(), *((entry(number), TEXT) for number in (1, 2, 3)))
    with pytest.raises(RegistryUnreachable):
        await encrypted(sealed, Owners({}, gone_at="2.999.3.2"))
    assert await bytes_of(sealed, "2.999.3.1") == TEXT
    assert await bytes_of(plain, "2.999.3.2") == TEXT
    assert (await encrypted(sealed, Owners({}))).encrypted == 2


async def test_a_damaged_or_missing_document_is_named_and_left_as_it_is(plain, sealed, place):
    await provide(plain, Registry(), (entry(1), LONG))
    (damaged,) = place.names()
    await provide(plain, Registry(), (entry(2), TEXT))
    (missing,) = set(place.names()) - {damaged}
    await provide(plain, Registry(), (entry(3), TEXT))
    place.put(damaged, LONG[:-1] + b"?")
    place.take_away(missing)
    done = await encrypted(sealed, Owners({}))
    assert (done.encrypted, done.plain) == (1, 2)
    assert [(one.unique_id, one.reason.partition(",")[0]) for one in done.failed] == [
        ("2.999.3.1", "a blob's SHA-256 is not what it was"),
        ("2.999.3.2", "there is no such blob"),
    ]
    assert place.bytes_of(damaged) == LONG[:-1] + b"?"
    assert (len(place.names()), place.leavings()) == (2, [])


async def test_a_pending_document_waits_and_one_that_the_registry_has_not_is_nobody_s(
    plain, sealed, database
):
    """ITI TF-2: 3.41.4.1.3; the metadata may have been removed (ITI-62)."""
    lost = Registry(RegistryUnreachable("no answer", sent=True))
    with pytest.raises(Exception, match="XDSRegistryNotAvailable"):
        await provide(plain, lost, (entry(1), TEXT))
    await provide(plain, Registry(), (entry(2), TEXT))
    done = await encrypted(sealed, Owners({}))
    assert (done.encrypted, done.plain) == (1, 1)
    assert await patients_of_documents(database) == {"2.999.3.2": ""}
    assert await bytes_of(plain, "2.999.3.1") == TEXT


async def test_two_documents_in_one_file_become_two(plain, sealed, place):
    """Two xds:Document elements may refer to one MIME part (XOP 1.0: 3.1)."""
    handle = await provide_twice(plain)
    assert place.names() == [handle]
    assert (await encrypted(sealed, Owners({"2.999.3.1": ONE, "2.999.3.2": ONE}))).encrypted == 2
    assert [await bytes_of(sealed, f"2.999.3.{number}") for number in (1, 2)] == [TEXT, TEXT]
    assert (len(place.names()), handle in place.names()) == (2, False)


async def provide_twice(store: RepositoryStore) -> str:
    part = await staged(store, TEXT)
    news = [NewDocument(f"2.999.3.{number}", "text/plain", part, ONE) for number in (1, 2)]
    await store.add("both", news, NOW)
    await store.make_available("both", [part])
    return part.handle


async def test_where_no_room_is_left_the_plain_document_stays(plain, sealed, place, monkeypatch):
    await provide(plain, Registry(), (entry(1), TEXT))
    names = place.names()

    def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr("repository.blob_pieces.BlobWriting.finish", full)
    with pytest.raises(StorageFull):
        await encrypted(sealed, Owners({}))
    assert (await bytes_of(plain, "2.999.3.1"), place.names(), place.leavings()) == (TEXT, names, [])


def killed_at(line: int, after_seconds: float, *arguments: str) -> None:
    """Start it, kill it some time after the turn of so many documents."""
    command = [sys.executable, "-m", "tests.repository.encrypts_documents", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(line):
            process.stdout.readline()
        time.sleep(after_seconds)
        process.kill()


async def test_killed_at_any_moment_it_loses_nothing_and_leaves_nothing_plain(
    database, database_url, vault, tmp_path
):
    documents, chance = tmp_path / "documents", random.Random(44)
    plain = await store_in(documents, database, None)
    sent = {f"2.999.3.{number}": TEXT * chance.choice((1, 100, 100_000)) for number in range(DOCUMENTS)}
    for number, content in enumerate(sent.values()):
        await provide(plain, Registry(), (entry(number), content))
    await plain.close()
    both = RepositoryStore(database, await DirectoryBlobs.open(documents), vault, reads_plain=True)
    for _ in range(KILLS):
        killed_at(chance.randint(1, 5), chance.uniform(0, 0.03), str(documents), database_url)
        assert {unique_id: await bytes_of(both, unique_id) for unique_id in sent} == sent
    assert 0 < await both.count_plain() < len(sent)
    await both.close()

    sealed = await store_in(documents, database, vault)
    await encrypted(sealed, Owners({}))
    assert {unique_id: await bytes_of(sealed, unique_id) for unique_id in sent} == sent
    files = [path for path in documents.rglob("*") if path.is_file() and path.name != "lock"]
    assert len(files) == len(sent)
    assert not any(TEXT in path.read_bytes() for path in files)
    await sealed.close()
