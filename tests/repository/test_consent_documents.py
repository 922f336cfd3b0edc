"""Whether a consent document says what its metadata say (ITI TF-3: 5.1.2.1.1)."""

from dataclasses import replace

import pytest

from cda.acknowledgement import MAX_ACKNOWLEDGEMENT_BYTES, read_acknowledgement
from ebxml.model import Author, Submission
from exchange.ports import StagedDocument
from hl7v2.datatypes import CX, DTM, XCN
from repository.consent_documents import differences, errors_in_consent_documents
from tests.messages.acknowledgements import Acknowledgement
from tests.messages.registry_objects import code, document_entry

PATIENT = CX("P1^^^&2.999.5&ISO")
SAID = Acknowledgement(str(PATIENT), (1, 2), start="202001010800+0100", stop="20301231", unique_id="2.999.9")
ENTRY = document_entry(
    "Document1",
    patient_id=PATIENT,
    source_patient_id=CX("s1^^^&2.999.5&ISO"),
    unique_id="2.999.9",
    format_code=code("urn:ihe:iti:bppc:2007", "1.3.6.1.4.1.19376.1.2.3"),
    event_code_list=(code("2.999.40.2", "2.999.40"), code("2.999.40.1", "2.999.40")),
    service_start_time=DTM("202001010700"),
    service_stop_time=DTM("20301231"),
    legal_authenticator=XCN("P1^Muller^Jeanne^^^^^^&2.999.5&ISO"),
    author=(Author(institution=("Clinic^^^^^^^^^2.999.61",)),),
)


def told(document: Acknowledgement = SAID, **said) -> list[tuple[str, str]]:
    return list(differences(read_acknowledgement(document.document), replace(ENTRY, **said)))


def test_metadata_that_say_the_same_say_it_in_their_own_words():
    """Times are in UTC, and policies have no order (ITI TF-3: Table 4.2.3.1.7-2)."""
    assert told() == []


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"unique_id": "2.999.8"}, ("uniqueId", "is 2.999.8, the document says 2.999.9")),
        (
            {"service_start_time": DTM("20200101")},
            ("serviceStartTime", "is 20200101, the document says 202001010700"),
        ),
        ({"service_stop_time": None}, ("serviceStopTime", "is missing, the document says 20301231")),
        ({"patient_id": CX("P2^^^&2.999.5&ISO")}, ("patientId", "is not that of the document")),
        ({"legal_authenticator": None}, ("legalAuthenticator", "is missing, the document is signed")),
        (
            {"author": (Author(institution=("X^^^^^^^^^2.999.62",)),)},
            ("author", "is urn:oid:2.999.62, which has not written the document"),
        ),
    ],
)
def test_each_attribute_that_says_otherwise_is_named(said, problem):
    """The registry acts on these attributes, and has no document to look into."""
    assert told(**said) == [problem]


def test_a_patient_whom_the_document_knows_by_his_source_only_is_that_of_the_source():
    """A document written elsewhere has no id of the domain's (ITI TF-3: 4.2.3.2.22)."""
    elsewhere = replace(SAID, patient_id="s1^^^&2.999.7&ISO")
    assert told(elsewhere, source_patient_id=CX("s1^^^&2.999.7&ISO")) == []
    assert told(elsewhere, source_patient_id=CX("s2^^^&2.999.7&ISO")) == [
        ("patientId", "is not that of the document")
    ]


def test_an_id_of_the_domain_s_goes_before_what_the_source_says():
    """Or anybody's document would be this patient's by naming its patient as the source's."""
    other = replace(SAID, patient_id="P2^^^&2.999.5&ISO")
    assert told(other, source_patient_id=CX("P2^^^&2.999.5&ISO")) == [
        ("patientId", "is not that of the document")
    ]


@pytest.mark.anyio
async def test_a_document_too_long_to_be_read_is_not_taken_at_its_metadata_s_word():
    """It is refused by its size, and not read."""
    staged = StagedDocument("x", "", "", MAX_ACKNOWLEDGEMENT_BYTES + 1, "text/xml")
    submission = Submission(submission_sets=(), document_entries=(ENTRY,))
    (error,) = await errors_in_consent_documents(submission, {"Document1": staged}, None)  # type: ignore[arg-type]  # nothing is read
    assert (error.code, error.context) == (
        "XDSRepositoryMetadataError",
        "DocumentEntry Document1: size is 16777217, expected 16777216 at most of a consent document",
    )
