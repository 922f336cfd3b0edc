"""What a registration does to the record around it, and what it may not do (ITI TF-2: 3.42; ITI TF-3: 4.2.2).

Objects have short names; an Association is called by its ends.
"""

import time
from datetime import UTC, datetime

import pytest

from tests.messages import requests
from tests.messages.named_record import NamedRecord, accepted
from tests.messages.requests import FAILURE, ITI_61, association, slot, text
from tests.services.platform import Platform, storing_nothing
from tests.wire import HttpAnswer

DOCUMENTATION = (
    '<rim:Classification id="documentation" classifiedObject="{}" nodeRepresentation="correction" '
    'classificationScheme="urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3">'
    + slot("codingScheme", "2.999.1")
    + text("Correction")
    + "</rim:Classification>"
)


@pytest.fixture
def record(platform: Platform) -> NamedRecord:
    return NamedRecord(platform)


def refused(record: NamedRecord, submission_set: str, **content) -> list[tuple[str, str]]:
    """What is said against it, after seeing that it left all as it was."""
    before = record.held()
    answer = record.send(submission_set, **content)
    assert answer.status_urn == FAILURE, answer.body
    assert record.held() == before
    return answer.errors


def assert_one(errors: list[tuple[str, str]], code: str, *named: str) -> None:
    """One error of this code, which names what is wrong; how it says so is told in tests/registry."""
    assert [found for found, _ in errors] == [code], errors
    assert [each for each in named if each not in errors[0][1]] == []


# Relationships.


@pytest.mark.parametrize("type", ["RPLC", "XFRM_RPLC"])
def test_what_is_replaced_becomes_deprecated(record, type):
    """ITI TF-3: 4.2.2.2.3, 4.2.2.2.5."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=[f"B {type} A"])
    assert record.status("A", "B", "B>A") == ["Deprecated", "Approved", "Approved"]


@pytest.mark.parametrize("type", ["APND", "XFRM", "signs"])
def test_what_is_appended_to_transformed_or_signed_stays_approved(record, type):
    """ITI TF-3: 4.2.2.2.1, 4.2.2.2.2, 4.2.2.2.6."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=[f"B {type} A"])
    assert record.status("A", "B", "B>A") == ["Approved", "Approved", "Approved"]


def test_a_snapshot_leaves_its_on_demand_entry_approved(record):
    """ITI TF-3: 4.2.2.2.7."""
    announce(record, "S1", "E")
    record.register("S2", documents="N", links=["N IsSnapshotOf E"])
    assert record.status("E", "N", "N>E") == ["Approved", "Approved", "Approved"]


def announce(record: NamedRecord, submission_set: str, name: str) -> None:
    """An on-demand entry, by ITI-61."""
    entry = record.on_demand(name) + record.link(f"{submission_set}>{name}", status="Original")
    accepted(record.send(submission_set, more=entry, action=ITI_61))


@pytest.mark.parametrize("type", ["RPLC", "XFRM_RPLC"])
def test_what_derives_from_a_replaced_document_is_deprecated_with_it(record, type):
    """ITI TF-3: 4.2.2.2.3; at any remove, and its Associations stay. A signature derives from nothing."""
    record.register("S1", documents="A")
    record.register("S2", documents="BCD", links=["B APND A", "C XFRM A", "D signs A"])
    record.register("S3", documents="E", links=["E XFRM B"])
    record.register("S4", documents="N", links=[f"N {type} A"])
    assert record.status("A", "B", "C", "E") == ["Deprecated"] * 4
    assert record.status("D", "N") == ["Approved"] * 2
    assert record.status("B>A", "C>A", "D>A", "E>B", "N>A") == ["Approved"] * 5


def test_a_transformation_may_itself_be_replaced(record):
    """ITI TF-3: 4.2.2.2.2."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=["B XFRM A"])
    record.register("S3", documents="C", links=["C RPLC B"])
    assert record.status("A", "B", "C") == ["Approved", "Deprecated", "Approved"]


def test_nothing_is_appended_to_a_transformation(record):
    """ITI TF-3: 4.2.2.2.1."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=["B XFRM A"])
    errors = refused(record, "S3", documents="C", links=["C APND B"])
    assert_one(errors, "XDSRegistryMetadataError", record.names.uuid("B"), "transformation")


@pytest.mark.parametrize("type", ["APND", "XFRM", "signs"])
def test_documents_of_one_submission_may_relate_to_each_other(record, type):
    """ITI TF-3: 4.2.2.2; what is replaced, or a snapshot taken of, must be registered."""
    record.register("S1", documents="AB", links=[f"B {type} A"])
    assert record.held() == "A B B>A S1 S1>A S1>B"


@pytest.mark.parametrize("type", ["RPLC", "XFRM_RPLC"])
def test_what_is_replaced_is_registered_already(record, type):
    """ITI TF-2: 3.42.4.1.3."""
    errors = refused(record, "S1", documents="AB", links=[f"B {type} A"])
    assert [code for code, _ in errors] == ["UnresolvedReferenceException"]
    assert record.names.uuid("A") in errors[0][1]


@pytest.mark.parametrize("type", ["RPLC", "XFRM_RPLC", "APND", "XFRM", "signs"])
def test_a_relationship_comes_from_a_document_of_the_submission(record, type):
    """ITI TF-3: 4.2.2.2."""
    record.register("S1", documents="AB")
    errors = refused(record, "S2", documents="C", links=[f"B {type} A"])
    assert [code for code, _ in errors] == ["UnresolvedReferenceException"]
    assert record.names.uuid("B") in errors[0][1]


@pytest.mark.parametrize("type", ["RPLC", "XFRM_RPLC", "APND", "XFRM", "signs"])
def test_no_relationship_goes_to_a_deprecated_document(record, type):
    """ITI TF-3: 4.2.2.2; XDSRegistryDeprecatedDocumentError."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=["B RPLC A"])
    errors = refused(record, "S3", documents="C", links=[f"C {type} A"])
    assert_one(errors, "XDSRegistryDeprecatedDocumentError", record.names.uuid("A"))


@pytest.mark.parametrize("type", ["RPLC", "XFRM_RPLC", "APND", "XFRM", "signs"])
def test_no_relationship_goes_to_another_patients_document(record, type):
    """ITI TF-3: 4.2.2.2; XDSPatientIdDoesNotMatch."""
    record.register("S1", documents="A")
    other = NamedRecord(record.platform, record.names)
    errors = refused(other, "S2", documents="B", links=[f"B {type} A"])
    assert_one(errors, "XDSPatientIdDoesNotMatch", record.names.uuid("A"))
    assert record.status("A") == ["Approved"]


def test_a_relationship_keeps_its_documentation(record):
    """ITI TF-3: 4.2.2.2; code, coding scheme and display name of its reason."""
    record.register("S1", documents="A")
    reason = DOCUMENTATION.format(record.names.uuid("B>A"))
    record.register("S2", documents="B", more=record.link("B RPLC A", more=reason))
    relationship = record.names.elements(record.all())["B>A"]
    (classification,) = relationship.iterfind("{*}Classification")
    assert classification.get("classificationScheme") == "urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3"
    assert classification.get("classifiedObject") == record.names.uuid("B>A")
    assert classification.get("nodeRepresentation") == "correction"
    assert classification.findtext("{*}Slot[@name='codingScheme']/{*}ValueList/{*}Value") == "2.999.1"
    assert classification.find("{*}Name/{*}LocalizedString").get("value") == "Correction"


def test_a_membership_has_no_documentation(record):
    """ITI TF-3: 4.2.2.2; NIST 12370."""
    reason = DOCUMENTATION.format(record.names.uuid("S1>A"))
    member = record.link("S1>A", status="Original", more=reason)
    errors = refused(record, "S1", more=record.document("A") + member)
    assert [code for code, _ in errors] == ["XDSRegistryMetadataError"]
    assert "associationDocumentation" in errors[0][1]


# Folders.


def test_a_replacement_takes_every_place_of_what_it_replaces(record):
    """ITI TF-3: 4.2.2.2.3; each new place is the submission's, and what was replaced stays where it was."""
    record.register("S1", documents="A", folders="FG", places=["F>A", "G>A"])
    before = last_update_times(record)
    next_second()
    record.register("S2", documents="B", links=["B RPLC A"])
    answer, names = record.all(), record.names
    found = names.elements(answer)
    assert {"F>A", "G>A", "F>B", "G>B"} <= found.keys()
    of_submission = {
        one.get("targetObject")
        for one in answer.found("Association")
        if one.get("sourceObject") == names.uuid("S2")
    }
    assert of_submission == {names.uuid("B"), found["F>B"].get("id"), found["G>B"].get("id")}
    after = last_update_times(record)
    assert after["F"] > before["F"]
    assert after["G"] > before["G"]


def test_a_replacement_that_names_its_place_is_placed_once(record):
    """ITI TF-3: 4.2.2.2.3."""
    record.register("S1", documents="A", folders="F", places=["F>A"])
    record.register("S2", documents="B", places=["F>B"], links=["B RPLC A"])
    assert record.held().split().count("F>B") == 1


FOUR_WAYS = {
    "both new": ((), (), {"documents": "A", "folders": "F"}),
    "both registered": (["A"], ["F"], {}),
    "a new document": ((), ["F"], {"documents": "A"}),
    "a new Folder": (["A"], (), {"folders": "F"}),
}


@pytest.mark.parametrize(("documents", "folders", "new"), FOUR_WAYS.values(), ids=FOUR_WAYS.keys())
def test_a_document_comes_into_a_folder_in_four_ways(record, documents, folders, new):
    """ITI TF-3: 4.2.2.1.3; of registered ones nothing but the Associations is submitted (NIST 12326)."""
    for name in documents:
        record.register(f"S{name}", documents=name)
    for name in folders:
        record.register(f"S{name}", folders=name)
    record.register("S1", places=["F>A"], **new)
    answer = record.platform.ask(
        "GetFolderAndContents", ("$XDSFolderEntryUUID", f"'{record.names.uuid('F')}'")
    )
    assert record.names.of(accepted(answer)) == ["A", "F", "F>A"]


def last_update_times(record: NamedRecord) -> dict[str, str]:
    """Of each Folder, by its name."""
    path = "{*}Slot[@name='lastUpdateTime']/{*}ValueList/{*}Value"
    found = record.names.elements(record.all())
    return {name: time for name, one in found.items() if (time := one.findtext(path))}


def next_second() -> None:
    """Times are told to the second."""
    time.sleep(1.001 - time.time() % 1)


def test_the_registry_says_when_a_folder_was_updated(record):
    """ITI TF-3: 4.2.3.4.6; Folder.lastUpdateTime, and again whenever a document comes into it."""
    told = record.folder("F", lastUpdateTime=slot("lastUpdateTime", "20010101000000"))
    record.register("S1", documents="A", more=told + record.link("S1>F"))
    first = last_update_times(record)["F"]
    assert "20250101000000" < first <= f"{datetime.now(UTC):%Y%m%d%H%M%S}"
    next_second()
    record.register("S2", places=["F>A"])
    assert last_update_times(record)["F"] > first


@pytest.mark.parametrize("of_other", ["document", "Folder"])
def test_a_folder_and_its_documents_are_of_one_patient(record, of_other):
    """ITI TF-3: 4.2.2.1.3; XDSPatientIdDoesNotMatch."""
    record.register("S1", documents="A", folders="F")
    other = NamedRecord(record.platform, record.names)
    content, stranger = {
        "document": ({"folders": "G", "places": ["G>A"]}, "A"),
        "Folder": ({"documents": "B", "places": ["F>B"]}, "F"),
    }[of_other]
    errors = refused(other, "S2", **content)
    assert_one(errors, "XDSPatientIdDoesNotMatch", record.names.uuid(stranger))


def test_a_deprecated_document_comes_into_no_folder(record):
    """ITI TF-3: 4.2.2.1.3; XDSRegistryDeprecatedDocumentError."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=["B RPLC A"])
    errors = refused(record, "S3", folders="F", places=["F>A"])
    assert_one(errors, "XDSRegistryDeprecatedDocumentError", record.names.uuid("A"))


def test_a_folder_holds_no_folder(record):
    """ITI TF-3: 4.2.2.1."""
    record.register("S1", folders="F")
    errors = refused(record, "S2", folders="G", places=["F>G"])
    assert {code for code, _ in errors} == {"XDSRegistryMetadataError"}


# SubmissionSets.


def test_a_document_by_reference_may_be_another_patients(record):
    """ITI TF-3: 4.2.2.1.2; a mother's in her child's submission."""
    record.register("S1", documents="A")
    child = NamedRecord(record.platform, record.names)
    child.register("S2", documents="B", more=child.link("S2>A", status="Reference"))
    answer = record.platform.ask("GetSubmissionSets", ("$uuid", f"('{record.names.uuid('A')}')"))
    assert answer.codes == ["XDSResultNotSinglePatient"]
    answer = record.platform.ask(
        "GetSubmissionSets", ("$uuid", f"('{record.names.uuid('A')}')"), return_type="ObjectRef"
    )
    assert record.names.of(accepted(answer)) == ["S1", "S1>A", "S2", "S2>A"]


def test_nothing_is_added_to_a_registered_submission_set(record):
    """ITI TF-3: 4.2.1."""
    record.register("S1", documents="A")
    record.register("S2", documents="B")
    late = record.link("S1>B", status="Reference") + record.link("S3>S1>B")
    errors = refused(record, "S3", documents="C", more=late)
    assert {code for code, _ in errors} == {"XDSRegistryMetadataError"}
    assert any(record.names.uuid("S1") in context for _, context in errors)


@pytest.mark.parametrize("of", ["SubmissionSet", "Folder"])
@pytest.mark.parametrize("other", ["S1", "F", "A"])
def test_a_unique_id_is_of_no_other_registered_object(record, of, other):
    """ITI TF-2: 3.42.4.1.3; XDSDuplicateUniqueIdInRegistry, whatever bears it already."""
    record.register("S1", documents="A", folders="F")
    used = record.names.oid(other)
    if of == "SubmissionSet":
        fresh = requests.submission_set(record.patient_id, used, "SubmissionSet9")
        folder = requests.folder(record.patient_id, requests.fresh_oid(), "Folder9")
    else:
        fresh = requests.submission_set(record.patient_id, requests.fresh_oid(), "SubmissionSet9")
        folder = requests.folder(record.patient_id, used, "Folder9")
    body = requests.submit(fresh, folder, association("SubmissionSet9", "Folder9"))
    answer = record.platform.register(body)
    assert_one(answer.errors, "XDSDuplicateUniqueIdInRegistry", of, used)


# What is kept, and what is told.


def test_one_document_may_be_registered_twice(record):
    """ITI TF-2: 3.42.4.1.3; a DocumentEntry of the same uniqueId, hash and size is a second entry."""
    record.register("S1", documents="A")
    again = record.document("A").replace(record.names.uuid("A"), record.names.uuid("B"))
    record.register("S2", more=again + record.link("S2>B", status="Original"))
    assert record.held() == "A B S1 S1>A S2 S2>B"
    unique_id = ("$XDSDocumentEntryUniqueId", f"('{record.names.oid('A')}')")
    assert record.names.of(record.platform.ask("GetDocuments", unique_id)) == ["A", "B"]


@pytest.mark.parametrize(
    ("sha1", "size", "expected"),
    [
        ("0" * 40, 0, ["XDSNonIdenticalHash"]),
        ("0" * 40, 1, ["XDSNonIdenticalHash", "XDSNonIdenticalSize"]),
    ],
)
def test_other_bytes_do_not_bear_a_registered_unique_id(record, sha1, size, expected):
    """ITI TF-2: 3.42.4.1.3; ITI TF-3: 4.2.3.2.26."""
    record.register("S1", documents="A")
    other = record.document("A", sha1, size).replace(record.names.uuid("A"), record.names.uuid("B"))
    unique_id = record.names.oid("A")
    errors = refused(record, "S2", more=other + record.link("S2>B", status="Original"))
    assert [code for code, _ in errors] == expected
    assert [context for _, context in errors if unique_id not in context] == []


def test_extra_metadata_is_kept_and_returned(record):
    """ITI TF-3: 4.2.3.1.6; on every kind of object, with all its values."""
    extra = slot("urn:example:room", "12", "14 & 15")
    entry = record.document("A", documentAvailability=extra)
    folder = record.folder("F", lastUpdateTime=extra)
    submission_set = record.submission_set("S1", submissionTime=extra + slot("submissionTime", "2024"))
    member = record.link("S1>A", status="Original", more=extra)
    body = requests.submit(submission_set, entry, folder, member, record.link("S1>F"))
    accepted(record.platform.register(body))
    found = record.names.elements(record.all())
    for name in ("A", "F", "S1", "S1>A"):
        values = found[name].findall("{*}Slot[@name='urn:example:room']/{*}ValueList/{*}Value")
        assert [one.text for one in values] == ["12", "14 & 15"], name


def test_a_new_object_is_its_own_first_version_and_approved(record):
    """ITI TF-2: 3.42.4.1.3; MU supplement: lid is the entryUUID and the version 1, whatever was submitted."""
    entry = record.document("A").replace(" mimeType", ' status="urn:example:Lost" mimeType', 1)
    record.register("S1", folders="F", more=entry + record.link("S1>A", status="Original"))
    for name, obj in record.names.elements(record.all()).items():
        assert obj.get("status") == "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved", name
        assert obj.get("lid") == obj.get("id"), name
        assert obj.find("{*}VersionInfo").get("versionName") == "1", name


def test_a_submitted_home_is_dropped(record):
    """ITI TF-3: 4.2.3.2.12, 4.2.3.3.6, 4.2.3.4.5; the community is the registry's to say."""
    at_home = ' home="urn:oid:2.999.9" id="'
    entry, folder = (one.replace(' id="', at_home, 1) for one in (record.document("A"), record.folder("F")))
    submission_set = record.submission_set("S1").replace(' id="', at_home, 1)
    member = record.link("S1>A", status="Original").replace(' id="', at_home, 1)
    accepted(
        record.platform.register(requests.submit(submission_set, entry, folder, member, record.link("S1>F")))
    )
    assert record.held() == "A F S1 S1>A S1>F"
    assert b"urn:oid:2.999.9" not in record.all().body


def test_the_parts_of_an_answer_name_their_type_and_their_object(record):
    """ITI TF-3: 4.2.3.1.2, 4.2.3.1.3; of objects, Classifications and ExternalIdentifiers."""
    record.register("S1", documents="A", folders="F")
    prefix = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject"
    of_parts = {"Classification": "classifiedObject", "ExternalIdentifier": "registryObject"}
    answer = record.all()
    for kind in ("RegistryPackage", "Association"):
        assert {one.get("objectType") for one in answer.found(kind)} == {f"{prefix}:{kind}"}
    for kind, refers in of_parts.items():
        for one in answer.found(kind):
            parent = one.getparent()
            assert one.get("objectType") == f"{prefix}:{kind}"
            assert parent is not None
            assert one.get(refers) == parent.get("id")
            assert str(one.get("id")).startswith("urn:uuid:")


# What a submission may look like.


def test_the_order_of_objects_and_what_else_the_schema_allows_do_not_matter(record):
    """ITI TF-2: 3.42.4.1.2; ITI TF-3: 4.2.1: comments, RequestSlotList and ObjectRefs are passed over."""
    objects = (
        record.link("S1>A", status="Original")
        + record.document("A")
        + f'<rim:ObjectRef id="{requests.fresh_uuid()}"/>'
        + record.submission_set("S1")
    )
    beside = (
        '<rs:RequestSlotList xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0">'
        f"{slot('urn:example:any', 'x')}</rs:RequestSlotList><rim:RegistryObjectList>"
    )
    body = requests.submit(objects).replace("<rim:RegistryObjectList>", beside, 1)
    accepted(
        record.platform.register(body.replace(" xmlns:lcm", ' comment="none" id="request" xmlns:lcm', 1))
    )
    assert record.held() == "A S1 S1>A"


def test_a_package_may_be_labelled_from_beside_it(record):
    """ITI TF-3: 4.2.1; the Classification stands in the RegistryObjectList."""
    folder = record.folder("F")
    begin = folder.index('<rim:Classification id="label-')
    end = folder.index("/>", begin) + 2
    beside = folder[:begin] + folder[end:] + folder[begin:end]
    record.register("S1", more=beside + record.link("S1>F"))
    assert record.held() == "F S1 S1>F"


def test_a_submission_set_alone_is_nothing_to_submit(record):
    """ITI TF-3: 4.2.1."""
    assert [code for code, _ in refused(record, "S1")] == ["XDSRegistryMetadataError"]


def test_a_name_keeps_its_languages(record):
    """ITI TF-3: 4.2.3.1.7; ebRIM 3.0: LocalizedString."""
    name = (
        '<rim:Name><rim:LocalizedString xml:lang="fr-LU" charset="UTF-8" value="Rapport"/>'
        '<rim:LocalizedString xml:lang="de-LU" value="Bericht"/></rim:Name>'
    )
    entry = record.document("A", title=name)
    record.register("S1", more=entry + record.link("S1>A", status="Original"))
    strings = record.names.elements(record.all())["A"].findall("{*}Name/{*}LocalizedString")
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert [(one.get(lang), one.get("value")) for one in strings] == [
        ("fr-LU", "Rapport"),
        ("de-LU", "Bericht"),
    ]


def test_a_failed_submission_leaves_nothing(platform):
    """ITI TF-2: 3.42.4.1.3; one wrong Association keeps all of it out. NIST 12084."""
    record = NamedRecord(platform)
    with storing_nothing(platform, record.patient_id):
        answer: HttpAnswer = record.send(
            "S1", documents="ABC", folders="F", places=["F>A", "F>B"], links=["C RPLC Nothing"]
        )
    assert answer.codes == ["UnresolvedReferenceException"]
    assert record.held() == ""
