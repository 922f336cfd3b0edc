"""Stored queries that ask wrongly: each in real bytes, with every error that comes back."""

import pytest

from tests.messages.requests import (
    APPROVED,
    FAILURE,
    FIND_DOCUMENTS,
    GET_DOCUMENTS,
    GET_SUBMISSION_SET_AND_CONTENTS,
    SUCCESS,
    find_documents,
    fresh_patient_id,
    stored_query,
    submission,
)
from tests.services.platform import OPEN_DOMAIN

PATIENT = ("$XDSDocumentEntryPatientId", "'P1^^^&2.999.5&ISO'")
STATUS = ("$XDSDocumentEntryStatus", f"('{APPROVED}')")
CLASS_CODE = "$XDSDocumentEntryClassCode"
FROM = "$XDSDocumentEntryCreationTimeFrom"
UUID = "urn:uuid:00000000-0000-4000-8000-000000000404"
ENTRY_UUID = "$XDSDocumentEntryEntryUUID"
UNIQUE_ID = "$XDSDocumentEntryUniqueId"


def find(*slots):
    return stored_query(FIND_DOCUMENTS, *slots)


def without_query(body):
    begin, end = body.index("<rim:AdhocQuery"), body.index("</query:AdhocQueryRequest>")
    return body[:begin] + body[end:]


def with_class_code(*values):
    return find(PATIENT, STATUS, (CLASS_CODE, *values))


BAD = {
    "unknown query id": (
        stored_query("urn:uuid:00000000-0000-4000-8000-000000000404", PATIENT, STATUS),
        [
            (
                "XDSUnknownStoredQuery",
                "the query id 'urn:uuid:00000000-0000-4000-8000-000000000404' is unknown, expected one of"
                " ITI-18",
            ),
        ],
    ),
    "query id that is no UUID": (
        stored_query("FindDocuments", PATIENT, STATUS),
        [
            ("XDSUnknownStoredQuery", "the query id 'FindDocuments' is unknown, expected one of ITI-18"),
        ],
    ),
    "query of ITI-51": (
        stored_query("urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f", PATIENT, STATUS),
        [
            (
                "XDSUnknownStoredQuery",
                "the query id 'urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f' is unknown, expected one of"
                " ITI-18",
            ),
        ],
    ),
    "no patient": (
        find(STATUS),
        [
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryPatientId is missing, expected a value (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "no status": (
        find(PATIENT),
        [
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryStatus is missing, expected a value (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "nothing at all": (
        find(),
        [
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryPatientId is missing, expected a value (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryStatus is missing, expected a value (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "patient without a value": (
        find(("$XDSDocumentEntryPatientId",), STATUS),
        [
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryPatientId is missing, expected a value (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "only unknown statuses": (
        find(
            PATIENT,
            ("$XDSDocumentEntryStatus", "('urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Approved')"),
        ),
        [
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryStatus names no known status, expected "
                "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved or "
                "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "list for a single value": (
        find(("$XDSDocumentEntryPatientId", "('P1^^^&2.999.5&ISO')"), STATUS),
        [
            (
                "XDSStoredQueryParamNumber",
                "FindDocuments: $XDSDocumentEntryPatientId '('P1^^^&2.999.5&ISO')' is a list, expected "
                "one value (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "two values for a single one": (
        find((*PATIENT, "'P2^^^&2.999.5&ISO'"), STATUS),
        [
            (
                "XDSStoredQueryParamNumber",
                "FindDocuments: $XDSDocumentEntryPatientId has 2 values, expected one (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "one parameter in two Slots": (
        find(PATIENT, STATUS, (FROM, "2024"), (FROM, "2025")),
        [
            (
                "XDSStoredQueryParamNumber",
                "FindDocuments: $XDSDocumentEntryCreationTimeFrom is given in 2 Slots, expected at most 1"
                " (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "AND where there is none": (
        find(PATIENT, STATUS, (CLASS_CODE, "('A^^2.999.1')"), (CLASS_CODE, "('B^^2.999.1')")),
        [
            (
                "XDSStoredQueryParamNumber",
                "FindDocuments: $XDSDocumentEntryClassCode is given in 2 Slots, expected at most 1 (ITI "
                "TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "patient without apostrophes": (
        find(("$XDSDocumentEntryPatientId", "P1^^^&2.999.5&ISO"), STATUS),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryPatientId P1^^^&2.999.5&ISO is not in apostrophes, "
                "expected 'P1^^^&2.999.5&ISO' (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "patient without authority": (
        find(("$XDSDocumentEntryPatientId", "'P1'"), STATUS),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryPatientId 'P1' names no assigning authority in component"
                " 4, expected id^^^&OID&ISO (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "apostrophe that is not doubled": (
        find(PATIENT, STATUS, ("$XDSDocumentEntryAuthorPerson", "('O'Brien')")),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryAuthorPerson '('O'Brien')' has more behind a value, "
                "expected a comma or the end (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "no closing apostrophe": (
        with_class_code("('A^^2.999.1)"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode '('A^^2.999.1)' is spelled wrong, expected a "
                "number, or text in apostrophes that are doubled within (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "no parentheses": (
        with_class_code("'A^^2.999.1'"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode ''A^^2.999.1'' is not in parentheses, expected"
                " a list in parentheses (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "no closing parenthesis": (
        with_class_code("('A^^2.999.1'"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode '('A^^2.999.1'' is a list without its closing "
                "parenthesis (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "no comma": (
        with_class_code("('A^^2.999.1' 'B^^2.999.1')"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode '('A^^2.999.1' 'B^^2.999.1')' has more behind "
                "a value, expected a comma or the end (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "code without scheme": (
        with_class_code("('A')"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode 'A' is not a code with its scheme, expected "
                "code^^scheme (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "code with an empty scheme": (
        with_class_code("('A^^')"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode 'A^^' is not a code with its scheme, expected "
                "code^^scheme (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "code with a display name": (
        with_class_code("('A^Alpha^2.999.1')"),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode 'A^Alpha^2.999.1' is not a code with its "
                "scheme, expected code^^scheme (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "time that is none": (
        find(PATIENT, STATUS, (FROM, "yesterday")),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryCreationTimeFrom 'yesterday' is not a time, expected "
                "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "time of 30 February": (
        find(PATIENT, STATUS, (FROM, "20240230")),
        [
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryCreationTimeFrom '20240230' is not a day of the "
                "calendar, expected a day that 2024-02 has (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "unknown returnType": (
        stored_query(FIND_DOCUMENTS, PATIENT, STATUS, return_type="RegistryObject"),
        [
            ("XDSRegistryError", "returnType is 'RegistryObject', expected LeafClass or ObjectRef"),
        ],
    ),
    "content with the query": (
        stored_query(FIND_DOCUMENTS, PATIENT, STATUS, return_type="LeafClassWithRepositoryItem"),
        [
            (
                "XDSRegistryError",
                "returnType is 'LeafClassWithRepositoryItem', expected LeafClass or ObjectRef",
            ),
        ],
    ),
    "neither of two": (
        stored_query(GET_DOCUMENTS),
        [
            (
                "XDSStoredQueryMissingParam",
                "GetDocuments: $XDSDocumentEntryEntryUUID or $XDSDocumentEntryUniqueId or "
                "$XDSDocumentEntryLogicalID is missing, expected one (ITI TF-2: 3.18.4.1.2.3.7.5)",
            ),
        ],
    ),
    "both of two": (
        stored_query(GET_DOCUMENTS, (ENTRY_UUID, f"('{UUID}')"), (UNIQUE_ID, "('2.999.1')")),
        [
            (
                "XDSStoredQueryParamNumber",
                "GetDocuments: $XDSDocumentEntryEntryUUID and $XDSDocumentEntryUniqueId are given, "
                "expected one (ITI TF-2: 3.18.4.1.2.3.7.5)",
            ),
        ],
    ),
    "entryUUID that is none": (
        stored_query(GET_DOCUMENTS, (ENTRY_UUID, "('Document1')")),
        [
            (
                "XDSRegistryError",
                "GetDocuments: $XDSDocumentEntryEntryUUID 'Document1' is not a UUID, expected urn:uuid: "
                "and 8-4-4-4-12 hexadecimal digits in lower case (ITI TF-2: 3.18.4.1.2.3.7.5)",
            ),
        ],
    ),
    "list of SubmissionSets": (
        stored_query(GET_SUBMISSION_SET_AND_CONTENTS, ("$XDSSubmissionSetUniqueId", "('2.999.1')")),
        [
            (
                "XDSStoredQueryParamNumber",
                "GetSubmissionSetAndContents: $XDSSubmissionSetUniqueId '('2.999.1')' is a list, expected"
                " one value (ITI TF-2: 3.18.4.1.2.3.7.10)",
            ),
        ],
    ),
    "neither id of the SubmissionSet": (
        stored_query(GET_SUBMISSION_SET_AND_CONTENTS),
        [
            (
                "XDSStoredQueryMissingParam",
                "GetSubmissionSetAndContents: $XDSSubmissionSetEntryUUID or $XDSSubmissionSetUniqueId is "
                "missing, expected one (ITI TF-2: 3.18.4.1.2.3.7.10)",
            ),
        ],
    ),
    "several at once": (
        stored_query(
            FIND_DOCUMENTS,
            (FROM, "2024", "2025"),
            (CLASS_CODE, "('A')"),
            STATUS,
            ("$XDSDocumentEntryFormatCode", "'x'"),
            return_type="RegistryObject",
        ),
        [
            ("XDSRegistryError", "returnType is 'RegistryObject', expected LeafClass or ObjectRef"),
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryClassCode 'A' is not a code with its scheme, expected "
                "code^^scheme (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
            (
                "XDSStoredQueryParamNumber",
                "FindDocuments: $XDSDocumentEntryCreationTimeFrom has 2 values, expected one (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
            (
                "XDSRegistryError",
                "FindDocuments: $XDSDocumentEntryFormatCode ''x'' is not in parentheses, expected a list "
                "in parentheses (ITI TF-2: 3.18.4.1.2.3.7.1)",
            ),
            (
                "XDSStoredQueryMissingParam",
                "FindDocuments: $XDSDocumentEntryPatientId is missing, expected a value (ITI TF-2: "
                "3.18.4.1.2.3.7.1)",
            ),
        ],
    ),
    "value of 259 characters": (
        with_class_code(f"('{'A' * 240}^^2.999.1234567')"),
        [
            ("XDSRegistryError", "rim:Value is 259 characters long, at most 256 are allowed"),
        ],
    ),
    "no AdhocQuery": (
        without_query(find(PATIENT, STATUS)),
        [
            ("XDSRegistryError", "query:AdhocQueryRequest is not complete, next is expected rim:AdhocQuery"),
        ],
    ),
    "two AdhocQueries": (
        find(PATIENT, STATUS).replace(
            "</query:AdhocQueryRequest>", '<rim:AdhocQuery id="x"/></query:AdhocQueryRequest>'
        ),
        [
            ("XDSRegistryError", "rim:AdhocQuery does not belong here"),
        ],
    ),
    "AdhocQuery without id": (
        find(PATIENT, STATUS).replace(f' id="{FIND_DOCUMENTS}"', ""),
        [
            ("XDSRegistryError", "rim:AdhocQuery needs the attribute id"),
        ],
    ),
    "Slot without a name": (
        find(PATIENT, STATUS).replace(' name="$XDSDocumentEntryStatus"', ""),
        [
            ("XDSRegistryError", "rim:Slot needs the attribute name"),
        ],
    ),
}


@pytest.mark.parametrize(("body", "errors"), BAD.values(), ids=BAD.keys())
def test_a_query_that_asks_wrongly_is_refused(platform, body, errors):
    """ITI TF-2: 3.18.4.1.2, 3.18.4.1.3; with all of its errors, and an empty list of objects."""
    answer = platform.query(body)
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    assert answer.errors == errors
    assert all(answer.locations)
    assert [len(one) for one in answer.found("RegistryObjectList")] == [0]


PASSED_OVER = {
    "unknown parameter": (("$XDSDocumentEntryColour", "('red')"),),
    "parameter of another query": (("$XDSFolderStatus", f"('{APPROVED}')"),),
    "empty parameter": ((CLASS_CODE, "()"),),
    "unknown status beside a known one": (),
    "time in apostrophes": ((FROM, "'2000'"),),
    "quotation marks": ((CLASS_CODE, '("REPORT^^2.999.1")'),),
    "blanks around values": ((CLASS_CODE, " ( 'REPORT^^2.999.1' , 'OTHER^^2.999.1' ) "),),
    "one list in two values": ((CLASS_CODE, "('OTHER^^2.999.1')", "('REPORT^^2.999.1')"),),
}


@pytest.mark.parametrize("slots", PASSED_OVER.values(), ids=PASSED_OVER.keys())
def test_what_can_be_understood_is_answered(platform, slots):
    """ITI TF-2: 3.18.4.1.2.3.5; ebRS 3.0: 6.3.2.1."""
    sent = submission(platform.add_patient())
    assert platform.provide(sent, b"text").status_urn == SUCCESS
    body = find_documents(sent.patient_id, *slots, status=f"{APPROVED}','urn:example:Lost")
    answer = platform.query(body)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert len(answer.found("ExtrinsicObject")) == 1


def test_a_list_may_be_longer_than_its_schema_allows_where_the_domain_tolerates_it(platform, fresh_platform):
    """ebRIM 3.0, LongName; ITI TF-2: 3.18.4.1.2.3.5."""
    codes = ",".join(f"'CODE{number}^^2.999.1'" for number in range(40))
    query = find_documents(fresh_patient_id(), (CLASS_CODE, f"({codes})"))
    context = "rim:Value is 711 characters long, at most 256 are allowed"
    assert platform.query(query).errors == [("XDSRegistryError", context)]
    tolerant = fresh_platform(
        toml=OPEN_DOMAIN.replace("[domain]", '[domain]\ntolerate = ["long-query-values"]')
    )
    answer = tolerant.query(query)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])


def test_nothing_found_is_a_success(platform):
    """ITI TF-2: 3.18.4.1.2.6; nor is it said whether the patient is known."""
    known, unknown = platform.add_patient(), fresh_patient_id()
    answers = [platform.query(find_documents(one)) for one in (known, unknown)]
    assert [(one.status_urn, one.errors) for one in answers] == [(SUCCESS, [])] * 2
    assert [len(one) for answer in answers for one in answer.found("RegistryObjectList")] == [0, 0]


def test_too_many_results_are_refused_and_their_references_are_not(fresh_platform, migrated_database_url):
    """ITI TF-2: 3.18.4.1.2.4, XDSTooManyResults; a consumer then asks for references."""
    toml = OPEN_DOMAIN + "\n[limits]\nmax_results = 2\n"
    platform = fresh_platform(toml=toml, database_url=migrated_database_url)
    sent = submission(platform.add_patient(), 3)
    assert platform.provide(sent, b"1", b"2", b"3").status_urn == SUCCESS
    answer = platform.query(find_documents(sent.patient_id))
    assert (answer.status_urn, answer.errors) == (
        FAILURE,
        [("XDSTooManyResults", "more than 2 objects match")],
    )
    answer = platform.query(find_documents(sent.patient_id, return_type="ObjectRef"))
    assert len(answer.found("ObjectRef")) == 3


def test_documents_of_two_patients_are_not_told_together(platform):
    """ITI TF-2: 3.18.4.1.2.3.7.5, XDSResultNotSinglePatient; references are."""
    sent = [submission(platform.add_patient()) for _ in range(2)]
    for one in sent:
        assert platform.provide(one, b"text").status_urn == SUCCESS
    slots = (UNIQUE_ID, "({})".format(",".join(f"'{one.unique_id}'" for one in sent)))
    answer = platform.query(stored_query(GET_DOCUMENTS, slots))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSResultNotSinglePatient"])
    assert answer.found("ExtrinsicObject") == []
    answer = platform.query(stored_query(GET_DOCUMENTS, slots, return_type="ObjectRef"))
    assert len(answer.found("ObjectRef")) == 2
