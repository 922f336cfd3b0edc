"""The queries that look for documents: each parameter finds what it says, and nothing else.

ITI TF-2: 3.18.4.1.2.3.5, 3.18.4.1.2.3.7.1, 3.18.4.1.2.3.7.14, 3.51.4.1.2.3. One record is asked all of it:

- A, B and C are Approved and stable, A with all codes X of 2.999.1, B with all codes X of 2.999.2, and C
  with all codes Y of 2.999.1, each code named after its attribute;
- D is as A, but Deprecated; E is as A, but on-demand; Z is as A, but another patient's.
"""

from typing import Any, NamedTuple

import pytest

from tests.messages import requests
from tests.messages.named_objects import Names
from tests.messages.requests import (
    APPROVED,
    AUTHOR_OF_DOCUMENT,
    DEPRECATED,
    ITI_57,
    ITI_61,
    ON_DEMAND,
    STABLE,
    SUCCESS,
    association,
    codes,
    slot,
    submit,
)
from tests.services.platform import Platform
from tests.wire import HttpAnswer, envelope, post

ONLINE = "urn:ihe:iti:2010:DocumentAvailability:Online"
OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"
WORKFLOW = "wf1^^^^urn:ihe:iti:xdw:2013:workflowInstanceId"
REFERENCES = "urn:ihe:iti:xds:2013:referenceIdList"
OF_REPOSITORY = requests.registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0)

ONE_CODE = ("classCode", "typeCode", "formatCode", "practiceSettingCode", "healthcareFacilityTypeCode")
A = {
    **{each: [f"{each}X^^2.999.1"] for each in ONE_CODE},
    "eventCodeList": ["eventX^^2.999.1", "eventY^^2.999.1"],
    "confidentialityCode": ["levelX^^2.999.1", "levelY^^2.999.1"],
    "creationTime": "2021",
    "serviceStartTime": "201101",
    "serviceStopTime": "20160101",
    "documentAvailability": ONLINE,
    "authors": [("^Weber^Anne^^^Dr", "Clinic A^^^^^^^^^2.999.61")],
    "titles": ["Lung X-ray", "Röntgen der Lunge"],
    "references": ["77^^^&2.999.4&ISO^urn:ihe:iti:xds:2013:accession", "8^^^^urn:ihe:iti:xds:2013:order"],
}
B = {
    **{each: [f"{each}X^^2.999.2"] for each in ONE_CODE},
    "eventCodeList": ["eventY^^2.999.1"],
    "confidentialityCode": ["levelY^^2.999.1"],
    "creationTime": "20220203040506",
    "serviceStartTime": "20120203040506",
    "serviceStopTime": "20170203040506",
    "documentAvailability": OFFLINE,
    "authors": [("^O'Brien^100%", "Clinic B"), ("", "Ward_1")],
    "titles": ["100 % lung"],
    "references": ["77^^^&2.999.9&ISO^urn:ihe:iti:xds:2013:accession"],
}
C = {
    **{each: [f"{each}Y^^2.999.1"] for each in ONE_CODE},
    "eventCodeList": ["eventX^^2.999.2", "eventZ^^2.999.1"],
    "confidentialityCode": ["levelX^^2.999.2", "levelZ^^2.999.1"],
    "creationTime": "202306",
    # Neither serviceStartTime nor serviceStopTime nor documentAvailability.
    "authors": [("7^Weber^Zoé", "Clinic A^^^^^^^^^2.999.61"), (r"^Mul\E\ler^Jean", "Ward 1")],
    "titles": ["lung"],
    "references": ["9^^^^urn:ihe:iti:xds:2013:order"],
}


def entry(names: Names, name: str, patient_id: str, said: dict[str, Any], object_type: str = STABLE) -> str:
    """The document of this name, with its membership."""
    id = names.uuid(name)
    many = (*ONE_CODE, "eventCodeList", "confidentialityCode")
    single = ("creationTime", "serviceStartTime", "serviceStopTime", "documentAvailability")
    languages = "".join(
        f'<rim:LocalizedString xml:lang="{lang}" value="{title}"/>'
        for lang, title in zip(("en", "de"), said["titles"], strict=False)
    )
    written = {each: codes(id, each, *said[each]) for each in many}
    written |= {each: slot(each, said[each]) if each in said else "" for each in single}
    written["title"] = f"<rim:Name>{languages}</rim:Name>"
    written["referenceIdList"] = slot(REFERENCES, WORKFLOW, *said["references"])
    written["author"] = "".join(
        requests.author(
            id,
            AUTHOR_OF_DOCUMENT,
            slot("authorPerson", person) if person else "",
            slot("authorInstitution", institution),
            id=f"author{number}",
        )
        for number, (person, institution) in enumerate(said["authors"], 1)
    )
    slots = OF_REPOSITORY if object_type == STABLE else slot("repositoryUniqueId", requests.REPOSITORY)
    whole = requests.document_entry(
        patient_id, names.oid(name), id, slots=slots, object_type=object_type, **written
    )
    return whole + association("SubmissionSet1", id, status="Original", id=f"member-{name}")


class Record:
    """The documents above in a running registry."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.names = Names()
        self.patients = {"PATIENT1": platform.add_patient(), "PATIENT2": platform.add_patient()}
        first, second = self.patients.values()
        on_demand = {key: value for key, value in A.items() if key != "creationTime"}
        documents = {"A": A, "B": B, "C": C, "D": A}
        self.send(first, *(entry(self.names, name, first, said) for name, said in documents.items()))
        self.send(first, entry(self.names, "E", first, on_demand, ON_DEMAND), action=ITI_61)
        self.send(first, requests.status_change(self.names.uuid("D")), action=ITI_57)
        self.send(second, entry(self.names, "Z", second, A))

    def send(self, patient_id: str, *objects: str, action: str = requests.ITI_42) -> None:
        body = submit(requests.submission_set(patient_id, requests.fresh_oid()), *objects)
        answer = post(self.platform.registry_url, envelope(action, body))
        assert answer.status_urn == SUCCESS, answer.errors

    def ask(self, query: str, *slots: tuple[str, str], return_type: str = "ObjectRef") -> HttpAnswer:
        """Ask with these Slots, and with what the query needs besides."""
        given = {name for name, _ in slots}
        whole = [*(one for one in QUERIES[query] if one[0] not in given), *slots]
        for word, patient_id in self.patients.items():
            whole = [(name, value.replace(word, patient_id)) for name, value in whole]
        return self.platform.ask(query, *whole, return_type=return_type)

    def found(self, query: str, *slots: tuple[str, str]) -> str:
        """The names of what is found, one after the other."""
        answer = self.ask(query, *slots)
        assert (answer.status_urn, answer.errors) == (SUCCESS, [])
        return " ".join(self.names.of(answer))


@pytest.fixture(scope="module")
def record(platform) -> Record:
    return Record(platform)


ONE_PATIENT = ("$XDSDocumentEntryPatientId", "'PATIENT1'")
SOME_PATIENTS = ("$XDSDocumentEntryPatientId", "('PATIENT1')")
STATUS = ("$XDSDocumentEntryStatus", f"('{APPROVED}')")
TITLE = ("$XDSDocumentEntryTitle", "('%')")
REFERENCE = ("$XDSDocumentEntryReferenceIdList", f"('{WORKFLOW}')")
# The Slots that every request of a query bears.
QUERIES = {
    "FindDocuments": (ONE_PATIENT, STATUS),
    "FindDocumentsByReferenceId": (ONE_PATIENT, STATUS, REFERENCE),
    "FindDocumentsByTitle": (ONE_PATIENT, STATUS, TITLE),
    "FindDocumentsExclude": (ONE_PATIENT, STATUS),
    "FindDocumentsForMultiplePatients": (SOME_PATIENTS, STATUS),
    "FindDocumentsByReferenceIdForMultiplePatients": (SOME_PATIENTS, STATUS, REFERENCE),
}


class Asked(NamedTuple):
    """The parameter's Slots, each with one rim:Value, and the documents to be found."""

    slots: tuple[str, ...]
    finds: str


def ask(*slots: str, finds: str) -> Asked:
    return Asked(slots, finds)


# Code and scheme are one value: X of 2.999.2 is not found by X of 2.999.1 and Y of 2.999.2.
def one_code(attribute: str) -> list[Asked]:
    return [
        ask(f"('{attribute}X^^2.999.1')", finds="A"),
        ask(f"('{attribute}X^^2.999.1','{attribute}Y^^2.999.2')", finds="A"),
        ask(f"('{attribute}X^^2.999.1','{attribute}Y^^2.999.1')", finds="A C"),
        ask(f"('{attribute.lower()}x^^2.999.1')", finds=""),
        ask("('X^^2.999.1')", finds=""),
    ]


# A Slot's values are ORed, the Slots ANDed.
def several_codes(word: str) -> list[Asked]:
    return [
        ask(f"('{word}X^^2.999.1')", finds="A"),
        ask(f"('{word}X^^2.999.1','{word}Y^^2.999.1')", finds="A B"),
        ask(f"('{word}X^^2.999.1')", f"('{word}Y^^2.999.1')", finds="A"),
        ask(f"('{word}X^^2.999.1','{word}Y^^2.999.1')", f"('{word}Z^^2.999.1')", finds=""),
        ask(f"('{word}X^^2.999.1','{word}X^^2.999.2')", f"('{word}Z^^2.999.1')", finds="C"),
        ask(f"('{word}X^^2.999.1')", f"('{word}Z^^2.999.1')", finds=""),
    ]


# From is inclusive, To exclusive; what a time leaves open is filled up with the earliest there is.
FILTERS = {
    "$XDSDocumentEntryStatus": [
        ask(f"('{APPROVED}')", finds="A B C"),
        ask(f"('{DEPRECATED}')", finds="D"),
        ask(f"('{APPROVED}','{DEPRECATED}')", finds="A B C D"),
        ask(f"('{DEPRECATED}','urn:example:Lost')", finds="D"),
    ],
    "$XDSDocumentEntryClassCode": one_code("classCode"),
    "$XDSDocumentEntryTypeCode": one_code("typeCode"),
    "$XDSDocumentEntryPracticeSettingCode": one_code("practiceSettingCode"),
    "$XDSDocumentEntryHealthcareFacilityTypeCode": one_code("healthcareFacilityTypeCode"),
    "$XDSDocumentEntryFormatCode": one_code("formatCode"),
    "$XDSDocumentEntryEventCodeList": several_codes("event"),
    "$XDSDocumentEntryConfidentialityCode": several_codes("level"),
    "$XDSDocumentEntryCreationTimeFrom": [
        ask("2021", finds="A B C"),
        ask("20210101000001", finds="B C"),
        ask("20220203040506", finds="B C"),
        ask("202306", finds="C"),
        ask("20230601000000", finds="C"),
        ask("2024", finds=""),
    ],
    "$XDSDocumentEntryCreationTimeTo": [
        ask("2021", finds=""),
        ask("20210101000001", finds="A"),
        ask("20220203040506", finds="A"),
        ask("20220203040507", finds="A B"),
        ask("202306", finds="A B"),
        ask("2024", finds="A B C"),
    ],
    # C has no times of service: a bound says nothing of it.
    "$XDSDocumentEntryServiceStartTimeFrom": [
        ask("2011", finds="A B C"),
        ask("20110101000001", finds="B C"),
        ask("20120203040506", finds="B C"),
        ask("20120203040507", finds="C"),
    ],
    "$XDSDocumentEntryServiceStartTimeTo": [
        ask("201101", finds="C"),
        ask("201102", finds="A C"),
        ask("20120203040506", finds="A C"),
        ask("20120203040507", finds="A B C"),
    ],
    "$XDSDocumentEntryServiceStopTimeFrom": [
        ask("2016", finds="A B C"),
        ask("2016010100", finds="A B C"),
        ask("20170203040506", finds="B C"),
        ask("20170203040507", finds="C"),
    ],
    "$XDSDocumentEntryServiceStopTimeTo": [
        ask("2016", finds="C"),
        ask("2017", finds="A C"),
        ask("20170203040506", finds="A C"),
        ask("20170203040507", finds="A B C"),
    ],
    # % is any text and _ one character; nothing else in a pattern means anything but itself.
    "$XDSDocumentEntryAuthorPerson": [
        ask("('%Weber%')", finds="A C"),
        ask("('%weber%')", finds=""),
        ask("('Weber')", finds=""),
        ask("('_^Weber%')", finds="C"),
        ask("('^Weber^Anne^^^Dr')", finds="A"),
        ask("('^O''Brien%')", finds="B"),
        ask("('%Anne%','%100_')", finds="A B"),
        ask(r"('%Mul\E\ler%')", finds="C"),
        ask(r"('%100\%')", finds=""),
        ask("('*Weber*')", finds=""),
        ask("('%[WO]%')", finds=""),
    ],
    "$XDSDocumentEntryType": [
        ask(f"('{STABLE}')", finds="A B C"),
        ask(f"('{ON_DEMAND}')", finds="E"),
        ask(f"('{STABLE}','{ON_DEMAND}')", finds="A B C E"),
    ],
    # A document is Online that does not say where it is.
    "$XDSDocumentEntryDocumentAvailability": [
        ask(f"('{ONLINE}')", finds="A C"),
        ask(f"('{OFFLINE}')", finds="B"),
        ask(f"('{ONLINE}','{OFFLINE}')", finds="A B C"),
    ],
}


@pytest.mark.parametrize("parameter", FILTERS)
@pytest.mark.parametrize("query", QUERIES)
def test_a_parameter_finds_what_it_says_and_nothing_else(record, query, parameter):
    """ITI TF-2: 3.18.4.1.2.3.5, 3.18.4.1.2.3.7.1, 3.51.4.1.2.3."""
    for asked in FILTERS[parameter]:
        assert (asked.slots, record.found(query, *((parameter, one) for one in asked.slots))) == asked


OF_ONE_PATIENT = {
    "$XDSDocumentEntryPatientId": [
        ask("'PATIENT1'", finds="A B C"),
        ask("'PATIENT2'", finds="Z"),
        ask("'nobody^^^&2.999.5&ISO'", finds=""),
    ],
}


@pytest.mark.parametrize(
    "query", ["FindDocuments", "FindDocumentsByReferenceId", "FindDocumentsByTitle", "FindDocumentsExclude"]
)
def test_only_documents_of_the_patient_are_found(record, query):
    """ITI TF-2: 3.18.4.1.2.3.7.1."""
    for name, rows in OF_ONE_PATIENT.items():
        for asked in rows:
            assert record.found(query, (name, *asked.slots)) == asked.finds


OF_SOME_PATIENTS = {
    "$XDSDocumentEntryPatientId": [
        ask("('PATIENT1')", finds="A B C"),
        ask("('PATIENT1','PATIENT2')", finds="A B C Z"),
        ask("('nobody^^^&2.999.5&ISO','PATIENT2')", finds="Z"),
    ],
}


@pytest.mark.parametrize(
    "query", ["FindDocumentsForMultiplePatients", "FindDocumentsByReferenceIdForMultiplePatients"]
)
def test_documents_of_each_patient_named_are_found(record, query):
    """ITI TF-2: 3.51.4.1.2.3."""
    for name, rows in OF_SOME_PATIENTS.items():
        for asked in rows:
            assert record.found(query, (name, *asked.slots)) == asked.finds


def test_parameters_are_joined_by_and(record):
    """ITI TF-2: 3.18.4.1.2.3.5; each of these finds A, and more."""
    found = record.found(
        "FindDocuments",
        ("$XDSDocumentEntryAuthorPerson", "('%Weber%')"),
        ("$XDSDocumentEntryEventCodeList", "('eventX^^2.999.1','eventY^^2.999.1')"),
        ("$XDSDocumentEntryCreationTimeFrom", "2021"),
        ("$XDSDocumentEntryCreationTimeTo", "2023"),
    )
    assert found == "A"


def test_no_creation_time_keeps_an_on_demand_document_out(record):
    """ITI TF-2: 3.18.4.1.2.3.7.1; it is made when it is retrieved."""
    types = ("$XDSDocumentEntryType", f"('{STABLE}','{ON_DEMAND}')")
    assert record.found("FindDocuments", types, ("$XDSDocumentEntryCreationTimeFrom", "2023")) == "C E"
    assert record.found("FindDocuments", types, ("$XDSDocumentEntryCreationTimeTo", "2022")) == "A E"


REFERENCE_IDS = {
    "$XDSDocumentEntryReferenceIdList": [
        ask("('77^^^&2.999.4&ISO^urn:ihe:iti:xds:2013:accession')", finds="A"),
        ask(f"('{WORKFLOW}')", finds="A B C"),
        ask(
            f"('{WORKFLOW}')",
            "('8^^^^urn:ihe:iti:xds:2013:order','9^^^^urn:ihe:iti:xds:2013:order')",
            finds="A C",
        ),
        ask(
            "('8^^^^urn:ihe:iti:xds:2013:order')",
            "('77^^^&2.999.4&ISO^urn:ihe:iti:xds:2013:accession')",
            finds="A",
        ),
        ask("('8^^^^urn:ihe:iti:xds:2013:order')", "('9^^^^urn:ihe:iti:xds:2013:order')", finds=""),
        ask("('8^^^^urn:ihe:iti:xds:2013')", finds=""),
    ],
}


@pytest.mark.parametrize(
    "query", ["FindDocumentsByReferenceId", "FindDocumentsByReferenceIdForMultiplePatients"]
)
def test_a_reference_id_finds_the_documents_that_bear_it(record, query):
    """ITI TF-2: 3.18.4.1.2.3.7.14."""
    for name, rows in REFERENCE_IDS.items():
        for asked in rows:
            assert (asked.slots, record.found(query, *((name, one) for one in asked.slots))) == asked


def test_a_reference_id_may_be_a_pattern(record):
    """ITI TF-2: 3.18.4.1.2.3.7.14, footnote; docs/divergences.md."""
    query, name = "FindDocumentsByReferenceId", "$XDSDocumentEntryReferenceIdList"
    assert record.found(query, (name, "('77^%')")) == "A B"
    assert record.found(query, (name, "('_^%order')")) == "A C"
    # Among all patients nothing is tried but the text itself.
    several = "FindDocumentsByReferenceIdForMultiplePatients"
    assert record.found(several, (name, "('77^%')")) == ""


TITLES = {
    "$XDSDocumentEntryTitle": [
        ask("('lung')", finds="C"),
        ask("('Lung%')", finds="A"),
        ask("('%Lunge')", finds="A"),
        ask("('%lung')", finds="B C"),
        ask("('lung','100 _ lung')", finds="B C"),
    ],
    "$XDSDocumentEntryAuthorInstitution": [
        ask("('Clinic A%')", finds="A C"),
        ask("('Clinic _')", finds="B"),
        ask("('Ward_1')", finds="B C"),
        ask("('clinic%')", finds=""),
    ],
}


@pytest.mark.parametrize("parameter", TITLES)
def test_find_documents_by_title_compares_titles_and_institutions(record, parameter):
    """FindDocumentsByTitle of gematik: as ITI TF-2: 3.18.4.1.2.3.7.1."""
    for asked in TITLES[parameter]:
        found = record.found("FindDocumentsByTitle", *((parameter, one) for one in asked.slots))
        assert (asked.slots, found) == asked


def without_code(attribute: str) -> list[Asked]:
    return [
        ask(f"('{attribute}X^^2.999.1')", finds="B C"),
        ask(f"('{attribute}X^^2.999.1','{attribute}Y^^2.999.1')", finds="B"),
        ask(f"('{attribute}X^^2.999.9')", finds="A B C"),
    ]


EXCLUDED = {
    "$XDSDocumentEntryClassCodeExclude": without_code("classCode"),
    "$XDSDocumentEntryTypeCodeExclude": without_code("typeCode"),
    "$XDSDocumentEntryPracticeSettingCodeExclude": without_code("practiceSettingCode"),
    "$XDSDocumentEntryHealthcareFacilityTypeCodeExclude": without_code("healthcareFacilityTypeCode"),
    "$XDSDocumentEntryFormatCodeExclude": without_code("formatCode"),
    "$XDSDocumentEntryEventCodeListExclude": [
        ask("('eventY^^2.999.1')", finds="C"),
        ask("('eventX^^2.999.1','eventZ^^2.999.1')", finds="B"),
    ],
    "$XDSDocumentEntryConfidentialityCodeExclude": [
        ask("('levelY^^2.999.1')", finds="C"),
        ask("('levelX^^2.999.1','levelZ^^2.999.1')", finds="B"),
    ],
    "$XDSDocumentEntryAuthorPersonExclude": [
        ask("('%Weber%')", finds="B"),
        ask("('%Zoé','%O''Brien%')", finds="A"),
    ],
    "$XDSDocumentEntryTypeExclude": [
        ask(f"('{STABLE}')", finds="E"),
        ask(f"('{ON_DEMAND}')", finds="A B C"),
    ],
    "$XDSDocumentEntryReferenceIdListExclude": [
        ask("('77^%')", finds="C"),
        ask(f"('{WORKFLOW}')", finds=""),
    ],
}


@pytest.mark.parametrize("parameter", EXCLUDED)
def test_find_documents_exclude_leaves_out_what_has_an_excluded_value(record, parameter):
    """FindDocumentsExclude of CP-ITI-1323: as ITI TF-2: 3.18.4.1.2.3.7.1."""
    for asked in EXCLUDED[parameter]:
        found = record.found("FindDocumentsExclude", *((parameter, one) for one in asked.slots))
        assert (asked.slots, found) == asked


@pytest.mark.parametrize("query", QUERIES)
def test_elements_are_as_many_as_references(record, query):
    """ITI TF-2: 3.18.4.1.2.4; LeafClass has each object whole, and ObjectRef its id."""
    whole, ids = (record.ask(query, return_type=one) for one in ("LeafClass", "ObjectRef"))
    assert record.names.of(whole) == record.names.of(ids) == ["A", "B", "C"]
    assert (len(whole.found("ExtrinsicObject")), len(whole.found("ObjectRef"))) == (3, 0)
    assert (len(ids.found("ExtrinsicObject")), len(ids.found("ObjectRef"))) == (0, 3)


def test_the_home_of_a_query_is_passed_over(record):
    """ITI TF-2: 3.18.4.1.2.3.8; homeCommunityId is an initiating gateway's concern."""
    query = requests.find_documents(record.patients["PATIENT1"])
    at_home = query.replace("<rim:AdhocQuery id=", '<rim:AdhocQuery home="urn:oid:2.999.404" id=')
    answer = record.platform.query(at_home)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert record.names.of(answer) == ["A", "B", "C"]
