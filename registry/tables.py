"""What the Document Registry stores: one schema for PostgreSQL and SQLite (ITI TF-3: 4.2).

Every object has an `id` made of a patient's number and a running one, so that one patient's rows lie
together. `patient` says to whom it belongs now: a merge of patients changes that, and never the id. A
`fragment` is the object's answer element, compressed, without its status.
"""

from enum import IntEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from ihe.associations import ASSOCIATION_TYPES
from ihe.object_types import DocumentEntryType, Status

metadata = MetaData()

# An object's id is patient.id * OBJECTS_PER_PATIENT + n. 16 million objects are a thousand times the largest
# record known, and leave a signed 64-bit integer room for 2**39 patients.
OBJECTS_PER_PATIENT = 2**24

# A row of a PostgreSQL B-tree holds at most 2704 bytes; a fragment of this size fits beside the rest.
INDEXED_FRAGMENT_BYTES = 2048


class Kind(IntEnum):
    """What an entry of the directories is."""

    DOCUMENT_ENTRY = 1
    SUBMISSION_SET = 2
    FOLDER = 3
    ASSOCIATION = 4


STATUS_NUMBERS: dict[str, int] = {Status.APPROVED: 0, Status.DEPRECATED: 1}
STATUS_OF_NUMBER = {number: urn for urn, number in STATUS_NUMBERS.items()}
APPROVED = STATUS_NUMBERS[Status.APPROVED]
DEPRECATED = STATUS_NUMBERS[Status.DEPRECATED]

OBJECT_TYPE_NUMBERS: dict[str, int] = {DocumentEntryType.STABLE: 0, DocumentEntryType.ON_DEMAND: 1}
STABLE = OBJECT_TYPE_NUMBERS[DocumentEntryType.STABLE]
ON_DEMAND = OBJECT_TYPE_NUMBERS[DocumentEntryType.ON_DEMAND]

AVAILABILITY_NUMBERS: dict[str | None, int] = {
    None: 0,  # absent means Online (ITI TF-3: 4.2.3.2.30)
    "urn:ihe:iti:2010:DocumentAvailability:Online": 0,
    "urn:ihe:iti:2010:DocumentAvailability:Offline": 1,
}

# Stored for good: a number is never given to another name.
_ASSOCIATION_TYPE_NAMES = {
    1: "HasMember", 2: "RPLC", 3: "XFRM", 4: "APND", 5: "XFRM_RPLC", 6: "signs", 7: "IsSnapshotOf"
}  # fmt: skip
ASSOCIATION_TYPE_NUMBERS = {
    row.urn: number
    for number, name in _ASSOCIATION_TYPE_NAMES.items()
    for row in ASSOCIATION_TYPES.values()
    if row.name == name
}

# SQLite keeps a list as JSON text and a UUID as its 36 characters; the raw drivers pass both through.
_INTEGERS = ARRAY(Integer).with_variant(Text(), "sqlite")
_TEXTS = ARRAY(Text).with_variant(Text(), "sqlite")
_UUID = Uuid(as_uuid=False).with_variant(Text(), "sqlite")

patient = Table(
    "patient",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("cx", Text, nullable=False, unique=True),
    # The highest running number given to an object of this patient; its update is the patient's lock.
    Column("last_object", Integer, nullable=False),
    # 14 digits, UTC.
    Column("created", BigInteger, nullable=False),
    # Into whom the identity feed merged this patient; null for one who stands for himself.
    Column("survivor", Integer, ForeignKey("patient.id")),
)
_merged = patient.c.survivor.is_not(None)
Index("ix_patient_survivor", patient.c.survivor, postgresql_where=_merged, sqlite_where=_merged)

code = Table(
    "code",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    UniqueConstraint("code", "scheme", name="uq_code"),
)

# Every entryUUID there is, whatever the kind of its object.
registered_object = Table(
    "registered_object",
    metadata,
    Column("entry_uuid", _UUID, primary_key=True),
    Column("id", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Every uniqueId there is, with its first holder: later ones are DocumentEntries of identical documents.
registered_unique_id = Table(
    "registered_unique_id",
    metadata,
    Column("unique_id", Text, primary_key=True),
    Column("id", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)

document_entry = Table(
    "document_entry",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("patient", Integer, ForeignKey("patient.id"), nullable=False),
    Column("entry_uuid", _UUID, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("logical_id", _UUID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("object_type", SmallInteger, nullable=False),
    Column("availability", SmallInteger, nullable=False),
    Column("class_code", Integer),
    Column("type_code", Integer),
    Column("format_code", Integer),
    Column("healthcare_facility_type_code", Integer),
    Column("practice_setting_code", Integer),
    Column("confidentiality_code", _INTEGERS, nullable=False),
    Column("event_code_list", _INTEGERS, nullable=False),
    # 14 digits, UTC, filled up from below.
    Column("creation_time", BigInteger),
    Column("service_start_time", BigInteger),
    Column("service_stop_time", BigInteger),
    Column("author_person", _TEXTS, nullable=False),
    Column("author_institution", _TEXTS, nullable=False),
    Column("title", _TEXTS, nullable=False),
    Column("reference_id_list", _TEXTS, nullable=False),
    Column("repository_unique_id", Text),
    Column("hash", LargeBinary),
    Column("size_bytes", BigInteger),
    # Who sent it, as far as it was proven; null where the sender gave no proof. All versions have the same.
    Column("depositor", Text),
    # One of the two is null: what is small enough to ride in the index, and what is not.
    Column("fragment", LargeBinary),
    Column("large_fragment", LargeBinary),
    # What FindDocuments most often filters and answers stands in the index itself: no visit to the table.
    Index(
        "ix_document_entry_patient",
        "patient",
        "status",
        postgresql_include=[
            "id", "latest", "object_type", "availability", "class_code", "type_code", "format_code",
            "healthcare_facility_type_code", "practice_setting_code", "creation_time", "service_start_time",
            "service_stop_time", "fragment",
        ],
    ),
    Index("ix_document_entry_unique_id", "unique_id"),
    Index("ix_document_entry_logical_id", "logical_id"),
    # By what else than its patient a document is looked for (ITI TF-2: 3.51.4.1.2.3).
    Index("ix_document_entry_class_code", "class_code"),
    Index("ix_document_entry_healthcare_facility_type_code", "healthcare_facility_type_code"),
)  # fmt: skip

submission_set = Table(
    "submission_set",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("patient", Integer, ForeignKey("patient.id"), nullable=False),
    Column("entry_uuid", _UUID, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("submission_time", BigInteger, nullable=False),
    Column("content_type_code", Integer),
    Column("author_person", _TEXTS, nullable=False),
    Column("fragment", LargeBinary, nullable=False),
    Index("ix_submission_set_patient", "patient", "status"),
)

folder = Table(
    "folder",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("patient", Integer, ForeignKey("patient.id"), nullable=False),
    Column("entry_uuid", _UUID, nullable=False),
    Column("logical_id", _UUID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
    Column("code_list", _INTEGERS, nullable=False),
    Column("fragment", LargeBinary, nullable=False),
    Index("ix_folder_patient", "patient", "status"),
    Index("ix_folder_logical_id", "logical_id"),
)

association = Table(
    "association",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("patient", Integer, ForeignKey("patient.id"), nullable=False),
    Column("entry_uuid", _UUID, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("association_type", SmallInteger, nullable=False),
    Column("source", BigInteger, nullable=False),
    Column("target", BigInteger, nullable=False),
    # When it was registered: 14 digits, UTC; null for those from before this was noted.
    Column("registered", BigInteger),
    Column("fragment", LargeBinary, nullable=False),
    Index("ix_association_source", "source"),
    Index("ix_association_target", "target"),
)

# Which documents gave way to which: `document` was Deprecated because `replacement` replaced it, or replaced
# what it was derived from. To whoever may not see any of the replacements it is still Approved.
withdrawal = Table(
    "withdrawal",
    metadata,
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Column("replacement", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_withdrawal_replacement", "replacement"),
    sqlite_with_rowid=False,
)

# Lists whose elements are indexed, by what only one of the two databases has: migration 0004 makes these
# indexes, `database.overlaps_by_index` uses them.
INDEXED_LISTS = (document_entry.c.event_code_list, document_entry.c.reference_id_list, folder.c.code_list)
