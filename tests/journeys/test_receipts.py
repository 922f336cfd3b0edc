"""What patients decide elsewhere is told by documents in their records (docs/consent.md)."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from lxml import etree
from sqlalchemy import bindparam, null, select, update

from atna_audit.spool import stored_records
from consent_broker.model import RecordStatus
from consent_broker.store import Directive, Kind
from consent_broker.tables import consent_receipt
from database import Statement, open_database
from server.local_provider import add_system_user, create_provider
from tests.messages import requests
from tests.messages.acknowledgements import Acknowledgement
from tests.messages.requests import SUCCESS
from tests.services.platform import Platform, running, running_apart
from tests.services.ruled import RULED_DOMAIN, RULES, Person, Record, write_rules
from tests.wire import envelope, post

POLICIES = """
[[policy]]
id = "2.999.40.1"
domain = "2.999.40"
record = "open"

[[policy]]
id = "2.999.40.9"
domain = "2.999.40"
receipt = true
"""
SETTINGS = RULED_DOMAIN + '\n[receipts]\nlanguages = ["lb", "en"]\ncustodian = "Vault & Sons"\n'
DR_A = Person("A")
NAMESPACES = {"h": "urn:hl7-org:v3"}
# Receipts are written by the second; a machine under load takes its time.
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server that writes receipts, on each database."""
    directory = write_rules(tmp_path_factory.mktemp("receipts"), RULES + POLICIES)
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(directory, toml=SETTINGS, environment=environment) as platform:
        yield platform


def documents(record: Record, count: int) -> list[str]:
    """What is in a record as soon as there is so much."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(found := record.seen_by(record.patient)) < count and time.monotonic() < until:
        time.sleep(0.1)
    assert len(found) == count
    return found


def receipts(record: Record, count: int) -> list[etree._Element]:
    """The receipts in a record as soon as there are so many, the first one first."""
    found = documents(record, count)
    parts = record.retrieve(record.patient, *found).parts[1:]
    read = [etree.fromstring(content) for _, content in parts]
    return sorted(read, key=lambda one: str(one.xpath("h:effectiveTime/@value", namespaces=NAMESPACES)))


def sentences(document: etree._Element) -> list[list[str]]:
    """What each section tells, but for who did it when."""
    return [
        [str(each.text) for each in section.findall("h:text/h:paragraph", NAMESPACES)][:-1]
        for section in document.iterfind(".//h:section", NAMESPACES)
    ]


def test_each_change_is_told_in_the_patient_s_languages(domain):
    """A document as any other, in the record with its audit records; it changes nothing itself."""
    record = Record(domain, opened=False)
    record.turn(RecordStatus.OPEN)
    (opened,) = receipts(record, 1)
    assert sentences(opened) == [["Ären Dossier ass op."], ["Your record is open."]]
    assert opened.findtext("h:title", None, NAMESPACES) == "Beleeg vun Ärer Decisioun"
    assert "by: portal." in "".join(opened.itertext())
    record.let(Directive(Kind.EXCLUSION, DR_A.party))
    record.no_longer(Directive(Kind.EXCLUSION, DR_A.party))
    told = [sentences(one)[1] for one in receipts(record, 3)]
    assert told[0] == ["Your record is open."]
    excluded = "The person 2.999.4|A may neither read your record nor add to it."
    assert sorted(told[1:]) == [[excluded], [f"This holds no longer: {excluded}"]]
    # Nobody but the patient learns whom he excluded; and a receipt is no decision.
    record.grant(DR_A.party)
    receipts(record, 4)
    assert record.seen_by(DR_A) == []
    assert len(record.history()) == 4
    audited = [
        one
        for spool in domain.audit_spools
        for one in stored_records(spool)
        if record.patient.extension.encode() in one and b'csd-code="ITI-42"' in one
    ]
    assert len(audited) == 2 * 4


def test_a_consent_document_is_its_own_receipt(domain):
    """What is in the record already is not told once more."""
    record = Record(domain, opened=False)
    document = Acknowledgement(record.patient_id, (1,))
    answer = record.provide(record.patient, document.submission(), document.document, "text/xml")
    assert answer.status_urn == SUCCESS
    record.turn(RecordStatus.CLOSED)
    record.reopen()
    # Of the closing and the reopening, each; the record was closed when the first one was written.
    assert len(documents(record, 3)) == 3


def test_nobody_submits_a_receipt_but_the_platform(domain):
    """The patient neither: it says what the platform has done. He may let it go, which changes nothing."""
    record = Record(domain)
    receipts(record, 1)
    (unique_id,) = documents(record, 1)
    told = record.ask(record.patient, "GetDocuments", ("$XDSDocumentEntryUniqueId", f"('{unique_id}')"))
    (entry,) = told.found("ExtrinsicObject")
    body = requests.submit(
        requests.submission_set(record.patient_id, requests.fresh_oid()),
        requests.status_change(str(entry.get("id"))),
    )
    message = envelope(requests.ITI_57, body, more_headers=record.patient.headers)
    assert post(domain.registry_url, message).status_urn == SUCCESS
    assert len(record.history()) == 1
    forged = Acknowledgement(record.patient_id, (9,))
    answer = record.provide(record.patient, forged.submission(), forged.document, "text/xml")
    assert answer.errors == [
        ("XDSRepositoryError", "Document1: such a document is not accepted from its sender")
    ]


OUTBOX = Statement(select(consent_receipt.c.written).where(consent_receipt.c.patient == bindparam("whose")))
AS_IF_CUT_OFF = Statement(
    update(consent_receipt)
    .where(consent_receipt.c.patient == bindparam("whose"))
    .values(tried=bindparam("then"), written=null())
)


async def cut_off(record: Record) -> None:
    """What a process leaves that is killed when the receipt is registered, and not yet crossed off."""
    database = await open_database(record.configuration.database.url)
    try:
        row = {"whose": record.patient_id, "then": 1}
        await database.transact(lambda transaction: transaction.execute(AS_IF_CUT_OFF, row))
    finally:
        await database.close()


async def all_written(record: Record) -> bool:
    database = await open_database(record.configuration.database.url)
    try:
        rows = await database.fetch(OUTBOX, {"whose": record.patient_id})
    finally:
        await database.close()
    return all(written is not None for (written,) in rows)


def test_a_receipt_that_was_cut_off_is_written_once(domain):
    """The change is durable with what it owes; whoever comes after looks before he writes."""
    record = Record(domain)
    receipts(record, 1)
    asyncio.run(cut_off(record))
    until = time.monotonic() + PATIENCE_SECONDS
    while not asyncio.run(all_written(record)) and time.monotonic() < until:
        time.sleep(0.2)
    assert asyncio.run(all_written(record))
    receipts(record, 1)


def test_a_change_that_no_server_saw_is_told_by_the_next_one(tmp_path):
    """`coffre consent` works beside the servers; the outbox is in the change's own transaction."""
    write_rules(tmp_path, RULES + POLICIES)
    with running(tmp_path, toml=SETTINGS) as platform:
        record = Record(platform, opened=False)
        platform.kill()
    record.turn(RecordStatus.OPEN)
    with running(tmp_path, toml=SETTINGS) as record.platform:
        (opened,) = receipts(record, 1)
    assert sentences(opened)[1] == ["Your record is open."]


SYSTEM = """
[[role]]
is = "system"
codes = ["system"]
"""


def test_a_repository_apart_writes_receipts_as_its_own_user(tmp_path, migrated_postgresql_url):
    """Into closed records, too: its registry knows it by its assertion (ITI TF-2: 3.40)."""
    for actor in ("registry", "repository"):
        write_rules(tmp_path / actor, RULES + SYSTEM + POLICIES)
    create_provider(tmp_path / "own")
    add_system_user(tmp_path / "own", "coffre")
    itself = f'[xua]\nlocal_provider = "{tmp_path / "own"}"\nsystem_user = "coffre"\n'
    environment = {"COFFRE_DATABASE_URL": migrated_postgresql_url}
    with running_apart(
        tmp_path, toml=SETTINGS.replace("[xua]\n", itself), environment=environment
    ) as platform:
        record = Record(platform)
        record.turn(RecordStatus.CLOSED)
        record.reopen()
        told = [sentences(one)[1] for one in receipts(record, 3)]
    assert sorted(told) == [["Your record is closed."], ["Your record is open."], ["Your record is open."]]
