"""What makes a clinical document an acknowledgement of policies (ITI TF-3: 5.1.2)."""

import re

import pytest

import schemas
from cda.acknowledgement import MAX_ACKNOWLEDGEMENT_BYTES, NotAcknowledgement, read_acknowledgement
from cda.header import HeaderCode, read_header
from hl7v2.datatypes import CX, DTM
from tests.messages.acknowledgements import Acknowledgement

PATIENT = "P1^^^&2.999.5&ISO"
PLAIN = Acknowledgement(PATIENT, (1, 2), start="202001010800+0100", stop="20301231").document.decode()
SCANNED = Acknowledgement(PATIENT, (1,), scanned=True, signed=False).document.decode()


def problem(document: str) -> str:
    with pytest.raises(NotAcknowledgement) as refused:
        read_acknowledgement(document.encode())
    return str(refused.value)


def test_it_says_which_policies_from_when_until_when_and_who_signed():
    """ITI TF-3: 5.1.2.1.1.1."""
    found = read_acknowledgement(PLAIN.encode())
    assert found.header.event_code_list == (
        HeaderCode("2.999.40.1", "2.999.40", "A policy"),
        HeaderCode("2.999.40.2", "2.999.40", "A policy"),
    )
    assert (found.start, found.stop) == (DTM("202001010700"), DTM("20301231"))
    assert (found.scanned, found.signed) == (False, True)
    assert found.header.patient_ids == (CX(PATIENT),)
    assert found.header.format_codes == ("urn:ihe:iti:bppc:2007",)


def test_a_scanned_form_is_known_by_its_body():
    """ITI TF-3: 5.1.2, 5.2.3."""
    found = read_acknowledgement(SCANNED.encode())
    assert (found.scanned, found.signed) == (True, False)
    assert found.header.format_codes[0] == "urn:ihe:iti:bppc-sd:2007"


def test_a_scanned_form_may_be_plain_text():
    """ITI TF-3: 5.2.2."""
    header = read_header(schemas.parse(SCANNED.replace("application/pdf", "text/plain").encode()))
    assert header is not None
    assert header.format_codes[0] == "urn:ihe:iti:bppc-sd:2007"


@pytest.mark.parametrize(
    ("document", "pattern", "instead", "reason"),
    [
        (PLAIN, "1.3.6.1.4.1.19376.1.5.3.1.1.7", "2.999", "templateId is not 1.3.6.1.4.1.19376.1.5.3.1.1.7"),
        (PLAIN, "57016-8", "11488-4", "code is not 57016-8^^2.16.840.1.113883.6.1"),
        (PLAIN, '<id root="2.25.[0-9]*"/><code', "<code", "it has no id"),
        (PLAIN, 'value="20240102030405.0000"', 'value="now"', "effectiveTime is missing, or no time"),
        (PLAIN, "<documentationOf.*</documentationOf>", "", "it has 0 serviceEvents, expected 1 to 100"),
        (
            PLAIN,
            '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.2.6"/>',
            "",
            "the templateId of a serviceEvent is not 1.3.6.1.4.1.19376.1.5.3.1.2.6",
        ),
        (
            PLAIN,
            'codeSystem="2.999.40"',
            "",
            "a serviceEvent has no code with a codeSystem: the policy",
        ),
        (
            PLAIN,
            '(<id root="2.25.[0-9]*.2")/>',
            r'\1 extension="7"/>',
            "the id of a serviceEvent is not a root without an extension",
        ),
        (
            PLAIN,
            "20301231(.*)20301231",
            r"20301231\g<1>20311231",
            "its serviceEvents differ in effectiveTime",
        ),
        (PLAIN, '<low value="[^"]*"/>', "", "effectiveTime of a serviceEvent has no low"),
        (
            PLAIN,
            '<high value="[^"]*"/>',
            '<high value="one day"/>',
            "effectiveTime of a serviceEvent has a high that is no time",
        ),
        (PLAIN, 'code="S"', 'code="X"', "legalAuthenticator says no signatureCode S, or not when"),
        (
            PLAIN,
            "<assignedPerson><name><given>Jeanne</given><family>Muller</family></name></assignedPerson>"
            "</assignedEntity>",
            "</assignedEntity>",
            "legalAuthenticator names nobody",
        ),
        (PLAIN, "<structuredBody>.*</structuredBody>", "", "it has no body"),
        (
            SCANNED,
            "application/pdf",
            "image/tiff",
            "the mediaType of its body is none of application/pdf, text/plain",
        ),
        (SCANNED, ' representation="B64"', "", "the representation of its body is not B64"),
        (SCANNED, ">[^<]*</text>", ">%PDF</text>", "its body is no base64"),
        (SCANNED, ">[^<]*</text>", "></text>", "its body is empty"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(document, pattern, instead, reason):
    """ITI TF-3: 5.1.2.1, 5.2.3."""
    changed = re.sub(pattern, instead, document)
    assert changed != document
    assert problem(changed) == reason


def test_what_is_no_clinical_document_is_none():
    """No document type, no entities, no more than a scanned form of some pages."""
    assert problem("<Consent/>") == "it is no ClinicalDocument"
    assert problem("nothing").startswith("it cannot be parsed: ")
    assert problem(" " * (MAX_ACKNOWLEDGEMENT_BYTES + 1)) == (
        "it cannot be parsed: the message is larger than 16777216 bytes"
    )
