"""Whatever is done to stored files, one or many: what is not as it was stored is never delivered."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from database import open_database
from exchange.ports import StorageError
from repository.store import RepositoryStore
from repository.vault import open_vault
from server.migrations.migrate import migrate
from tests.repository.iti41 import Registry, entry, provide, retrieve
from tests.repository.places import Place

pytestmark = pytest.mark.anyio

CHUNK = 64 * 1024
SEALED_CHUNK = CHUNK + 16
# Read to its end before the answer begins; what is longer is read as it leaves.
VERIFIED = 4 * CHUNK
# Around a chunk, and around the limit above; the last two are some of the buffers that are read at once.
CHUNKS = 40
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, VERIFIED, VERIFIED + 1, *[CHUNKS * CHUNK + 5] * 2)
PATIENTS = ("P1^^^&2.999.3&ISO", "P2^^^&2.999.3&ISO")
DOCUMENTS = {f"2.999.3.{number}": bytes([number]) * size for number, size in enumerate(SIZES)}

Files = dict[str, bytes]
"""What lies there for each uniqueId."""


@dataclass(frozen=True)
class Change:
    """Something that happens to what lies on the disk; the numbers say where."""

    how: Callable[[Files, str, str, int, int], None]
    one: str
    other: str
    place: int
    length: int

    def happens_to(self, files: Files) -> None:
        self.how(files, self.one, self.other, self.place, self.length)


def flip_a_bit(files: Files, one: str, other: str, place: int, length: int) -> None:
    content = bytearray(files[one])
    if content:
        content[place % len(content)] ^= 1 << length % 8
    files[one] = bytes(content)


def cut_the_end(files: Files, one: str, other: str, place: int, length: int) -> None:
    files[one] = files[one][: place % (len(files[one]) + 1)]


def cut_whole_chunks(files: Files, one: str, other: str, place: int, length: int) -> None:
    files[one] = files[one][: place % CHUNKS * SEALED_CHUNK]


def append(files: Files, one: str, other: str, place: int, length: int) -> None:
    files[one] += bytes(1 + length % 100)


def append_of_another(files: Files, one: str, other: str, place: int, length: int) -> None:
    files[one] += files[other][-(1 + length % SEALED_CHUNK) :]


def zero_a_stretch(files: Files, one: str, other: str, place: int, length: int) -> None:
    """A sector that a disk has lost."""
    start = place % (len(files[one]) + 1)
    zeroed = min(512, len(files[one]) - start)
    files[one] = files[one][:start] + bytes(zeroed) + files[one][start + zeroed :]


def exchange_files(files: Files, one: str, other: str, place: int, length: int) -> None:
    """Of the same patient or of two, for uniqueIds take turns."""
    files[one], files[other] = files[other], files[one]


def reorder_chunks(files: Files, one: str, other: str, place: int, length: int) -> None:
    chunks = [files[one][at : at + SEALED_CHUNK] for at in range(0, len(files[one]), SEALED_CHUNK)]
    if chunks:
        first, second = place % len(chunks), length % len(chunks)
        chunks[first], chunks[second] = chunks[second], chunks[first]
    files[one] = b"".join(chunks)


def repeat_a_chunk(files: Files, one: str, other: str, place: int, length: int) -> None:
    at = place % (len(files[one]) // SEALED_CHUNK + 1) * SEALED_CHUNK
    files[one] = files[one][: at + SEALED_CHUNK] + files[one][at:]


def take_a_chunk_of_another(files: Files, one: str, other: str, place: int, length: int) -> None:
    """At the same place and of the same length, so that only its key tells."""
    at = place % (len(files[one]) // SEALED_CHUNK + 1) * SEALED_CHUNK
    chunk = files[other][at : at + SEALED_CHUNK]
    files[one] = files[one][:at] + chunk + files[one][at + len(chunk) :]


HOWS = (
    flip_a_bit,
    cut_the_end,
    cut_whole_chunks,
    append,
    append_of_another,
    zero_a_stretch,
    exchange_files,
    reorder_chunks,
    repeat_a_chunk,
    take_a_chunk_of_another,
)
# Most of all those whose answer has begun when they are found to be changed.
UNIQUE_IDS = st.sampled_from([*DOCUMENTS, *list(DOCUMENTS)[-2:] * 6])
# In every chunk alike: where it begins and ends, and where its tag does.
PLACES = st.sampled_from(
    [number * SEALED_CHUNK + at for number in range(CHUNKS) for at in (0, 1, CHUNK - 1, CHUNK, CHUNK + 15)]
)
CHANGES = st.builds(
    Change,
    st.sampled_from(HOWS),
    UNIQUE_IDS,
    UNIQUE_IDS,
    PLACES,
    PLACES,
)


@dataclass
class Stored:
    """Documents of two patients in turn, and what lies under each of them where they are stored."""

    store: RepositoryStore
    place: Place
    encrypted: bool
    handles: dict[str, str]
    files: Files

    def put(self, files: Files) -> None:
        for unique_id, content in files.items():
            self.place.put(self.handles[unique_id], content)


@pytest.fixture(params=[True, False], ids=["encrypted", "plain"])
async def stored(request, place, sqlite_url, tmp_path):
    migrate(sqlite_url)
    database = await open_database(sqlite_url)
    vault = await open_vault(database, tmp_path / "master.key") if request.param else None
    blobs = await place.open(sealed=request.param)
    store = RepositoryStore(database, blobs, vault, verified_bytes=VERIFIED)
    handles: dict[str, str] = {}
    for number, (unique_id, content) in enumerate(DOCUMENTS.items()):
        before = set(place.names())
        await provide(store, Registry(), (entry(number, patient_id=PATIENTS[number % 2]), content))
        (handles[unique_id],) = set(place.names()) - before
    files = {unique_id: place.bytes_of(handle) for unique_id, handle in handles.items()}
    yield Stored(store, place, request.param, handles, files)
    await store.close()
    await database.close()


# What an example changes it puts back.
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
async def test_what_is_not_as_it_was_stored_is_an_error_and_never_a_document(stored, changes):
    """ITI TF-2: 3.43.4.1.3: XDSRepositoryError for it, and all others come."""
    files = dict(stored.files)
    for change in changes:
        change.happens_to(files)
    altered = {unique_id for unique_id in files if files[unique_id] != stored.files[unique_id]}
    stored.put({unique_id: files[unique_id] for unique_id in altered})
    try:
        await look_at(stored.store, altered, encrypted=stored.encrypted)
    finally:
        stored.put({unique_id: stored.files[unique_id] for unique_id in altered})


async def look_at(store: RepositoryStore, altered: set[str], *, encrypted: bool) -> None:
    """Retrieve all: each of the altered is an error, before its first byte or before its last."""
    result = await retrieve(store, *DOCUMENTS)
    refused = {error.location for error in result.errors}
    assert {error.code for error in result.errors} <= {"XDSRepositoryError"}
    assert refused <= altered
    for request, document in result.documents:
        unique_id = request.document_unique_id
        received, broke = bytearray(), False
        try:
            async for chunk in document.chunks:
                received += chunk
        except StorageError:
            broke = True
        assert broke is (unique_id in altered)
        if broke:
            assert document.size > VERIFIED
            assert len(received) < document.size
            # Without a key for each chunk only the whole tells.
            assert not encrypted or DOCUMENTS[unique_id].startswith(received)
        else:
            assert received == DOCUMENTS[unique_id]
