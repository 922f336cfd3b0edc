"""FindDocuments in SQL against the same rules in Python (ITI TF-2: 3.18.4.1.2.3.4 to 3.18.4.1.2.3.7.1)."""

import re
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebxml.model import Author
from hl7v2.datatypes import CX, DTM, XCN
from ihe import stored_queries as q
from registry.patients import add_patient
from tests.messages.registry_objects import APPROVED, ON_DEMAND, STABLE, code, document_entry, submission

pytestmark = pytest.mark.anyio

# Few values, so that they meet; times of every precision; texts that a pattern could mistake for its own.
PAIRS = [(text, scheme) for text in ("A", "a", "B") for scheme in ("1", "2")]
TIMES = ["2023", "202401", "20240101", "2024010100", "20240101000001", "2025"]
PERSONS = ["1^Smith^John", "1^smith^John", "50%^Smi_th", "back\\slash", "[a]*?", "^É€"]
PATTERNS = ["%", "_^Smith%", "%smith%", "50%%", "%\\slash", "[a]*?", "^_€", "%Smi_th", "", "1^Smith^John"]
OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"
ONLINE = "urn:ihe:iti:2010:DocumentAvailability:Online"
CODED = {
    "class_code": "ClassCode",
    "type_code": "TypeCode",
    "format_code": "FormatCode",
    "practice_setting_code": "PracticeSettingCode",
    "healthcare_facility_type_code": "HealthcareFacilityTypeCode",
}
MANY_CODED = {"event_code_list": "EventCodeList", "confidentiality_code": "ConfidentialityCode"}
TIMED = {
    "creation_time": "CreationTime",
    "service_start_time": "ServiceStartTime",
    "service_stop_time": "ServiceStopTime",
}

codes = st.sampled_from(PAIRS).map(lambda pair: code(*pair))
times = st.sampled_from(TIMES).map(DTM)
authors = st.lists(
    st.sampled_from(PERSONS).map(lambda person: Author(person=XCN(person)))
    | st.just(Author(institution=("Hospital",))),
    max_size=3,
).map(tuple)
entries = st.fixed_dictionaries(
    {
        **dict.fromkeys(CODED, codes),
        **{field: st.lists(codes, max_size=3).map(tuple) for field in MANY_CODED},
        **{field: st.none() | times for field in TIMED},
        "author": authors,
        "object_type": st.sampled_from([STABLE, STABLE, ON_DEMAND]),
        "document_availability": st.sampled_from([None, ONLINE, OFFLINE]),
    }
)
pairs = st.lists(st.sampled_from([*PAIRS, ("never", "seen")]), min_size=1, max_size=3)
moments = st.sampled_from(TIMES).map(lambda text: DTM(text).lower_bound)
questions = st.fixed_dictionaries(
    {},
    optional={
        **{f"XDSDocumentEntry{name}": pairs for name in CODED.values()},
        **{
            f"XDSDocumentEntry{name}": st.lists(pairs, min_size=1, max_size=2) for name in MANY_CODED.values()
        },
        **{f"XDSDocumentEntry{name}{edge}": moments for name in TIMED.values() for edge in ("From", "To")},
        "XDSDocumentEntryAuthorPerson": st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
        "XDSDocumentEntryType": st.lists(st.sampled_from([STABLE, ON_DEMAND]), min_size=1, max_size=2),
        "XDSDocumentEntryDocumentAvailability": st.lists(st.sampled_from([ONLINE, OFFLINE]), min_size=1),
    },
)
_patients = count(1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries, min_size=1, max_size=6), st.lists(questions, min_size=1, max_size=6))
async def test_sql_finds_what_the_rules_find(registry, described, asked):
    patient_id = CX(f"p{next(_patients)}^^^&2.999.3.1&ISO")
    await add_patient(patient_id, registry.store, registry.clock)
    documents = [
        document_entry(registry.new_uuid(), patient_id=patient_id, **attributes) for attributes in described
    ]
    await registry.register(submission(*documents, patient_id=patient_id))
    for question in asked:
        found = await registry.found(
            q.FIND_DOCUMENTS,
            XDSDocumentEntryPatientId=patient_id,
            XDSDocumentEntryStatus=[APPROVED],
            **question,
        )
        assert found == sorted(each.entry_uuid for each in documents if fits(each, question))


def fits(entry, question):
    return all(
        fits_one(entry, name.removeprefix("XDSDocumentEntry"), value) for name, value in question.items()
    ) and ("XDSDocumentEntryType" in question or entry.object_type == STABLE)


def fits_one(entry, name, wanted):
    for field, attribute in CODED.items():
        if name == attribute:
            held = getattr(entry, field)
            return (held.code, held.scheme) in wanted
    for field, attribute in MANY_CODED.items():
        if name == attribute:
            held_pairs = {(held.code, held.scheme) for held in getattr(entry, field)}
            return all(held_pairs & set(either) for either in wanted)
    for field, attribute in TIMED.items():
        if name.startswith(attribute):
            held = getattr(entry, field)
            if held is None:
                return True
            padded = int(held + "00000101000000"[len(held) :])
            return padded >= wanted if name.endswith("From") else padded < wanted
    if name == "AuthorPerson":
        persons = [author.person for author in entry.author if author.person]
        return any(like(person, pattern) for person in persons for pattern in wanted)
    if name == "Type":
        return entry.object_type in wanted
    return (entry.document_availability or ONLINE) in wanted


def like(text: str, pattern: str) -> bool:
    wild = {"%": ".*", "_": "."}
    return (
        re.fullmatch("".join(wild.get(each, re.escape(each)) for each in pattern), text, re.DOTALL)
        is not None
    )
