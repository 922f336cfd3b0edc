"""The audit event of each side of every transaction (ITI TF-2: 3.20.7)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal, NamedTuple

from ihe.http_transactions import (
    CONSENT_CHANGE,
    CONSENT_READING,
    ITI_20,
    ITI_81,
    ITI_82,
    JOURNAL_READING,
    HttpTransaction,
)
from ihe.object_types import SUBMISSION_SET_NODE
from ihe.patient_identity_feed import ITI_8_ADD, ITI_8_MERGE, ITI_8_UPDATE, FeedMessage
from ihe.transactions import (
    ITI_18,
    ITI_41,
    ITI_42,
    ITI_43,
    ITI_44_ADD,
    ITI_44_MERGE,
    ITI_44_REVISE,
    ITI_51,
    ITI_57,
    ITI_61,
    ITI_62,
    ITI_86,
    ITI_92,
    Transaction,
)

Side = Literal["client", "server"]


class CodedValue(NamedTuple):
    """A code as audit messages carry it: EV(code, system, text) (DICOM PS3.15 A.5.1)."""

    code: str
    system: str
    original_text: str
    display_name: str = ""


class Action(StrEnum):
    """EventActionCode (DICOM PS3.15 A.5.2)."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class Outcome(IntEnum):
    """EventOutcomeIndicator (DICOM PS3.15 A.5.2)."""

    SUCCESS = 0
    MINOR = 4
    SERIOUS = 8
    MAJOR = 12


# EventID and EventTypeCode (DICOM PS3.16 CID 400 to 403).
APPLICATION_ACTIVITY = CodedValue("110100", "DCM", "Application Activity")
AUDIT_LOG_USED = CodedValue("110101", "DCM", "Audit Log Used")
EXPORT = CodedValue("110106", "DCM", "Export")
IMPORT = CodedValue("110107", "DCM", "Import")
PATIENT_RECORD = CodedValue("110110", "DCM", "Patient Record")
QUERY = CodedValue("110112", "DCM", "Query")
SECURITY_ALERT = CodedValue("110113", "DCM", "Security Alert")
USER_AUTHENTICATION = CodedValue("110114", "DCM", "User Authentication")
LOGIN = CodedValue("110122", "DCM", "Login")
APPLICATION_START = CodedValue("110120", "DCM", "Application Start")
APPLICATION_STOP = CodedValue("110121", "DCM", "Application Stop")
NODE_AUTHENTICATION = CodedValue("110126", "DCM", "Node Authentication")
SECURITY_CONFIGURATION = CodedValue("110129", "DCM", "Security Configuration")
USER_ATTRIBUTES_CHANGED = CodedValue("110137", "DCM", "User Security Attributes Changed")
EMERGENCY_OVERRIDE = CodedValue("110127", "DCM", "Emergency Override Started")
AUDIT_RECORDING_STOPPED = CodedValue("110133", "DCM", "Audit Recording Stopped")
AUDIT_RECORDING_STARTED = CodedValue("110134", "DCM", "Audit Recording Started")
USE_OF_RESTRICTED_FUNCTION = CodedValue("110132", "DCM", "Use of Restricted Function")

# The code system of DICOM has no word for a message that belongs to no transaction, and CID 403 may be
# extended; "Node Authentication" would hide such messages among failed TLS handshakes.
UNREADABLE_MESSAGE = CodedValue("unreadable-message", "Coffre", "Unreadable Message")
# Nor for a user whose assertion does not do.
ASSERTION_REFUSED = CodedValue("assertion-refused", "Coffre", "Assertion Refused")

# Nor for a client that sends more than it may.
TOO_MANY_REQUESTS = CodedValue("too-many-requests", "Coffre", "Too Many Requests")

# No transaction of IHE takes a merge back; operators do.
PATIENTS_UNMERGED = CodedValue("patients-unmerged", "Coffre", "Patients Unmerged")

# The system of plain codes for roles and purposes in assertions (XSPA profile of SAML).
XSPA = "XSPA"

# Purposes of use that are emergencies (HL7 v3 ActReason; the Swiss EPR's own code).
EMERGENCY_PURPOSES = frozenset({"ETREAT", "BTG", "EMER"})

CONSENT_CHANGED, CONSENT_READ = (
    CodedValue(row.number, row.system, row.name) for row in (CONSENT_CHANGE, CONSENT_READING)
)
CONSENT_DIRECTIVE = "Consent Directive"

# In what place a user works, and for whom: DICOM has roles for machines and media, none for these.
ORGANIZATION = CodedValue("organization", "Coffre", "Organization of the User")
ON_BEHALF_OF = CodedValue("on-behalf-of", "Coffre", "On Behalf Of")

# How many requests a process has answered; no standard counts them.
REQUESTS_COUNTED = CodedValue("requests-counted", "Coffre", "Requests Counted")

TRANSACTION_SYSTEM = "IHE Transactions"

# RoleIDCode (DICOM PS3.16 CID 402).
APPLICATION = CodedValue("110150", "DCM", "Application")
DESTINATION = CodedValue("110152", "DCM", "Destination Role ID")
SOURCE = CodedValue("110153", "DCM", "Source Role ID")

# NetworkAccessPointTypeCode (DICOM PS3.15 A.5.2).
MACHINE_NAME = "1"
IP_ADDRESS = "2"

# ParticipantObjectDetail types.
ACCESS_DECISION = "Access Decision"
ALERT_DESCRIPTION = "Alert Description"
AUDIT_QUERY = "Query"
QUERY_ENCODING = "QueryEncoding"
REPLACED_ENTRY = "Replaced Entry"
REPOSITORY_UNIQUE_ID = "Repository Unique Id"


# ParticipantObjectName of the log itself (DICOM PS3.15 A.5.3.2).
AUDIT_LOG_NAME = "Security Audit Log"


class About(StrEnum):
    """What a participant object of a record stands for."""

    PATIENT = "patient"
    SUBMISSION_SET = "submission set"
    QUERY = "query"
    DOCUMENT = "document"
    SUBMITTED_DOCUMENT = "submitted document"
    REGISTRY_OBJECT = "registry object"
    SECURITY_RESOURCE = "security resource"
    AUDIT_LOG = "audit log"


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """How one kind of participant object is written; an `id_type` of None is the event's own type code."""

    about: About
    type_code: str
    role: str
    id_type: CodedValue | None
    life_cycle: str = ""
    home_detail: str = ""
    message_id_detail: str = ""
    change_detail: str = ""


_PERSON, _SYSTEM_OBJECT = "1", "2"
_ORIGINATION, _PERMANENT_ERASURE = "1", "15"
PATIENT_NUMBER = CodedValue("2", "RFC-3881", "Patient Number")
_REPORT_NUMBER = CodedValue("9", "RFC-3881", "Report Number")
URI = CodedValue("12", "RFC-3881", "URI")
_SUBMISSION_SET_ID = CodedValue(SUBMISSION_SET_NODE, "IHE XDS Metadata", "submission set classificationNode")
_OBJECT_REFERENCE = CodedValue("urn:ihe:iti:2017:ObjectRef", "IHE XDS Metadata", "registry object reference")

_XCA_HOME = "urn:ihe:iti:xca:2010:homeCommunityId"
_RETRIEVE_HOME = "ihe:homeCommunityID"

PATIENT = ObjectKind(About.PATIENT, _PERSON, "1", PATIENT_NUMBER)
FED_PATIENT = ObjectKind(About.PATIENT, _PERSON, "1", PATIENT_NUMBER, message_id_detail="II")
DECIDING_PATIENT = ObjectKind(About.PATIENT, _PERSON, "1", PATIENT_NUMBER, change_detail=CONSENT_DIRECTIVE)
FED_BY_V2_PATIENT = ObjectKind(About.PATIENT, _PERSON, "1", PATIENT_NUMBER, message_id_detail="MSH-10")
SUBMISSION_SET = ObjectKind(About.SUBMISSION_SET, _SYSTEM_OBJECT, "20", _SUBMISSION_SET_ID)
STORED_QUERY = ObjectKind(About.QUERY, _SYSTEM_OBJECT, "24", None, home_detail=_XCA_HOME)
DOCUMENT = ObjectKind(About.DOCUMENT, _SYSTEM_OBJECT, "3", _REPORT_NUMBER, home_detail=_RETRIEVE_HOME)
# Beyond the tables: a patient is told what was sent to his record, also when it is gone from there.
SUBMITTED_DOCUMENT = ObjectKind(
    About.SUBMITTED_DOCUMENT, _SYSTEM_OBJECT, "3", _REPORT_NUMBER, _ORIGINATION, home_detail=_RETRIEVE_HOME
)
ERASED_DOCUMENT = ObjectKind(
    About.DOCUMENT, _SYSTEM_OBJECT, "3", _REPORT_NUMBER, _PERMANENT_ERASURE, home_detail=_RETRIEVE_HOME
)
ERASED_OBJECT = ObjectKind(About.REGISTRY_OBJECT, _SYSTEM_OBJECT, "3", _OBJECT_REFERENCE, _PERMANENT_ERASURE)
SECURITY_RESOURCE = ObjectKind(About.SECURITY_RESOURCE, _SYSTEM_OBJECT, "13", URI)
AUDIT_LOG = ObjectKind(About.AUDIT_LOG, _SYSTEM_OBJECT, "13", URI)


@dataclass(frozen=True, slots=True)
class Event:
    """What one side of a transaction records."""

    event_id: CodedValue
    action: Action


@dataclass(frozen=True, slots=True)
class AuditedTransaction:
    """One row of the audit tables.

    `source` is the side from which the content flows; `name` is the event's name where it is not the
    transaction's; `obsolete_action` is recorded for each patient that the message ends.
    """

    transaction: Transaction | FeedMessage | HttpTransaction
    client: Event
    server: Event
    objects: tuple[ObjectKind, ...]
    source: Side = "client"
    name: str = ""
    one_patient_each: bool = True
    obsolete_action: Action | None = None

    def event(self, side: Side) -> Event:
        """Return the event that this side records."""
        return self.client if side == "client" else self.server

    @property
    def event_type(self) -> CodedValue:
        """EventTypeCode EV("ITI-nn", "IHE Transactions", name) (ITI TF-2: 3.20.7)."""
        row = self.transaction
        system = row.system if isinstance(row, HttpTransaction) else TRANSACTION_SYSTEM
        return CodedValue(row.number, system, self.name or row.name)


_SEARCH = Event(QUERY, Action.EXECUTE)
_SEND = Event(EXPORT, Action.READ)
_RECEIVE = Event(IMPORT, Action.CREATE)
_SEND_UPDATE = Event(EXPORT, Action.UPDATE)
_RECEIVE_UPDATE = Event(IMPORT, Action.UPDATE)
_PATIENT_ADDED = Event(PATIENT_RECORD, Action.CREATE)
_PATIENT_CHANGED = Event(PATIENT_RECORD, Action.UPDATE)
_LOG_READ = Event(AUDIT_LOG_USED, Action.READ)
_LOG_WRITTEN = Event(AUDIT_LOG_USED, Action.CREATE)
_RECORD_READ = Event(PATIENT_RECORD, Action.READ)
_RECORD_ERASED = Event(PATIENT_RECORD, Action.DELETE)

_SUBMISSION = (PATIENT, SUBMISSION_SET, SUBMITTED_DOCUMENT)
_FEED = "Patient Identity Feed"

A = AuditedTransaction

AUDITED_TRANSACTIONS = (
    A(ITI_8_ADD, _PATIENT_ADDED, _PATIENT_ADDED, (FED_BY_V2_PATIENT,)),
    A(ITI_8_UPDATE, _PATIENT_CHANGED, _PATIENT_CHANGED, (FED_BY_V2_PATIENT,)),
    A(ITI_8_MERGE, _PATIENT_CHANGED, _PATIENT_CHANGED, (FED_BY_V2_PATIENT,), obsolete_action=Action.DELETE),
    A(ITI_18, _SEARCH, _SEARCH, (PATIENT, STORED_QUERY), one_patient_each=False),
    A(ITI_41, _SEND, _RECEIVE, _SUBMISSION),
    A(ITI_42, _SEND, _RECEIVE, _SUBMISSION),
    A(ITI_43, _RECEIVE, _SEND, (PATIENT, DOCUMENT), source="server"),
    A(ITI_44_ADD, _PATIENT_ADDED, _PATIENT_ADDED, (FED_PATIENT,), name=_FEED),
    A(ITI_44_REVISE, _PATIENT_CHANGED, _PATIENT_CHANGED, (FED_PATIENT,), name=_FEED),
    A(ITI_44_MERGE, _PATIENT_CHANGED, _PATIENT_CHANGED, (FED_PATIENT,), name=_FEED,
      obsolete_action=Action.DELETE),
    A(ITI_51, _SEARCH, _SEARCH, (PATIENT, STORED_QUERY), name="Multi-Patient Query", one_patient_each=False),
    A(ITI_57, _SEND_UPDATE, _RECEIVE_UPDATE, _SUBMISSION),
    A(ITI_61, _SEND, _RECEIVE, _SUBMISSION),
    A(ITI_62, _RECORD_ERASED, _RECORD_ERASED, (PATIENT, ERASED_OBJECT)),
    A(ITI_86, _RECORD_ERASED, _RECORD_ERASED, (PATIENT, ERASED_DOCUMENT)),
    A(ITI_92, _SEND_UPDATE, _RECEIVE_UPDATE, _SUBMISSION),
    A(CONSENT_READING, _RECORD_READ, _RECORD_READ, (DECIDING_PATIENT,)),
    A(JOURNAL_READING, _LOG_READ, _LOG_READ, (PATIENT, AUDIT_LOG)),
    A(ITI_20, _LOG_WRITTEN, _LOG_WRITTEN, (AUDIT_LOG,)),
    A(ITI_81, _LOG_READ, _LOG_READ, (PATIENT, AUDIT_LOG)),
    A(ITI_82, _LOG_READ, _LOG_READ, (AUDIT_LOG,)),
    A(CONSENT_CHANGE, _PATIENT_CHANGED, _PATIENT_CHANGED, (DECIDING_PATIENT,)),
)  # fmt: skip
BY_TRANSACTION = {row.transaction: row for row in AUDITED_TRANSACTIONS}
