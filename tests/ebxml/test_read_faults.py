import pytest

from ebxml.read import read_submission
from tests.messages.submission_xml import changed

DOCUMENT = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"
FOLDER_LABEL = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
SUBMISSION_SET_LABEL = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
LABELS = f"{SUBMISSION_SET_LABEL} for a SubmissionSet or {FOLDER_LABEL} for a Folder"
CLASS_CODE = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE_CODE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"

CODE_OF_ENTRY = f'<rim:Classification id="x" classifiedObject="{DOCUMENT}"'
FIRST_CODE = '<rim:Classification id="c1"'
END = "</rim:RegistryObjectList>"
END_OF_FOLDER = "</rim:RegistryPackage>\n  <rim:Classification"
NAME = "<rim:Name><rim:LocalizedString value="


def faults(*changes: tuple[str, str]) -> list[str]:
    return [fault.text for fault in read_submission(changed(*changes)).faults]


def slot(name: str, *values: str) -> str:
    inside = "".join(f"<rim:Value>{value}</rim:Value>" for value in values)
    return f'<rim:Slot name="{name}"><rim:ValueList>{inside}</rim:ValueList></rim:Slot>'


# What stands in the message, what stands there instead, and what the sender is told.
OF_THE_ENTRY = {
    "a second value in a single-valued Slot": (
        slot("creationTime", "20240102030405"),
        slot("creationTime", "2024", "2025"),
        "creationTime has a second value '2025', expected one (ITI TF-3: 4.2.3.2.6)",
    ),
    "a Slot twice": (
        slot("languageCode", "fr-LU"),
        slot("languageCode", "fr-LU") + slot("languageCode", "de"),
        "a second Slot has the name 'languageCode', expected one with all values (ITI TF-3: 4.2.3.2.13)",
    ),
    "an extra Slot twice": (
        slot("urn:example:room", "12", "14"),
        slot("urn:example:room") * 2,
        "a second Slot has the name 'urn:example:room', expected one with all values (ITI TF-3: 4.2.3.1.6)",
    ),
    "an author of two persons": (
        slot("authorPerson", "^Author^Ann^^^Dr."),
        slot("authorPerson", "^A", "^B"),
        "author: authorPerson has a second value '^B', expected one (ITI TF-3: 4.2.3.1.4.2)",
    ),
    "an authorPerson Slot twice": (
        slot("authorSpeciality", "Surgery"),
        slot("authorPerson", "^B"),
        "author has a second Slot of the name 'authorPerson', expected one with all values "
        "(ITI TF-3: 4.2.3.1.4.2)",
    ),
    "an author with a code": (
        'nodeRepresentation=""',
        'nodeRepresentation="Ann"',
        "author has the nodeRepresentation 'Ann', expected it empty (ITI TF-3: 4.2.3.2.1)",
    ),
    "a Classification of another object": (
        f'id="c1" classifiedObject="{DOCUMENT}"',
        'id="c1" classifiedObject="ss1"',
        "classCode has the classifiedObject 'ss1', expected the id of the object around it "
        "(ITI TF-3: 4.2.3.2.3)",
    ),
    "a scheme that nobody knows": (
        CLASS_CODE,
        CLASS_CODE.upper(),
        f"a Classification has the classificationScheme '{CLASS_CODE.upper()}', "
        "expected one that a DocumentEntry knows (ITI TF-3: 4.2.5.2)",
    ),
    "a node that nobody knows": (
        FIRST_CODE,
        f'{CODE_OF_ENTRY} classificationNode="urn:x"/>{FIRST_CODE}',
        "a Classification has the classificationNode 'urn:x', expected one that a DocumentEntry knows "
        "(ITI TF-3: 4.2.5.2)",
    ),
    "a DocumentEntry labelled as a Folder": (
        FIRST_CODE,
        f'{CODE_OF_ENTRY} classificationNode="{FOLDER_LABEL}"/>{FIRST_CODE}',
        f"a Classification has the classificationNode '{FOLDER_LABEL}', "
        "expected one that a DocumentEntry knows (ITI TF-3: 4.2.5.2)",
    ),
    "a code of two schemes": (
        slot("codingScheme", "2.999.1") + f'{NAME}"Report"/>',
        slot("codingScheme", "2.999.1", "2.999.2") + f'{NAME}"Report"/>',
        "classCode 'REPORT' has a second codingScheme '2.999.2', expected one (ITI TF-3: 4.2.3.2.3)",
    ),
    "a single-valued code twice": (
        FIRST_CODE,
        f'{CODE_OF_ENTRY} classificationScheme="{CLASS_CODE}" nodeRepresentation="FIRST"/>{FIRST_CODE}',
        "classCode has a second value 'REPORT', expected one (ITI TF-3: 4.2.3.2.3)",
    ),
    "an identification scheme that nobody knows": (
        "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
        "urn:x",
        "an ExternalIdentifier has the identificationScheme 'urn:x', "
        "expected one that a DocumentEntry knows (ITI TF-3: 4.2.5.2)",
    ),
    "an ExternalIdentifier of another object": (
        f'id="i1" registryObject="{DOCUMENT}"',
        'id="i1" registryObject="x"',
        "patientId has the registryObject 'x', expected the id of the object around it "
        "(ITI TF-3: 4.2.3.2.16)",
    ),
    "an ExternalIdentifier of another Name": (
        f'{NAME}"XDSDocumentEntry.patientId"/></rim:Name>',
        f'{NAME}"pid"/></rim:Name>',
        "patientId has the Name 'pid', expected 'XDSDocumentEntry.patientId' (ITI TF-3: 4.2.3.2.16)",
    ),
    "an ExternalIdentifier without Name": (
        f'{NAME}"XDSDocumentEntry.patientId"/></rim:Name>',
        "",
        "patientId has the Name '', expected 'XDSDocumentEntry.patientId' (ITI TF-3: 4.2.3.2.16)",
    ),
    "a Name twice": (
        "<rim:Description>",
        f'{NAME}"Other"/></rim:Name><rim:Description>',
        "title has a second rim:Name, expected one (ITI TF-3: 4.2.3.1)",
    ),
}


@pytest.mark.parametrize(("old", "new", "fault"), OF_THE_ENTRY.values(), ids=OF_THE_ENTRY)
def test_what_a_document_entry_cannot_express_is_a_fault(old, new, fault):
    """ITI TF-3: 4.2.3.1: the sender is told object, attribute, what was seen and what is expected."""
    assert faults((old, new)) == [f"DocumentEntry {DOCUMENT}: {fault}"]


OF_THE_LIST = {
    "an ExternalIdentifier twice": (
        '"urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"',
        '"urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"',
        "SubmissionSet ss1: uniqueId has a second value '2.999.4.1', expected one (ITI TF-3: 4.2.3.3.12)",
    ),
    "a label of nothing": (
        'classifiedObject="fol1"\n',
        'classifiedObject="fol2"\n',
        f"RegistryObjectList: the Classification as '{FOLDER_LABEL}' has the classifiedObject 'fol2', "
        "expected the id of an object beside it (ITI TF-3: 4.2.1)",
    ),
    "a code beside its object": (
        END,
        f'{CODE_OF_ENTRY} classificationScheme="{TYPE_CODE}" nodeRepresentation="T"/>{END}',
        f"RegistryObjectList: the Classification by '{TYPE_CODE}' of '{DOCUMENT}' stands beside its object, "
        "expected it inside (ITI TF-3: 4.2.3.1.2)",
    ),
    "a package without label": (
        f'classificationNode="{SUBMISSION_SET_LABEL}"',
        f'classificationScheme="{TYPE_CODE}"',
        f"RegistryPackage 'ss1': no Classification says what it is, expected the classificationNode {LABELS} "
        "(ITI TF-3: 4.2.1)",
    ),
    "a package with both labels": (
        'classifiedObject="fol1"\n',
        'classifiedObject="ss1"\n',
        "RegistryPackage 'ss1': its Classifications disagree what it is, "
        f"expected the classificationNode {LABELS} (ITI TF-3: 4.2.1)",
    ),
    "a package in a package": (
        END_OF_FOLDER,
        f'<rim:RegistryObjectList><rim:ExtrinsicObject id="x"/>{END}{END_OF_FOLDER}',
        "Folder fol1: it has a RegistryObjectList, expected HasMember Associations to its members "
        "(ITI TF-3: 4.2.2.1)",
    ),
    "an object that is none of Document Sharing": (
        END,
        f'<rim:Service id="x"/>{END}',
        "RegistryObjectList: a rim:Service stands in it, expected rim:ExtrinsicObject, "
        "rim:RegistryPackage and rim:Association (ITI TF-3: 4.2.1)",
    ),
}


@pytest.mark.parametrize(("old", "new", "fault"), OF_THE_LIST.values(), ids=OF_THE_LIST)
def test_what_does_not_belong_together_is_a_fault(old, new, fault):
    """ITI TF-3: 4.2.1."""
    assert fault in faults((old, new))


def test_a_package_without_label_is_still_read_as_what_its_identifiers_suggest():
    """ITI TF-3: 4.2.1: one slip is one error, and the Associations to the package still find it."""
    submission = read_submission(
        changed((f'classificationNode="{FOLDER_LABEL}"', 'classificationNode="urn:x"'))
    )
    assert [folder.entry_uuid for folder in submission.folders] == ["fol1"]


def test_all_faults_are_found_not_only_the_first():
    """ITI TF-2: 3.42.4.1.3."""
    found = faults(
        (f'id="i1" registryObject="{DOCUMENT}"', 'id="i1" registryObject="x"'),
        ("urn:uuid:aa543740-bdda-424e-8c96-df4873be8500", "urn:x"),
        ('<rim:LocalizedString value="XDSFolder.uniqueId"/>', ""),
    )
    assert [fault.split()[0] for fault in found] == ["DocumentEntry", "SubmissionSet", "Folder"]


def test_faults_are_bounded_in_number_and_length():
    """A hostile message costs no more memory than its own size."""
    assert len(faults((END, '<rim:Service id="x"/>' * 5_000 + END))) == 1_000
    (fault,) = faults((f'classificationScheme="{CLASS_CODE}', f'classificationScheme="{"x" * 10_000}'))
    assert len(fault) < 400
