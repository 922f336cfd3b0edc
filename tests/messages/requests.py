"""Request bodies as a foreign sender's text templates, every id fresh; no code of the product is used."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

ITI_18 = "urn:ihe:iti:2007:RegistryStoredQuery"
ITI_41 = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
ITI_42 = "urn:ihe:iti:2007:RegisterDocumentSet-b"
ITI_43 = "urn:ihe:iti:2007:RetrieveDocumentSet"
ITI_44 = "urn:hl7-org:v3:PRPA_IN201301UV02"
ITI_51 = "urn:ihe:iti:2009:MultiPatientStoredQuery"
ITI_57 = "urn:ihe:iti:2010:UpdateDocumentSet"
ITI_61 = "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry"
ITI_62 = "urn:ihe:iti:2010:DeleteDocumentSet"
ITI_92 = "urn:ihe:iti:2018:RestrictedUpdateDocumentSet"

STORED_QUERIES = {
    "FindDocuments": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
    "FindSubmissionSets": "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9",
    "FindFolders": "urn:uuid:958f3006-baad-4929-a4de-ff1114824431",
    "GetAll": "urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3",
    "GetDocuments": "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
    "GetFolders": "urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4",
    "GetAssociations": "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155",
    "GetDocumentsAndAssociations": "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a",
    "GetSubmissionSets": "urn:uuid:51224314-5390-4169-9b91-b1980040715a",
    "GetSubmissionSetAndContents": "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83",
    "GetFolderAndContents": "urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7",
    "GetFoldersForDocument": "urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578",
    "GetRelatedDocuments": "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6",
    "FindDocumentsByReferenceId": "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492",
    "FindDocumentsByTitle": "urn:uuid:ab474085-82b5-402d-8115-3f37cb1e2405",
    "FindDocumentsExclude": "urn:uuid:4308b1df-36de-4bef-8e2e-ba91f593c435",
    "FindDocumentsForMultiplePatients": "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f",
    "FindFoldersForMultiplePatients": "urn:uuid:50d3f5ac-39a2-11de-a1ca-b366239e58df",
    "FindDocumentsByReferenceIdForMultiplePatients": "urn:uuid:1191642d-86c4-42d8-b784-f95445f9f0d5",
}
FIND_DOCUMENTS = STORED_QUERIES["FindDocuments"]
GET_ALL = STORED_QUERIES["GetAll"]
GET_DOCUMENTS = STORED_QUERIES["GetDocuments"]
GET_SUBMISSION_SET_AND_CONTENTS = STORED_QUERIES["GetSubmissionSetAndContents"]

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
PARTIAL_SUCCESS = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"

HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
UPDATE_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"

AUTHOR_OF_DOCUMENT = "93606bcf-9494-43ec-9b4e-a7748d1a838d"
AUTHOR_OF_SUBMISSION_SET = "a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
CODED = {
    "classCode": "41a5887f-8865-4c09-adf7-e362475b143a",
    "confidentialityCode": "f4f85eac-e6cb-4883-b524-f2705394840f",
    "eventCodeList": "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4",
    "formatCode": "a09d5840-386c-46f2-b5ad-9c3699a4309d",
    "healthcareFacilityTypeCode": "f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1",
    "practiceSettingCode": "cccf5598-8b07-4b77-a05e-ae952c785ead",
    "typeCode": "f0306f51-975f-434e-a61c-c59651d33983",
    "contentTypeCode": "aa543740-bdda-424e-8c96-df4873be8500",
    "codeList": "1ba97051-7806-41a8-a48b-8fce7af683c5",
}

REPOSITORY = "2.999.2.1"
AUTHORITY = "2.999.5"
NAMESPACES = (
    'xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" '
    'xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"'
)


def fresh_oid() -> str:
    """An OID that nobody has used: that of a UUID."""
    return f"2.25.{uuid.uuid4().int}"


def fresh_uuid() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def fresh_patient_id() -> str:
    """A patient id of the tests' authority, as CX."""
    return f"P{uuid.uuid4().hex[:12]}^^^&{AUTHORITY}&ISO"


def slot(name: str, *values: str) -> str:
    inside = "".join(f"<rim:Value>{escape(value)}</rim:Value>" for value in values)
    return f'<rim:Slot name="{name}"><rim:ValueList>{inside}</rim:ValueList></rim:Slot>'


def text(value: str) -> str:
    return f'<rim:Name><rim:LocalizedString value="{value}"/></rim:Name>'


def code(of: str, scheme: str, value: str, coding_scheme: str = "2.999.1") -> str:
    return (
        f'<rim:Classification id="{value}-{of}" classifiedObject="{of}" nodeRepresentation="{value}" '
        f'classificationScheme="urn:uuid:{scheme}">{slot("codingScheme", coding_scheme)}'
        f"{text(value.title())}</rim:Classification>"
    )


def author(of: str, scheme: str, *slots: str, id: str = "author") -> str:
    """An author; `slots` are what is said of him in the place of the usual name and institution."""
    said = slots or (
        slot("authorPerson", "^Weber^Anne^^^Dr"),
        slot("authorInstitution", "Clinic^^^^^^^^^2.999.61"),
    )
    return (
        f'<rim:Classification id="{id}-{of}" classifiedObject="{of}" nodeRepresentation="" '
        f'classificationScheme="urn:uuid:{scheme}">{"".join(said)}</rim:Classification>'
    )


def label(of: str, node: str) -> str:
    return (
        f'<rim:Classification id="label-{of}" classifiedObject="{of}" classificationNode="urn:uuid:{node}"/>'
    )


def identifier(of: str, scheme: str, name: str, value: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="{name}-{of}" registryObject="{of}" value="{escape(value)}" '
        f'identificationScheme="urn:uuid:{scheme}">{text(name)}</rim:ExternalIdentifier>'
    )


def codes(of: str, attribute: str, *values: str) -> str:
    """A coded attribute, each value as code^^scheme."""
    pairs = [value.split("^^") for value in values]
    return "".join(code(of, CODED[attribute], code_value, scheme) for code_value, scheme in pairs)


def document_entry(
    patient_id: str,
    unique_id: str,
    id: str = "Document1",
    mime_type: str = "text/plain",
    slots: str = "",
    object_type: str = STABLE,
    **attributes: str,
) -> str:
    """A whole rim:ExtrinsicObject; further `slots` stand before its own.

    `attributes` are what stands for the attribute of this name in the place of the usual; "" leaves it out.
    """
    usual = {
        "creationTime": slot("creationTime", "20240102030405"),
        "documentAvailability": "",
        "languageCode": slot("languageCode", "fr-LU"),
        "legalAuthenticator": "",
        "referenceIdList": "",
        "serviceStartTime": slot("serviceStartTime", "202401020300"),
        "serviceStopTime": slot("serviceStopTime", "202401020330"),
        "sourcePatientId": slot("sourcePatientId", "MRN7^^^&2.999.7&ISO"),
        "sourcePatientInfo": slot("sourcePatientInfo", "PID-5|Muller^Jeanne", "PID-8|F"),
        "URI": "",
        "title": text("Report"),
        "comments": "",
        "author": author(id, AUTHOR_OF_DOCUMENT),
        "classCode": codes(id, "classCode", "REPORT^^2.999.1"),
        "confidentialityCode": codes(id, "confidentialityCode", "N^^2.999.1"),
        "eventCodeList": "",
        "formatCode": codes(id, "formatCode", "TEXT^^2.999.1"),
        "healthcareFacilityTypeCode": codes(id, "healthcareFacilityTypeCode", "CLINIC^^2.999.1"),
        "practiceSettingCode": codes(id, "practiceSettingCode", "GENERAL^^2.999.1"),
        "typeCode": codes(id, "typeCode", "NOTE^^2.999.1"),
        "patientId": identifier(
            id, "58a6f841-87b3-4a3e-92fd-a8ffeff98427", "XDSDocumentEntry.patientId", patient_id
        ),
        "uniqueId": identifier(
            id, "2e82c1f6-a085-4c72-9da3-8640a32e42ab", "XDSDocumentEntry.uniqueId", unique_id
        ),
    }
    assert attributes.keys() <= usual.keys()
    return (
        f'<rim:ExtrinsicObject id="{id}" mimeType="{mime_type}" objectType="{object_type}">{slots}'
        + "".join((usual | attributes).values())
        + "</rim:ExtrinsicObject>"
    )


def submission_set(
    patient_id: str, unique_id: str, id: str = "SubmissionSet1", slots: str = "", **attributes: str
) -> str:
    """A whole rim:RegistryPackage that is a SubmissionSet; `attributes` as for a DocumentEntry."""
    usual = {
        "submissionTime": slot("submissionTime", "20240102030500"),
        "intendedRecipient": "",
        "title": "",
        "comments": "",
        "author": author(id, AUTHOR_OF_SUBMISSION_SET),
        "contentTypeCode": codes(id, "contentTypeCode", "VISIT^^2.999.1"),
        "label": label(id, "a54d6aa5-d40d-43f9-88c5-b4633d873bdd"),
        "patientId": identifier(
            id, "6b5aea1a-874d-4603-a4bc-96a0a7b38446", "XDSSubmissionSet.patientId", patient_id
        ),
        "sourceId": source_id("2.999.6", id),
        "uniqueId": identifier(
            id, "96fdda7c-d067-4183-912e-bf5ee74998a8", "XDSSubmissionSet.uniqueId", unique_id
        ),
    }
    assert attributes.keys() <= usual.keys()
    return (
        f'<rim:RegistryPackage id="{id}">{slots}'
        + "".join((usual | attributes).values())
        + "</rim:RegistryPackage>"
    )


def source_id(value: str, of: str = "SubmissionSet1") -> str:
    return identifier(of, "554ac39e-e3fe-47fe-b233-965d2a147832", "XDSSubmissionSet.sourceId", value)


def folder(patient_id: str, unique_id: str, id: str = "Folder1", slots: str = "", **attributes: str) -> str:
    """A whole rim:RegistryPackage that is a Folder; `attributes` as for a DocumentEntry."""
    usual = {
        "lastUpdateTime": "",
        "title": text("Pregnancy"),
        "comments": "",
        "codeList": codes(id, "codeList", "PREGNANCY^^2.999.1"),
        "label": label(id, "d9d542f3-6cc4-48b6-8870-ea235fbc94c2"),
        "patientId": identifier(
            id, "f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a", "XDSFolder.patientId", patient_id
        ),
        "uniqueId": identifier(id, "75df8f67-9973-4fbe-a900-df66cefecc5a", "XDSFolder.uniqueId", unique_id),
    }
    assert attributes.keys() <= usual.keys()
    return (
        f'<rim:RegistryPackage id="{id}">{slots}'
        + "".join((usual | attributes).values())
        + "</rim:RegistryPackage>"
    )


def association(
    source: str, target: str, type: str = HAS_MEMBER, status: str = "", id: str = "", more: str = ""
) -> str:
    """A rim:Association; `more` are further Slots, or whatever else stands behind SubmissionSetStatus."""
    return (
        f'<rim:Association id="{id or f"{source}-{target}"}" sourceObject="{source}" '
        f'targetObject="{target}" associationType="{type}">'
        f"{slot('SubmissionSetStatus', status) if status else ''}{more}</rim:Association>"
    )


def status_change(target: str, old: str = APPROVED, new: str = DEPRECATED, more: str = "") -> str:
    """An UpdateAvailabilityStatus of ITI-57; an empty status is left out."""
    slots = (slot("OriginalStatus", old) if old else "") + (slot("NewStatus", new) if new else "")
    return (
        f'<rim:Association id="change-{target}" sourceObject="SubmissionSet1" targetObject="{target}" '
        f'associationType="{UPDATE_STATUS}">{slots}{more}</rim:Association>'
    )


def submit(*objects: str) -> str:
    """An lcm:SubmitObjectsRequest of these objects, the whole body of an ITI-42."""
    return (
        f"<lcm:SubmitObjectsRequest {NAMESPACES}><rim:RegistryObjectList>"
        f"{''.join(objects)}</rim:RegistryObjectList></lcm:SubmitObjectsRequest>"
    )


def provide(submit_objects_request: str, *documents: tuple[str, str]) -> str:
    """The body of an ITI-41; `documents` are ids of DocumentEntries, and what stands in the xds:Document."""
    inside = "".join(f'<xds:Document id="{id}">{content}</xds:Document>' for id, content in documents)
    return (
        '<xds:ProvideAndRegisterDocumentSetRequest xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"{submit_objects_request}{inside}</xds:ProvideAndRegisterDocumentSetRequest>"
    )


@dataclass(frozen=True)
class Submission:
    """A submission and the ids by which to find again what it submits."""

    patient_id: str
    submit_objects_request: str
    submission_set_unique_id: str
    unique_ids: tuple[str, ...]
    folder_unique_id: str = ""

    @property
    def unique_id(self) -> str:
        """The uniqueId of the first document."""
        return self.unique_ids[0]


def submission(
    patient_id: str,
    documents: int = 1,
    *,
    slots: str = "",
    with_folder: bool = False,
    replaces: str = "",
    mime_type: str = "text/plain",
    more: Iterable[str] = (),
) -> Submission:
    """A valid submission of Document1, Document2 ...; `slots` are further ones of each DocumentEntry.

    `replaces` is the entryUUID that Document1 replaces; `more` are further objects of the list.
    """
    set_id, folder_id = fresh_oid(), fresh_oid() if with_folder else ""
    unique_ids = tuple(fresh_oid() for _ in range(documents))
    objects = [submission_set(patient_id, set_id)]
    for number, unique_id in enumerate(unique_ids, 1):
        id = f"Document{number}"
        objects.append(document_entry(patient_id, unique_id, id, mime_type, slots))
        objects.append(association("SubmissionSet1", id, status="Original"))
        if with_folder:
            in_folder = f"Folder1-{id}"
            objects.append(association("Folder1", id, id=in_folder))
            objects.append(association("SubmissionSet1", in_folder))
    if with_folder:
        objects.append(folder(patient_id, folder_id))
        objects.append(association("SubmissionSet1", "Folder1"))
    if replaces:
        objects.append(association("Document1", replaces, RPLC, id="Replaces1"))
    return Submission(patient_id, submit(*objects, *more), set_id, unique_ids, folder_id)


def registered(content_sha1: str, size: int) -> str:
    """The Slots that a repository adds before it sends the entry on by ITI-42."""
    return slot("hash", content_sha1) + slot("repositoryUniqueId", REPOSITORY) + slot("size", str(size))


def stored_query(
    query_id: str, *slots: tuple[str, str] | tuple[str, str, str], return_type: str = "LeafClass"
) -> str:
    """A query:AdhocQueryRequest; each slot is its name and its values, spelled as they are to stand there."""
    return (
        '<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
        'xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">'
        f'<query:ResponseOption returnType="{return_type}" returnComposedObjects="true"/>'
        f'<rim:AdhocQuery id="{query_id}">{"".join(slot(*one) for one in slots)}</rim:AdhocQuery>'
        "</query:AdhocQueryRequest>"
    )


def find_documents(
    patient_id: str,
    *slots: tuple[str, str] | tuple[str, str, str],
    status: str = APPROVED,
    return_type: str = "LeafClass",
) -> str:
    return stored_query(
        FIND_DOCUMENTS,
        ("$XDSDocumentEntryPatientId", f"'{patient_id}'"),
        ("$XDSDocumentEntryStatus", f"('{status}')"),
        *slots,
        return_type=return_type,
    )


def get_all(patient_id: str, *, return_type: str = "LeafClass") -> str:
    statuses = f"('{APPROVED}','{DEPRECATED}')"
    return stored_query(
        GET_ALL,
        ("$patientId", f"'{patient_id}'"),
        ("$XDSDocumentEntryStatus", statuses),
        ("$XDSSubmissionSetStatus", statuses),
        ("$XDSFolderStatus", statuses),
        return_type=return_type,
    )


def retrieve(*unique_ids: str, repository: str = REPOSITORY) -> str:
    """The body of an ITI-43."""
    requests = "".join(
        f"<xds:DocumentRequest><xds:RepositoryUniqueId>{repository}</xds:RepositoryUniqueId>"
        f"<xds:DocumentUniqueId>{unique_id}</xds:DocumentUniqueId></xds:DocumentRequest>"
        for unique_id in unique_ids
    )
    return (
        '<xds:RetrieveDocumentSetRequest xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"{requests}</xds:RetrieveDocumentSetRequest>"
    )


def patient_added(patient_id: str) -> str:
    """The body of an ITI-44, Patient Registry Record Added."""
    id, _, authority = patient_id.partition("^^^&")
    oid = authority.removesuffix("&ISO")
    return f"""<PRPA_IN201301UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0">
      <id root="{uuid.uuid4()}"/><creationTime value="20240102030405"/>
      <interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201301UV02"/>
      <processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="AL"/>
      <receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE">
       <id root="2.999.2"/></device></receiver>
      <sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE">
       <id root="2.999.8"/></device></sender>
      <controlActProcess classCode="CACT" moodCode="EVN">
       <code code="PRPA_TE201301UV02" codeSystem="2.16.840.1.113883.1.6"/>
       <subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN"><id nullFlavor="NA"/>
        <statusCode code="active"/><subject1 typeCode="SBJ"><patient classCode="PAT">
         <id root="{oid}" extension="{id}"/><statusCode code="active"/>
         <patientPerson classCode="PSN" determinerCode="INSTANCE">
          <name><family>Muller</family><given>Jeanne</given></name></patientPerson>
         <providerOrganization classCode="ORG" determinerCode="INSTANCE"><id root="{oid}"/>
          <contactParty classCode="CON"/></providerOrganization>
        </patient></subject1>
        <custodian typeCode="CST"><assignedEntity classCode="ASSIGNED"><id root="{oid}"/>
        </assignedEntity></custodian>
       </registrationEvent></subject></controlActProcess></PRPA_IN201301UV02>"""
