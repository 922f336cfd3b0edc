"""A receipt is an acknowledgement that our own reader, and anybody's, takes for one (ITI TF-3: 5.1.2)."""

from dataclasses import replace
from datetime import UTC, datetime

from lxml import etree

from cda.acknowledgement import read_acknowledgement
from cda.header import HeaderCode
from cda.receipt import ReceiptDocument, Section, write_receipt
from hl7v2.datatypes import CX, DTM

RECEIPT = ReceiptDocument(
    unique_id="2.25.77",
    patient_id=CX("P1^^^&2.999.5&ISO"),
    policy=("2.999.40.9", "2.999.40"),
    at=datetime(2030, 1, 15, 12, 30, 5, tzinfo=UTC),
    confidentiality=("V", "2.16.840.1.113883.5.25"),
    custodian_id="2.999.2.1",
    custodian='Vault & "Sons"',
    sections=(Section("fr", "Accusé", ("L'un <et> l'autre.", "Fait.")), Section("en", "Receipt", ("Done.",))),
)


def test_it_says_in_coded_form_what_it_says_in_words():
    """ITI TF-3: 5.1.2.1.1."""
    found = read_acknowledgement(write_receipt(RECEIPT))
    header = found.header
    assert header.unique_id == "2.25.77"
    assert header.patient_ids == (CX("P1^^^&2.999.5&ISO"),)
    assert header.event_code_list == (HeaderCode("2.999.40.9", "2.999.40"),)
    assert (header.title, header.language_code) == ("Accusé", "fr")
    assert header.format_codes == ("urn:ihe:iti:bppc:2007",)
    assert (found.start, found.stop) == (DTM("20300115123005"), None)
    assert (found.scanned, found.signed) == (False, False)


def test_its_elements_stand_in_the_order_of_the_schema():
    """CDA R2: POCD_MT000040, ClinicalDocument and what is in it."""
    root = etree.fromstring(write_receipt(RECEIPT))

    def names(path: str) -> list[str]:
        return [etree.QName(one).localname for one in root.findall(path, {"h": "urn:hl7-org:v3"})]

    assert names("h:*") == [
        "typeId", "templateId", "templateId", "id", "code", "title", "effectiveTime", "confidentialityCode",
        "languageCode", "recordTarget", "author", "custodian", "documentationOf", "component",
    ]  # fmt: skip
    assert names("h:author/h:*") == ["time", "assignedAuthor"]
    assert names("h:author/h:assignedAuthor/h:*") == [
        "id",
        "assignedAuthoringDevice",
        "representedOrganization",
    ]
    assert names("h:documentationOf/h:serviceEvent/h:*") == ["templateId", "id", "code", "effectiveTime"]
    assert names("h:component/h:structuredBody/h:component/h:section/h:*") == [
        "title", "text", "languageCode", "title", "text", "languageCode",
    ]  # fmt: skip


def test_what_people_wrote_is_text_and_never_markup():
    """XML 1.0: 2.4."""
    paragraphs = etree.fromstring(write_receipt(RECEIPT)).iter("{urn:hl7-org:v3}paragraph")
    assert [one.text for one in paragraphs] == ["L'un <et> l'autre.", "Fait.", "Done."]


def test_the_same_receipt_is_the_same_bytes():
    """Whoever resumes writes what was begun."""
    assert write_receipt(RECEIPT) == write_receipt(replace(RECEIPT))
