"""Every attribute of every object, submitted and returned (ITI TF-3: 4.2.3; ITI TF-2: 3.18.4.1.3).

One submission bears all that its four kinds of objects can say; an answer gives each of it back as it came.
"""

import pytest
from lxml import etree

from tests.messages import requests
from tests.messages.named_record import EMPTY_SHA1, NamedRecord, accepted
from tests.messages.requests import (
    APPROVED,
    AUTHOR_OF_DOCUMENT,
    AUTHOR_OF_SUBMISSION_SET,
    CODED,
    ITI_57,
    codes,
    slot,
    submit,
    text,
)
from tests.services.platform import Platform

SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
DOCUMENTATION = "abd807a3-4432-4053-87b4-fd82c643d1f3"
ONLINE = "urn:ihe:iti:2010:DocumentAvailability:Online"
REFERENCES = ("1^^^^urn:ihe:iti:xds:2013:order", "77^^^&2.999.4&ISO^urn:ihe:iti:xds:2013:accession")
RECIPIENTS = ("Clinic^^^^^^^^^2.999.61|^Weber^Anne|^^Internet^anne@example.org", "|^Muller^Jean")
AUTHOR = {
    "authorPerson": ("7^Weber^Anne^^^Dr^^^&2.999.7&ISO",),
    "authorInstitution": ("Clinic^^^^^^^^^2.999.61", "Ward 1"),
    "authorRole": ("Attending", "A1^^^&2.999.1&ISO"),
    "authorSpecialty": ("Surgery",),
    "authorTelecommunication": ("^^Internet^anne@example.org", "^PRN^PH^^352^^123456"),
}
OF_ADMINISTRATOR = ' home="urn:oid:2.999.9" id="'


def comments(value: str) -> str:
    return f'<rim:Description><rim:LocalizedString value="{value}"/></rim:Description>'


class Whole:
    """A record in which A, F, S and B>A say all that can be said, and what came back of them."""

    def __init__(self, platform: Platform) -> None:
        self.record = NamedRecord(platform)
        id = self.record.names.uuid
        document = self.record.document(
            "A",
            author=requests.author(
                id("A"), AUTHOR_OF_DOCUMENT, *(slot(name, *said) for name, said in AUTHOR.items())
            ),
            comments=comments("Comments of a document"),
            confidentialityCode=codes(id("A"), "confidentialityCode", "N^^2.999.1", "R^^2.999.2"),
            documentAvailability=slot("documentAvailability", ONLINE),
            eventCodeList=codes(id("A"), "eventCodeList", "E1^^2.999.1", "E2^^2.999.1"),
            legalAuthenticator=slot("legalAuthenticator", "8^Muller^Jean^^^^^^&2.999.7&ISO"),
            referenceIdList=slot("urn:ihe:iti:xds:2013:referenceIdList", *REFERENCES),
            URI=slot("URI", "reports/1.txt"),
        )
        submission_set = self.record.submission_set(
            "S",
            author=requests.author(
                id("S"), AUTHOR_OF_SUBMISSION_SET, *(slot(name, *said) for name, said in AUTHOR.items())
            ),
            comments=comments("Comments of a SubmissionSet"),
            intendedRecipient=slot("intendedRecipient", *RECIPIENTS),
            title=text("Visit of today"),
        )
        folder = self.record.folder(
            "F",
            codeList=codes(id("F"), "codeList", "PREGNANCY^^2.999.1", "DIABETES^^2.999.2"),
            comments=comments("Comments of a Folder"),
        )
        reason = requests.code(id("B>A"), DOCUMENTATION, "correction")
        relationship = self.record.link(
            "B signs A", more=text("Signed") + comments("Comments of an Association") + reason
        )
        objects = (document, submission_set, folder, self.record.document("B"), relationship)
        members = (
            self.record.link("S>A", status="Original"),
            self.record.link("S>B", status="Original"),
            self.record.link("S>F"),
        )
        homely = (one.replace(' id="', OF_ADMINISTRATOR, 1) for one in objects)
        accepted(platform.register(submit(*homely, *members)))
        self.objects = self.record.names.elements(self.record.all())


@pytest.fixture(scope="module")
def whole(platform: Platform) -> Whole:
    return Whole(platform)


def said(obj: etree._Element, carrier: str, name: str) -> list[str]:
    """What stands in an XML attribute, the Slots, codes, identifiers, or language strings of an object."""
    value = "{*}ValueList/{*}Value"
    match carrier:
        case "XML attribute":
            return [str(obj.get(name))] if name in obj.attrib else []
        case "Slot":
            return [str(one.text) for one in obj.iterfind(f"{{*}}Slot[@name='{name}']/{value}")]
        case "Classification":
            return [
                f"{one.get('nodeRepresentation')}^^{one.findtext(f'{{*}}Slot/{value}')}"
                for one in obj.iterfind(f"{{*}}Classification[@classificationScheme='urn:uuid:{name}']")
            ]
        case "ExternalIdentifier":
            path = f"{{*}}ExternalIdentifier[@identificationScheme='urn:uuid:{name}']"
            return [str(one.get("value")) for one in obj.iterfind(path)]
        case "author":
            path = f"{{*}}Classification[@classificationScheme='urn:uuid:{name}']/{{*}}Slot"
            return [
                f"{part.get('name')} {one.text}"
                for part in obj.iterfind(path)
                for one in part.iterfind(value)
            ]
        case _:
            return [str(one.get(name)) for one in obj.iterfind(f"{{*}}{carrier}")]


NAME, DESCRIPTION = ("Name/{*}LocalizedString", "value"), ("Description/{*}LocalizedString", "value")
VERSION = ("VersionInfo", "versionName")
WRITTEN_AUTHOR = [f"{name} {value}" for name, values in AUTHOR.items() for value in values]

# By attribute: where it stands, and its values; PATIENT, uuid(A) and oid(A) are ids of this record.
ATTRIBUTES = {
    "DocumentEntry.author": ("author", AUTHOR_OF_DOCUMENT, WRITTEN_AUTHOR),
    "DocumentEntry.availabilityStatus": ("XML attribute", "status", [APPROVED]),
    "DocumentEntry.classCode": ("Classification", CODED["classCode"], ["REPORT^^2.999.1"]),
    "DocumentEntry.comments": (*DESCRIPTION, ["Comments of a document"]),
    "DocumentEntry.confidentialityCode": (
        "Classification", CODED["confidentialityCode"], ["N^^2.999.1", "R^^2.999.2"]
    ),
    "DocumentEntry.creationTime": ("Slot", "creationTime", ["20240102030405"]),
    "DocumentEntry.documentAvailability": ("Slot", "documentAvailability", [ONLINE]),
    "DocumentEntry.entryUUID": ("XML attribute", "id", ["uuid(A)"]),
    "DocumentEntry.eventCodeList": ("Classification", CODED["eventCodeList"], ["E1^^2.999.1", "E2^^2.999.1"]),
    "DocumentEntry.formatCode": ("Classification", CODED["formatCode"], ["TEXT^^2.999.1"]),
    "DocumentEntry.hash": ("Slot", "hash", [EMPTY_SHA1]),
    "DocumentEntry.healthcareFacilityTypeCode": (
        "Classification", CODED["healthcareFacilityTypeCode"], ["CLINIC^^2.999.1"]
    ),
    "DocumentEntry.homeCommunityId": ("XML attribute", "home", []),
    "DocumentEntry.languageCode": ("Slot", "languageCode", ["fr-LU"]),
    "DocumentEntry.legalAuthenticator": ("Slot", "legalAuthenticator", ["8^Muller^Jean^^^^^^&2.999.7&ISO"]),
    "DocumentEntry.logicalID": ("XML attribute", "lid", ["uuid(A)"]),
    "DocumentEntry.mimeType": ("XML attribute", "mimeType", ["text/plain"]),
    "DocumentEntry.objectType": (
        "XML attribute", "objectType", ["urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"]
    ),
    "DocumentEntry.patientId": ("ExternalIdentifier", "58a6f841-87b3-4a3e-92fd-a8ffeff98427", ["PATIENT"]),
    "DocumentEntry.practiceSettingCode": (
        "Classification", CODED["practiceSettingCode"], ["GENERAL^^2.999.1"]
    ),
    "DocumentEntry.referenceIdList": ("Slot", "urn:ihe:iti:xds:2013:referenceIdList", [*REFERENCES]),
    "DocumentEntry.repositoryUniqueId": ("Slot", "repositoryUniqueId", ["2.999.2.1"]),
    "DocumentEntry.serviceStartTime": ("Slot", "serviceStartTime", ["202401020300"]),
    "DocumentEntry.serviceStopTime": ("Slot", "serviceStopTime", ["202401020330"]),
    "DocumentEntry.size": ("Slot", "size", ["0"]),
    "DocumentEntry.sourcePatientId": ("Slot", "sourcePatientId", ["MRN7^^^&2.999.7&ISO"]),
    "DocumentEntry.sourcePatientInfo": ("Slot", "sourcePatientInfo", ["PID-5|Muller^Jeanne", "PID-8|F"]),
    "DocumentEntry.title": (*NAME, ["Report"]),
    "DocumentEntry.typeCode": ("Classification", CODED["typeCode"], ["NOTE^^2.999.1"]),
    "DocumentEntry.uniqueId": ("ExternalIdentifier", "2e82c1f6-a085-4c72-9da3-8640a32e42ab", ["oid(A)"]),
    "DocumentEntry.URI": ("Slot", "URI", ["reports/1.txt"]),
    "DocumentEntry.version": (*VERSION, ["1"]),
    "SubmissionSet.author": ("author", AUTHOR_OF_SUBMISSION_SET, WRITTEN_AUTHOR),
    "SubmissionSet.availabilityStatus": ("XML attribute", "status", [APPROVED]),
    "SubmissionSet.comments": (*DESCRIPTION, ["Comments of a SubmissionSet"]),
    "SubmissionSet.contentTypeCode": ("Classification", CODED["contentTypeCode"], ["VISIT^^2.999.1"]),
    "SubmissionSet.entryUUID": ("XML attribute", "id", ["uuid(S)"]),
    "SubmissionSet.homeCommunityId": ("XML attribute", "home", []),
    "SubmissionSet.intendedRecipient": ("Slot", "intendedRecipient", [*RECIPIENTS]),
    "SubmissionSet.logicalID": ("XML attribute", "lid", ["uuid(S)"]),
    "SubmissionSet.patientId": ("ExternalIdentifier", "6b5aea1a-874d-4603-a4bc-96a0a7b38446", ["PATIENT"]),
    "SubmissionSet.sourceId": ("ExternalIdentifier", "554ac39e-e3fe-47fe-b233-965d2a147832", ["2.999.6"]),
    "SubmissionSet.submissionTime": ("Slot", "submissionTime", ["20240102030500"]),
    "SubmissionSet.title": (*NAME, ["Visit of today"]),
    "SubmissionSet.uniqueId": ("ExternalIdentifier", "96fdda7c-d067-4183-912e-bf5ee74998a8", ["oid(S)"]),
    "SubmissionSet.version": (*VERSION, ["1"]),
    "Folder.availabilityStatus": ("XML attribute", "status", [APPROVED]),
    "Folder.codeList": ("Classification", CODED["codeList"], ["PREGNANCY^^2.999.1", "DIABETES^^2.999.2"]),
    "Folder.comments": (*DESCRIPTION, ["Comments of a Folder"]),
    "Folder.entryUUID": ("XML attribute", "id", ["uuid(F)"]),
    "Folder.homeCommunityId": ("XML attribute", "home", []),
    "Folder.logicalID": ("XML attribute", "lid", ["uuid(F)"]),
    "Folder.patientId": ("ExternalIdentifier", "f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a", ["PATIENT"]),
    "Folder.title": (*NAME, ["Pregnancy"]),
    "Folder.uniqueId": ("ExternalIdentifier", "75df8f67-9973-4fbe-a900-df66cefecc5a", ["oid(F)"]),
    "Folder.version": (*VERSION, ["1"]),
    "Association.associationType": ("XML attribute", "associationType", [SIGNS]),
    "Association.availabilityStatus": ("XML attribute", "status", [APPROVED]),
    "Association.entryUUID": ("XML attribute", "id", ["uuid(B>A)"]),
    "Association.homeCommunityId": ("XML attribute", "home", []),
    "Association.logicalID": ("XML attribute", "lid", ["uuid(B>A)"]),
    "Association.sourceObject": ("XML attribute", "sourceObject", ["uuid(B)"]),
    "Association.targetObject": ("XML attribute", "targetObject", ["uuid(A)"]),
    "Association.associationDocumentation": ("Classification", DOCUMENTATION, ["correction^^2.999.1"]),
    "Association.title": (*NAME, ["Signed"]),
    "Association.comments": (*DESCRIPTION, ["Comments of an Association"]),
    "Association.version": (*VERSION, ["1"]),
}  # fmt: skip
OBJECTS = {"DocumentEntry": "A", "SubmissionSet": "S", "Folder": "F", "Association": "B>A"}


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_an_attribute_is_returned_as_it_was_submitted(whole, attribute):
    """ITI TF-3: 4.2.3; what the registry decides itself is as it decides: id, version, status, home."""
    carrier, name, expected = ATTRIBUTES[attribute]
    obj = whole.objects[OBJECTS[attribute.partition(".")[0]]]
    names = whole.record.names
    spelled = [names.spelled(one).replace("PATIENT", whole.record.patient_id) for one in expected]
    assert said(obj, carrier, name) == spelled


OF_MEMBERSHIPS = {
    "Association.submissionSetStatus": ("SubmissionSetStatus", ["Original"]),
    "Association.previousVersion": ("PreviousVersion", ["1"]),
    "Association.associationPropagation": ("AssociationPropagation", ["no"]),
}


@pytest.mark.parametrize("attribute", OF_MEMBERSHIPS)
def test_a_membership_keeps_what_it_says_of_its_document(platform, attribute):
    """ITI TF-3: 4.2.2.2.1; MU supplement: 3.57.4.1.3.3.1."""
    record = NamedRecord(platform)
    record.register("S1", documents="A")
    following = f' lid="{record.names.uuid("A")}" id="'
    entry = (
        record.document("B")
        .replace(' id="', following, 1)
        .replace(record.names.oid("B"), record.names.oid("A"))
    )
    annotation = slot("PreviousVersion", "1") + slot("AssociationPropagation", "no")
    member = record.link("S2>B", status="Original", more=annotation)
    accepted(record.send("S2", more=entry + member, action=ITI_57))
    name, expected = OF_MEMBERSHIPS[attribute]
    assert said(record.names.elements(record.all())["S2>B"], "Slot", name) == expected
