from typing import Any

import pytest

from ebxml.check_query import criteria_of
from ebxml.model import StoredQueryRequest
from ebxml.refused import Refused
from tests.messages.queries import APPROVED, PATIENT, find_documents, get_documents, stored_query

ENTRY = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"
FOLDERS_OF_PATIENTS = "urn:uuid:50d3f5ac-39a2-11de-a1ca-b366239e58df"
DOCUMENTS_OF_PATIENTS = "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f"
FIND = "FindDocuments: $XDSDocumentEntry"
SECTION = "(ITI TF-2: 3.18.4.1.2.3.7.1)"
STATUS = "urn:oasis:names:tc:ebxml-regrep:StatusType:"


def values(request: StoredQueryRequest, multi_patient: bool = False) -> dict[str, Any]:
    """The decoded parameters, names without $XDSDocumentEntry."""
    decoded = criteria_of(request, multi_patient).values
    return {name.removeprefix("$XDSDocumentEntry"): lists for name, lists in decoded.items()}


def errors(request: StoredQueryRequest, multi_patient: bool = False) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        criteria_of(request, multi_patient)
    return [(error.code, error.context) for error in refused.value.errors]


def codes(request: StoredQueryRequest, multi_patient: bool = False) -> list[str]:
    return [code for code, _ in errors(request, multi_patient)]


def test_a_query_is_decoded_whole():
    """ITI TF-2: 3.18.4.1.2.3."""
    request = find_documents(
        ("EventCodeList", "('c^^2.999.2')"),
        ClassCode=["('a^^2.999.1','b^^2.999.1')", "('c^^2.999.1')"],
        EventCodeList="('a^^2.999.2','b^^2.999.2')",
        CreationTimeFrom="2024",
        CreationTimeTo="'20240229'",
        AuthorPerson="('%Author%')",
        Type=f"('urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1','{ENTRY}')",
    )
    criteria = criteria_of(request)
    assert criteria.query.name == "FindDocuments"
    assert criteria.leaf_class
    assert values(request) == {
        "PatientId": (("P1^^^&2.999.3&ISO",),),
        "Status": ((f"{STATUS}Approved",),),
        "ClassCode": ((("a", "2.999.1"), ("b", "2.999.1"), ("c", "2.999.1")),),
        "EventCodeList": ((("a", "2.999.2"), ("b", "2.999.2")), (("c", "2.999.2"),)),
        "CreationTimeFrom": ((20240101000000,),),
        "CreationTimeTo": ((20240229000000,),),
        "AuthorPerson": (("%Author%",),),
        "Type": (("urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", ENTRY),),
    }


def test_references_may_be_asked_for():
    """ITI TF-2: 3.18.4.1.2.4."""
    assert not criteria_of(find_documents(return_type="ObjectRef")).leaf_class


@pytest.mark.parametrize("return_type", ["RegistryObject", "LeafClassWithRepositoryItem", ""])
def test_other_return_types_are_refused(return_type):
    """ITI TF-2: 3.18.4.1.2.4; the first is the schema's default."""
    assert errors(find_documents(return_type=return_type)) == [
        ("XDSRegistryError", f"returnType is '{return_type}', expected LeafClass or ObjectRef")
    ]


@pytest.mark.parametrize(
    ("query_id", "multi_patient", "transaction"),
    [
        ("urn:uuid:00000000-0000-4000-8000-000000000000", False, "ITI-18"),
        ("", False, "ITI-18"),
        ("urn:uuid:14D4DEBF-8F97-4251-9A74-A90016B0AF0D", False, "ITI-18"),
        (DOCUMENTS_OF_PATIENTS, False, "ITI-18"),
        ("urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d", True, "ITI-51"),
    ],
)
def test_an_unknown_query_is_refused(query_id, multi_patient, transaction):
    """ITI TF-2: 3.18.4.1.3; the queries of ITI-18 and ITI-51 do not know each other."""
    request = stored_query(query_id, [("$x", "whatever")], return_type="RegistryObject")
    assert errors(request, multi_patient) == [
        ("XDSUnknownStoredQuery", f"the query id '{query_id}' is unknown, expected one of {transaction}"),
        ("XDSRegistryError", "returnType is 'RegistryObject', expected LeafClass or ObjectRef"),
    ]


@pytest.mark.parametrize(
    "absent", [None, (), "()", "", " "], ids=["no Slot", "no Value", "no element", "empty", "blank"]
)
def test_a_required_parameter_is_missed(absent):
    """ITI TF-2: 3.18.4.1.2.3.7.1."""
    assert errors(find_documents(Status=absent)) == [
        ("XDSStoredQueryMissingParam", f"{FIND}Status is missing, expected a value {SECTION}")
    ]


@pytest.mark.parametrize("absent", [(), "()", ""])
def test_an_optional_parameter_without_values_is_absent(absent):
    """ITI TF-2: 3.18.4.1.2.3.5."""
    assert "ClassCode" not in values(find_documents(ClassCode=absent))


def test_a_status_that_nobody_knows_is_passed_over():
    """ITI TF-2: 3.18.4.1.2.3.6."""
    request = find_documents(Status=f"('{STATUS}Submitted','{STATUS}Deprecated')")
    assert values(request)["Status"] == ((f"{STATUS}Deprecated",),)


@pytest.mark.parametrize(
    "status",
    ["Approved", f"{STATUS}approved", "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Approved"],
)
def test_a_query_of_unknown_statuses_only_has_none(status):
    """ITI TF-2: 3.18.4.1.2.3.6; the last stands in an example of the standard."""
    assert errors(find_documents(Status=f"('{status}')")) == [
        (
            "XDSStoredQueryMissingParam",
            f"{FIND}Status names no known status, expected {STATUS}Approved or {STATUS}Deprecated {SECTION}",
        )
    ]


@pytest.mark.parametrize(
    ("parameters", "code", "problem"),
    [
        ({"PatientId": f"({PATIENT})"}, "XDSStoredQueryParamNumber",
         "PatientId '('P1^^^&2.999.3&ISO')' is a list, expected one value"),
        ({"PatientId": f"{PATIENT},{PATIENT}"}, "XDSStoredQueryParamNumber",
         "PatientId ''P1^^^&2.999.3&ISO','P1^^^&2.999.3&ISO'' is a list, expected one value"),
        ({"CreationTimeTo": ["2024", "2025"]}, "XDSStoredQueryParamNumber",
         "CreationTimeTo has 2 values, expected one"),
        ({"CreationTimeTo": "(2024,2025)"}, "XDSStoredQueryParamNumber",
         "CreationTimeTo '(2024,2025)' is a list, expected one value"),
        ({"Status": APPROVED.strip("()")}, "XDSRegistryError",
         f"Status ''{STATUS}Approved'' is not in parentheses, expected a list in parentheses"),
        ({"PatientId": "P1^^^&2.999.3&ISO"}, "XDSRegistryError",
         "PatientId P1^^^&2.999.3&ISO is not in apostrophes, expected 'P1^^^&2.999.3&ISO'"),
        ({"ClassCode": "(a^^2.999.1)"}, "XDSRegistryError",
         "ClassCode a^^2.999.1 is not in apostrophes, expected 'a^^2.999.1'"),
        ({"PatientId": "'P1"}, "XDSRegistryError",
         "PatientId ''P1' is spelled wrong, expected a number, "
         "or text in apostrophes that are doubled within"),
        ({"PatientId": "'P1'"}, "XDSRegistryError",
         "PatientId 'P1' names no assigning authority in component 4, expected id^^^&OID&ISO"),
        ({"ClassCode": "('a')"}, "XDSRegistryError",
         "ClassCode 'a' is not a code with its scheme, expected code^^scheme"),
        ({"ClassCode": "('a^^')"}, "XDSRegistryError",
         "ClassCode 'a^^' is not a code with its scheme, expected code^^scheme"),
        ({"ClassCode": "('^^2.999.1')"}, "XDSRegistryError",
         "ClassCode '^^2.999.1' is not a code with its scheme, expected code^^scheme"),
        ({"ClassCode": "('a^name^2.999.1')"}, "XDSRegistryError",
         "ClassCode 'a^name^2.999.1' is not a code with its scheme, expected code^^scheme"),
        ({"CreationTimeFrom": "2024-01-01"}, "XDSRegistryError",
         "CreationTimeFrom '2024-01-01' is not a time, expected YYYY[MM[DD[hh[mm[ss]]]]] in UTC, "
         "digits only"),
        ({"AuthorPerson": f"('{'%' * 257}')"}, "XDSRegistryError",
         f"AuthorPerson '{'%' * 100}...' has 257 characters, expected at most 256"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named_once_with_what_was_expected(parameters, code, problem):
    """ITI TF-2: 3.18.4.1.2.3.5, 3.18.4.1.3."""
    assert errors(find_documents(**parameters)) == [(code, f"{FIND}{problem} {SECTION}")]


def test_a_slot_is_repeated_only_where_lists_are_anded():
    """ITI TF-2: 3.18.4.1.2.3.5."""
    assert errors(find_documents(("ClassCode", "('b^^1')"), ClassCode="('a^^1')")) == [
        ("XDSStoredQueryParamNumber", f"{FIND}ClassCode is given in 2 Slots, expected at most 1 {SECTION}")
    ]
    anded = find_documents(("ConfidentialityCode", "('b^^1')"), ConfidentialityCode="('a^^1')")
    assert values(anded)["ConfidentialityCode"] == ((("a", "1"),), (("b", "1"),))


def test_the_number_of_lists_has_a_limit():
    """Every list is one more condition for the store."""
    repeated = [("EventCodeList", "('b^^1')")] * 32
    assert len(values(find_documents(*repeated))["EventCodeList"]) == 32
    assert errors(find_documents(*repeated, EventCodeList="('a^^1')")) == [
        (
            "XDSStoredQueryParamNumber",
            f"{FIND}EventCodeList is given in 33 Slots, expected at most 32 {SECTION}",
        )
    ]


def test_the_number_of_values_has_a_limit():
    """A slice of a large result fits; what no consumer needs does not."""
    assert len(values(get_documents(UniqueId=["('a')"] * 10_000))["UniqueId"][0]) == 10_000
    ((code, context),) = errors(get_documents(UniqueId=["('a')"] * 10_001))
    assert code == "XDSRegistryError"
    assert "has 10001 values, expected at most 10000" in context


def test_unknown_parameters_are_passed_over():
    """ebRS 3.0: 6.3.2.1; obsolete ...Scheme parameters among them, as often as they come."""
    request = find_documents(("ClassCodeScheme", "('x"), ("ClassCodeScheme", "')"), ClassCode="('a^^1')")
    assert values(request).keys() == {"PatientId", "Status", "ClassCode"}


def test_bare_codes_with_a_scheme_parameter_are_refused():
    """ITI TF-2: 3.18.4.1.2.3.5: the old way of XDS.a."""
    assert codes(find_documents(ClassCode="('a')", ClassCodeScheme="('2.999.1')")) == ["XDSRegistryError"]


@pytest.mark.parametrize("parameter", ["EntryUUID", "UniqueId"])
def test_one_of_the_alternatives_is_enough(parameter):
    """ITI TF-2: 3.18.4.1.2.3.7.5."""
    assert values(get_documents(**{parameter: f"('{ENTRY}')"})) == {parameter: ((ENTRY,),)}


def test_one_of_the_alternatives_must_be_given():
    """ITI TF-2: 3.18.4.1.2.3.7.5."""
    assert errors(get_documents()) == [
        (
            "XDSStoredQueryMissingParam",
            "GetDocuments: $XDSDocumentEntryEntryUUID or $XDSDocumentEntryUniqueId or "
            "$XDSDocumentEntryLogicalID is missing, expected one (ITI TF-2: 3.18.4.1.2.3.7.5)",
        )
    ]


def test_both_of_the_alternatives_are_too_many():
    """ITI TF-2: 3.18.4.1.2.3.7.5."""
    assert errors(get_documents(EntryUUID=f"('{ENTRY}')", UniqueId="('1')")) == [
        (
            "XDSStoredQueryParamNumber",
            "GetDocuments: $XDSDocumentEntryEntryUUID and $XDSDocumentEntryUniqueId are given, expected one "
            "(ITI TF-2: 3.18.4.1.2.3.7.5)",
        )
    ]


def test_an_entry_uuid_is_one():
    """ITI TF-3: 4.2.3.1.5."""
    ((code, context),) = errors(get_documents(EntryUUID=f"('{ENTRY}','Document01')"))
    assert code == "XDSRegistryError"
    assert "$XDSDocumentEntryEntryUUID 'Document01' is not a UUID" in context


def test_logical_ids_are_asked_for_among_all_versions():
    """ITI TF-2: 3.18, Metadata Update Option."""
    logical = f"('{ENTRY}')"
    assert values(get_documents(LogicalID=logical, level="2")) == {
        "LogicalID": ((ENTRY,),),
        "$MetadataLevel": (("2",),),
    }
    assert errors(get_documents(LogicalID=logical)) == [
        (
            "XDSRegistryError",
            "GetDocuments: $XDSDocumentEntryLogicalID is given, expected $MetadataLevel 2 beside it "
            "(ITI TF-2: 3.18.4.1.2.3.7.5)",
        )
    ]
    assert errors(get_documents(LogicalID=logical, level="3")) == [
        (
            "XDSRegistryError",
            "GetDocuments: $MetadataLevel '3' is unknown, expected 1 or 2 (ITI TF-2: 3.18.4.1.2.3.7.5)",
        )
    ]


def test_every_bad_parameter_is_named_not_only_the_first():
    """ITI TF-2: 3.18.4.1.3."""
    request = find_documents(
        PatientId=None, Status="()", CreationTimeTo=["2024", "2025"], ClassCode="('a','b')", TypeCode="'x"
    )
    assert codes(request) == [
        "XDSRegistryError",  # a
        "XDSRegistryError",  # b
        "XDSRegistryError",  # 'x
        "XDSStoredQueryParamNumber",
        "XDSStoredQueryMissingParam",
        "XDSStoredQueryMissingParam",
    ]


def test_the_list_of_errors_ends_somewhere():
    """An answer stays readable, whatever was sent."""
    assert len(errors(find_documents(ClassCode=["('a')"] * 5_000, return_type=""))) == 200


def test_a_query_for_many_patients_needs_something_to_narrow_it():
    """ITI TF-2: 3.51.4.1.2.3."""
    status = ("$XDSDocumentEntryStatus", APPROVED)
    none = stored_query(DOCUMENTS_OF_PATIENTS, [status, ("$XDSDocumentEntryTypeCode", "('a^^1')")])
    ((code, context),) = errors(none, multi_patient=True)
    assert code == "XDSStoredQueryMissingParam"
    assert "none of $XDSDocumentEntryPatientId, $XDSDocumentEntryClassCode" in context
    patients = ("$XDSDocumentEntryPatientId", f"({PATIENT},'P2^^^&2.999.3&ISO')")
    request = stored_query(DOCUMENTS_OF_PATIENTS, [status, patients])
    assert values(request, True)["PatientId"] == (("P1^^^&2.999.3&ISO", "P2^^^&2.999.3&ISO"),)
    folders = stored_query(FOLDERS_OF_PATIENTS, [("$XDSFolderStatus", APPROVED)])
    assert codes(folders, multi_patient=True) == ["XDSStoredQueryMissingParam"]


@pytest.mark.parametrize("name", ["ClassCode", "EventCodeList", "HealthcareFacilityTypeCode"])
def test_a_code_is_enough_to_narrow_it(name):
    """ITI TF-2: 3.51.4.1.2.3.1."""
    slots = [("$XDSDocumentEntryStatus", APPROVED), (f"$XDSDocumentEntry{name}", "('a^^1')")]
    assert values(stored_query(DOCUMENTS_OF_PATIENTS, slots), True)[name] == ((("a", "1"),),)


def test_a_parameter_and_its_exclusion_are_not_given_together():
    """CP-ITI-1323."""
    slots = [("PatientId", PATIENT), ("Status", APPROVED), ("ClassCode", "('a^^1')")]
    exclude = [
        (f"$XDSDocumentEntry{name}", value) for name, value in [*slots, ("ClassCodeExclude", "('b^^1')")]
    ]
    assert codes(stored_query("urn:uuid:4308b1df-36de-4bef-8e2e-ba91f593c435", exclude)) == [
        "XDSStoredQueryParamNumber"
    ]
    del exclude[2]
    request = stored_query("urn:uuid:4308b1df-36de-4bef-8e2e-ba91f593c435", exclude)
    assert values(request)["ClassCodeExclude"] == ((("b", "1"),),)


def test_a_title_is_needed_to_find_documents_by_it():
    """FindDocumentsByTitle of gematik."""
    slots = [("$XDSDocumentEntryPatientId", PATIENT), ("$XDSDocumentEntryStatus", APPROVED)]
    by_title = "urn:uuid:ab474085-82b5-402d-8115-3f37cb1e2405"
    assert codes(stored_query(by_title, slots)) == ["XDSStoredQueryMissingParam"]
    request = stored_query(by_title, [*slots, ("$XDSDocumentEntryTitle", "('X-ray%')")])
    assert values(request)["Title"] == (("X-ray%",),)
