"""What an actor says that cannot get what it needs: a turn at its database, or room (ITI TF-3: 4.2.4.2)."""

import base64
import resource
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest

from tests.messages import requests
from tests.messages.named_record import NamedRecord
from tests.messages.requests import FAILURE, ITI_41, REPOSITORY, SUCCESS, provide, submission
from tests.services.platform import OPEN_DOMAIN
from tests.wire import MTOM_TYPE, envelope, mtom, post

ITI_86 = "urn:ihe:iti:2017:RemoveDocuments"
# A patient's objects are numbered from 1 to one less than this.
OBJECTS_OF_A_PATIENT = 2**24


def give_up_soon(url: str) -> None:
    """An operator may say so for PostgreSQL; the tests do not want to wait."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{connection.info.dbname}" SET lock_timeout = 200')


@contextmanager
def nobody_else_writes(url: str) -> Iterator[None]:
    """Another program holds what every writer needs."""
    if url.startswith("sqlite:///"):
        file = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE patient, document IN EXCLUSIVE MODE")
            yield
            connection.rollback()


def remove(platform, unique_id):
    """ITI-86."""
    body = (
        '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"<xds:DocumentRequest><xds:RepositoryUniqueId>{REPOSITORY}</xds:RepositoryUniqueId>"
        f"<xds:DocumentUniqueId>{unique_id}</xds:DocumentUniqueId></xds:DocumentRequest>"
        "</rmd:RemoveDocumentsRequest>"
    )
    return post(platform.repository_url, envelope(ITI_86, body))


def test_an_actor_that_gets_no_turn_at_its_database_says_that_it_is_busy(
    fresh_platform, migrated_database_url
):
    """ITI TF-3: 4.2.4.2; XDSRegistryBusy, XDSRepositoryBusy, XDSRemoveDocumentsError; it may ask again."""
    give_up_soon(migrated_database_url)
    platform = fresh_platform(database_url=migrated_database_url)
    kept = submission(platform.add_patient())
    assert platform.provide(kept, b"kept").status_urn == SUCCESS
    record = NamedRecord(platform)
    body = requests.submit(
        record.submission_set("S1"), record.document("A"), record.link("S1>A", status="Original")
    )
    further = submission(kept.patient_id)
    with nobody_else_writes(migrated_database_url), ThreadPoolExecutor() as at_once:
        asked = [
            at_once.submit(platform.register, body),
            at_once.submit(platform.provide, further, b"further"),
            at_once.submit(remove, platform, kept.unique_id),
        ]
        answers = [one.result() for one in asked]
    assert {one.status_urn for one in answers} == {FAILURE}
    assert [one.codes for one in answers] == [
        ["XDSRegistryBusy"],
        ["XDSRepositoryBusy"],
        ["XDSRemoveDocumentsError"],
    ]
    assert platform.register(body).status_urn == SUCCESS
    assert platform.provide(further, b"further").status_urn == SUCCESS
    assert remove(platform, kept.unique_id).status_urn == SUCCESS


def fill_record_of(url: str, patient_id: str) -> None:
    """Number the patient's next object as the last that there can be."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            change = "UPDATE patient SET last_object = ? WHERE cx = ?"
            assert connection.execute(change, (OBJECTS_OF_A_PATIENT - 2, patient_id)).rowcount == 1
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            change = "UPDATE patient SET last_object = %s WHERE cx = %s"
            assert connection.execute(change, (OBJECTS_OF_A_PATIENT - 2, patient_id)).rowcount == 1


def test_a_record_without_room_takes_nothing_more(fresh_platform, migrated_database_url):
    """ITI TF-3: 4.2.4.2; XDSRegistryOutOfResources, by ITI-42 and through ITI-41, which keeps nothing."""
    platform = fresh_platform(database_url=migrated_database_url)
    record = NamedRecord(platform)
    record.register("S1", documents="A")
    fill_record_of(migrated_database_url, record.patient_id)
    stored = platform.stored_files
    provided = platform.provide(submission(record.patient_id), b"document")
    for answer in (record.send("S2", documents="B"), provided):
        assert answer.status_urn == FAILURE
        assert answer.errors == [
            ("XDSRegistryOutOfResources", "this patient's record can hold no more objects")
        ]
    assert platform.stored_files == stored
    assert record.held() == "A S1 S1>A"


MEBIBYTE = 2**20


def test_a_document_for_which_no_room_is_left_is_refused(fresh_platform, migrated_database_url):
    """ITI TF-2: 3.41.4.1.3; ITI TF-3: 4.2.4.2; XDSRepositoryOutOfResources: no file may grow that long."""
    platform = fresh_platform(database_url=migrated_database_url)
    sent = submission(platform.add_patient())
    unlimited = resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE)
    # More than the tables and the audit trail of this test, and less than the document.
    resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, (8 * MEBIBYTE, unlimited[1]))
    answer = platform.provide(sent, bytes(16 * MEBIBYTE))
    assert answer.status_urn == FAILURE
    context = "xds:Document Document1: no room is left to store the document"
    assert answer.errors == [("XDSRepositoryOutOfResources", context)]
    assert platform.stored_files == set()
    assert platform.documents_of(sent.patient_id) == []
    resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert platform.provide(sent, bytes(16 * MEBIBYTE)).status_urn == SUCCESS


def test_a_document_in_the_envelope_has_the_limit_of_one_beside_it(fresh_platform, migrated_database_url):
    """ITI TF-2: 3.41.4.1.3; ITI TF-3: 4.2.4.2; XDSRepositoryOutOfResources."""
    toml = OPEN_DOMAIN + "\n[limits]\ndocument_size_bytes = 1000\n"
    platform = fresh_platform(toml=toml, database_url=migrated_database_url)
    sent = submission(platform.add_patient())
    inline = ("Document1", base64.b64encode(bytes(1001)).decode())
    request = mtom(envelope(ITI_41, provide(sent.submit_objects_request, inline)))
    answer = post(platform.repository_url, request, MTOM_TYPE)
    assert answer.status_urn == FAILURE
    context = "xds:Document Document1: the document is longer than the 1000 bytes taken here"
    assert answer.errors == [("XDSRepositoryOutOfResources", context)]
    assert platform.stored_files == set()


DISK_FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON {} EXECUTE FUNCTION no_room();
"""


@pytest.mark.parametrize(
    ("table", "code"),
    [("document_entry", "XDSRegistryOutOfResources"), ("document", "XDSRepositoryOutOfResources")],
)
def test_a_database_without_room_takes_nothing_more(fresh_platform, migrated_postgresql_url, table, code):
    """ITI TF-3: 4.2.4.2; SQLite's own word for it is told in tests/database."""
    with psycopg.connect(migrated_postgresql_url, autocommit=True) as connection:
        connection.execute(DISK_FULL.format(table).encode())
    platform = fresh_platform(database_url=migrated_postgresql_url)
    sent = submission(platform.add_patient())
    answer = platform.provide(sent, b"document")
    assert answer.status_urn == FAILURE
    assert answer.errors == [(code, "no room is left; nothing was stored")]
    assert platform.stored_files == set()
    assert platform.documents_of(sent.patient_id) == []
