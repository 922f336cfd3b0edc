"""Answers of tens of thousands of objects leave in full; the server does not grow (ITI TF-2: 3.18.4.1.3)."""

import asyncio
import http.client
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from atna_audit.spool import stored_records
from audit_message.model import AuditMessage
from audit_message.read import read_audit_message
from database import open_database
from hl7v2.datatypes import CX
from registry.iti42_register_document_set import register_document_set
from registry.store import RegistryStore
from tests.messages import requests
from tests.messages.registry_objects import document_entry, submission
from tests.services.platform import Platform, running
from tests.wire import envelope

DOCUMENTS = 20_000
SUBMISSIONS = 20
# Each document, its membership, and the SubmissionSets.
OBJECTS = 2 * DOCUMENTS + SUBMISSIONS
# Two pieces, what the other side of the socket has not taken yet, and what the allocator keeps.
MEMORY_BYTES = 32 * 1024 * 1024


@dataclass
class Crowded:
    """A server that knows one patient with very many documents, and where they are."""

    platform: Platform
    patient_id: str
    file: str

    @contextmanager
    def answer(self, return_type: str) -> Iterator[http.client.HTTPResponse]:
        """To GetAll; not yet read, and given up when nobody wants more of it."""
        body = envelope(requests.ITI_18, requests.get_all(self.patient_id, return_type=return_type))
        parts = urlsplit(self.platform.registry_url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        with closing(connection):
            connection.request("POST", parts.path, body, {"Content-Type": "application/soap+xml"})
            with connection.getresponse() as response:
                yield response


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowded]:
    directory = tmp_path_factory.mktemp("crowded")
    with running(directory) as platform:
        patient_id = platform.add_patient()
        file = str(directory / "coffre.db")
        asyncio.run(register_very_many(patient_id, file))
        yield Crowded(platform, patient_id, file)


async def register_very_many(patient_id: str, file: str) -> None:
    """Straight to the registry's own function: by ITI-42 it would take minutes."""
    database = await open_database(f"sqlite:///{file}")
    store, owner = RegistryStore(database), CX(patient_id)
    for _ in range(SUBMISSIONS):
        entries = [document_entry(new_uuid(), patient_id=owner) for _ in range(DOCUMENTS // SUBMISSIONS)]
        await register_document_set(
            submission(*entries, patient_id=owner), store, lambda: datetime.now(UTC), new_uuid
        )
    await database.close()


def new_uuid() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def counted(response: http.client.HTTPResponse, *names: bytes) -> dict[bytes, int]:
    """How often each text stands in an answer that is read piece by piece and forgotten."""
    counts = dict.fromkeys(names, 0)
    overlap = max(map(len, names)) - 1
    kept = b""
    while chunk := response.read(1 << 20):
        kept += chunk
        # What begins in the last bytes is counted with the next chunk, in which it is whole.
        for name in names:
            counts[name] += kept.count(name) - kept[-overlap:].count(name)
        kept = kept[-overlap:]
    for name in names:
        counts[name] += kept.count(name)
    return counts


@pytest.mark.parametrize(
    ("return_type", "expected"),
    [
        ("ObjectRef", {b"<rim:ObjectRef ": OBJECTS}),
        (
            "LeafClass",
            {
                b"<rim:ExtrinsicObject ": DOCUMENTS,
                b"<rim:Association ": DOCUMENTS,
                b"<rim:RegistryPackage ": SUBMISSIONS,
            },
        ),
    ],
)
def test_get_all_of_twenty_thousand_documents_costs_no_memory(crowded, return_type, expected):
    """ITI TF-2: 3.18.4.1.2.3.7.4."""
    before = crowded.platform.memory_bytes
    ends = b":Envelope>"
    with crowded.answer(return_type) as response:
        assert response.status == 200
        assert response.getheader("Transfer-Encoding") == "chunked"
        assert counted(response, *expected, ends) == {**expected, ends: 1}
    assert crowded.platform.peak_memory_bytes - before < MEMORY_BYTES


def test_the_audit_record_goes_first(crowded):
    """ITI TF-2: 3.20; it is there before the answer was read."""
    before = len(queries_recorded(crowded))
    with crowded.answer("LeafClass"):
        recorded = queries_recorded(crowded)
    assert len(recorded) == before + 1
    assert crowded.patient_id in {one.id for one in recorded[-1].objects}


def queries_recorded(crowded: Crowded) -> list[AuditMessage]:
    messages = (
        read_audit_message(one) for spool in crowded.platform.audit_spools for one in stored_records(spool)
    )
    return [one for one in messages if any(code.code == "ITI-18" for code in one.event.type_codes)]


def test_an_answer_that_cannot_go_on_is_cut_off(crowded):
    """Half an answer must not look like a whole one; the last test here, for it breaks the tables."""
    with crowded.answer("LeafClass") as response:
        assert response.read(10_000)
        with closing(sqlite3.connect(crowded.file)) as connection:
            connection.execute("ALTER TABLE association RENAME TO gone")
        with pytest.raises(http.client.IncompleteRead):
            counted(response, b"<rim:Association ")
    deadline = time.monotonic() + 10
    while "an answer broke off: DatabaseError" not in crowded.platform.log:
        assert time.monotonic() < deadline, crowded.platform.log[-2000:]
        time.sleep(0.05)
    assert crowded.patient_id not in crowded.platform.log
