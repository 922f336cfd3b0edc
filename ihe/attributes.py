"""Every metadata attribute: type, carrier in ebRIM, who must send it (ITI TF-3: 4.2.3).

Reader, writer, checks, SQL columns and reference pages all follow from these rows.
"""

from dataclasses import dataclass
from enum import StrEnum


class Datatype(StrEnum):
    """The data types of ITI TF-3: Table 4.2.3.1.7-2."""

    CODE = "Code"
    CODED_STRING = "CodedString"
    AUTHOR = "Author"
    CX = "CX"
    CXI = "CXi"
    DTM = "DTM"
    FIELD = "Field"
    IDENTIFIER = "Identifier"
    INTEGER = "Integer"
    LANGUAGE = "Language"
    MIME_TYPE = "MimeType"
    OID = "OID"
    OID_URN = "OID URN"
    RECIPIENT = "XON|XCN|XTN"
    SHA1 = "SHA1"
    STRING = "String"
    TEXT = "InternationalString"
    URI = "URI"
    URN = "URN"
    UUID = "UUID"
    XCN = "XCN"
    XON = "XON"
    XTN = "XTN"


class Optionality(StrEnum):
    """Whether a sender must give the attribute (ITI TF-3: 4.3.1)."""

    R = "required"
    R2 = "required if known"
    O = "optional"
    X = "prohibited"


R, R2, O, X = Optionality.R, Optionality.R2, Optionality.O, Optionality.X


@dataclass(frozen=True, slots=True)
class XmlAttribute:
    """An attribute of the object's own element."""

    name: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A rim:Slot directly below the object."""

    name: str


@dataclass(frozen=True, slots=True)
class Classification:
    """A rim:Classification by scheme: a code, or an author's group of Slots."""

    scheme: str


@dataclass(frozen=True, slots=True)
class ExternalIdentifier:
    """A rim:ExternalIdentifier by scheme, with its fixed rim:Name."""

    scheme: str
    name: str


@dataclass(frozen=True, slots=True)
class NameElement:
    """The object's rim:Name."""


@dataclass(frozen=True, slots=True)
class DescriptionElement:
    """The object's rim:Description."""


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """The versionName of the object's rim:VersionInfo."""


Carrier = (
    XmlAttribute | Slot | Classification | ExternalIdentifier | NameElement | DescriptionElement | VersionInfo
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One metadata attribute; `field` is its name in ebxml.model, `many` that it may hold several values.

    `iti_41`, `iti_42` and `iti_61` say what that transaction's sender must do about it.
    """

    name: str
    field: str
    datatype: Datatype
    section: str
    carrier: Carrier
    iti_41: Optionality = O
    iti_42: Optionality = O
    iti_61: Optionality = O
    many: bool = False


A = Attribute
D = Datatype
S = Slot
C = Classification

DOCUMENT_ENTRY = (
    A("author", "author", D.AUTHOR, "4.2.3.2.1", C("urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"), R2, R2, R2, many=True),
    A("availabilityStatus", "availability_status", D.URN, "4.2.3.2.2", XmlAttribute("status")),
    A("classCode", "class_code", D.CODE, "4.2.3.2.3", C("urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"), R, R, R),
    A("comments", "comments", D.TEXT, "4.2.3.2.4", DescriptionElement()),
    A("confidentialityCode", "confidentiality_code", D.CODE, "4.2.3.2.5",
      C("urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"), R, R, R, many=True),
    A("creationTime", "creation_time", D.DTM, "4.2.3.2.6", S("creationTime"), R, R, X),
    A("documentAvailability", "document_availability", D.URN, "4.2.3.2.30", S("documentAvailability")),
    A("entryUUID", "entry_uuid", D.UUID, "4.2.3.2.7", XmlAttribute("id"), R, R, R),
    A("eventCodeList", "event_code_list", D.CODE, "4.2.3.2.8",
      C("urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"), many=True),
    A("formatCode", "format_code", D.CODE, "4.2.3.2.9", C("urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"), R, R, R),
    A("hash", "hash", D.SHA1, "4.2.3.2.10", S("hash"), O, R, X),
    A("healthcareFacilityTypeCode", "healthcare_facility_type_code", D.CODE, "4.2.3.2.11",
      C("urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"), R, R, R),
    A("homeCommunityId", "home_community_id", D.OID_URN, "4.2.3.2.12", XmlAttribute("home")),
    A("languageCode", "language_code", D.LANGUAGE, "4.2.3.2.13", S("languageCode"), R, R, R),
    A("legalAuthenticator", "legal_authenticator", D.XCN, "4.2.3.2.14", S("legalAuthenticator")),
    A("logicalID", "logical_id", D.UUID, "4.2.3.2.31", XmlAttribute("lid")),
    A("mimeType", "mime_type", D.MIME_TYPE, "4.2.3.2.15", XmlAttribute("mimeType"), R, R, R),
    A("objectType", "object_type", D.UUID, "4.2.3.2.29", XmlAttribute("objectType"), R, R, R),
    A("patientId", "patient_id", D.CX, "4.2.3.2.16",
      ExternalIdentifier("urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427", "XDSDocumentEntry.patientId"), R, R, R),
    A("practiceSettingCode", "practice_setting_code", D.CODE, "4.2.3.2.17",
      C("urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"), R, R, R),
    A("referenceIdList", "reference_id_list", D.CXI, "4.2.3.2.28", S("urn:ihe:iti:xds:2013:referenceIdList"), many=True),
    A("repositoryUniqueId", "repository_unique_id", D.OID, "4.2.3.2.18", S("repositoryUniqueId"), O, R, R),
    A("serviceStartTime", "service_start_time", D.DTM, "4.2.3.2.19", S("serviceStartTime"), R2, R2, O),
    A("serviceStopTime", "service_stop_time", D.DTM, "4.2.3.2.20", S("serviceStopTime"), R2, R2, O),
    A("size", "size", D.INTEGER, "4.2.3.2.21", S("size"), O, R, X),
    A("sourcePatientId", "source_patient_id", D.CX, "4.2.3.2.22", S("sourcePatientId"), R, R, R),
    A("sourcePatientInfo", "source_patient_info", D.FIELD, "4.2.3.2.23", S("sourcePatientInfo"), many=True),
    A("title", "title", D.TEXT, "4.2.3.2.24", NameElement()),
    A("typeCode", "type_code", D.CODE, "4.2.3.2.25", C("urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"), R, R, R),
    A("uniqueId", "unique_id", D.IDENTIFIER, "4.2.3.2.26",
      ExternalIdentifier("urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", "XDSDocumentEntry.uniqueId"), R, R, R),
    A("URI", "uri", D.URI, "4.2.3.2.27", S("URI")),
    A("version", "version", D.INTEGER, "4.2.3.2.32", VersionInfo()),
)  # fmt: skip

SUBMISSION_SET = (
    A("author", "author", D.AUTHOR, "4.2.3.3.1", C("urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"), R2, R2, R2, many=True),
    A("availabilityStatus", "availability_status", D.URN, "4.2.3.3.2", XmlAttribute("status")),
    A("comments", "comments", D.TEXT, "4.2.3.3.3", DescriptionElement()),
    A("contentTypeCode", "content_type_code", D.CODE, "4.2.3.3.4",
      C("urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"), R, R, R),
    A("entryUUID", "entry_uuid", D.UUID, "4.2.3.3.5", XmlAttribute("id"), R, R, R),
    A("homeCommunityId", "home_community_id", D.OID_URN, "4.2.3.3.6", XmlAttribute("home")),
    A("intendedRecipient", "intended_recipient", D.RECIPIENT, "4.2.3.3.7", S("intendedRecipient"), many=True),
    A("logicalID", "logical_id", D.UUID, "4.2.3.3", XmlAttribute("lid")),
    A("patientId", "patient_id", D.CX, "4.2.3.3.8",
      ExternalIdentifier("urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446", "XDSSubmissionSet.patientId"), R, R, R),
    A("sourceId", "source_id", D.OID, "4.2.3.3.9",
      ExternalIdentifier("urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832", "XDSSubmissionSet.sourceId"), R, R, R),
    A("submissionTime", "submission_time", D.DTM, "4.2.3.3.10", S("submissionTime"), R, R, R),
    A("title", "title", D.TEXT, "4.2.3.3.11", NameElement()),
    A("uniqueId", "unique_id", D.OID, "4.2.3.3.12",
      ExternalIdentifier("urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8", "XDSSubmissionSet.uniqueId"), R, R, R),
    A("version", "version", D.INTEGER, "4.2.3.3", VersionInfo()),
)  # fmt: skip

FOLDER = (
    A("availabilityStatus", "availability_status", D.URN, "4.2.3.4.1", XmlAttribute("status")),
    A("codeList", "code_list", D.CODE, "4.2.3.4.2",
      C("urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5"), R, R, R, many=True),
    A("comments", "comments", D.TEXT, "4.2.3.4.3", DescriptionElement()),
    A("entryUUID", "entry_uuid", D.UUID, "4.2.3.4.4", XmlAttribute("id"), R, R, R),
    A("homeCommunityId", "home_community_id", D.OID_URN, "4.2.3.4.5", XmlAttribute("home")),
    A("lastUpdateTime", "last_update_time", D.DTM, "4.2.3.4.6", S("lastUpdateTime")),
    A("logicalID", "logical_id", D.UUID, "4.2.3.4.10", XmlAttribute("lid")),
    A("patientId", "patient_id", D.CX, "4.2.3.4.7",
      ExternalIdentifier("urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a", "XDSFolder.patientId"), R, R, R),
    A("title", "title", D.TEXT, "4.2.3.4.8", NameElement(), R, R, R),
    A("uniqueId", "unique_id", D.OID, "4.2.3.4.9",
      ExternalIdentifier("urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a", "XDSFolder.uniqueId"), R, R, R),
    A("version", "version", D.INTEGER, "4.2.3.4.11", VersionInfo()),
)  # fmt: skip

ASSOCIATION = (
    A("associationType", "association_type", D.URN, "4.2.2", XmlAttribute("associationType"), R, R, R),
    A("availabilityStatus", "availability_status", D.URN, "4.2.3.1", XmlAttribute("status"), X, X, X),
    A("entryUUID", "entry_uuid", D.UUID, "4.2.3.1", XmlAttribute("id"), R, R, R),
    A("homeCommunityId", "home_community_id", D.OID_URN, "4.2.3.1", XmlAttribute("home")),
    A("logicalID", "logical_id", D.UUID, "4.2.3.1", XmlAttribute("lid")),
    A("sourceObject", "source_object", D.UUID, "4.2.2", XmlAttribute("sourceObject"), R, R, R),
    A("targetObject", "target_object", D.UUID, "4.2.2", XmlAttribute("targetObject"), R, R, R),
    A("submissionSetStatus", "submission_set_status", D.STRING, "4.2.2.2.1", S("SubmissionSetStatus")),
    A("previousVersion", "previous_version", D.INTEGER, "4.2.2.2", S("PreviousVersion")),
    A("associationPropagation", "association_propagation", D.STRING, "4.2.2.2", S("AssociationPropagation")),
    A("originalStatus", "original_status", D.URN, "4.2.2.2", S("OriginalStatus")),
    A("newStatus", "new_status", D.URN, "4.2.2.2", S("NewStatus")),
    A("associationDocumentation", "association_documentation", D.CODE, "4.2.2.2",
      C("urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3")),
    A("title", "title", D.TEXT, "4.2.3.1", NameElement()),
    A("comments", "comments", D.TEXT, "4.2.3.1", DescriptionElement()),
    A("version", "version", D.INTEGER, "4.2.3.1", VersionInfo()),
)  # fmt: skip

# The Slots inside an author Classification (ITI TF-3: 4.2.3.1.4).
AUTHOR_PARTS = (
    A("authorPerson", "person", D.XCN, "4.2.3.1.4.2", S("authorPerson")),
    A("authorInstitution", "institution", D.XON, "4.2.3.1.4.1", S("authorInstitution"), many=True),
    A("authorRole", "role", D.CODED_STRING, "4.2.3.1.4.3", S("authorRole"), many=True),
    A("authorSpecialty", "specialty", D.CODED_STRING, "4.2.3.1.4.4", S("authorSpecialty"), many=True),
    A("authorTelecommunication", "telecommunication", D.XTN, "4.2.3.1.4.5", S("authorTelecommunication"), many=True),
)  # fmt: skip

# Slots whose name begins so are the framework's own; an unknown one is an error, not extra metadata.
RESERVED_SLOT_PREFIX = "urn:ihe:"
