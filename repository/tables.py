"""What the repository remembers of a document, whose bytes lie in the blob store (ITI TF-2: 3.41.4.1.3)."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()


class State(StrEnum):
    """How far a document has come; it can be retrieved in both states."""

    PENDING = "pending"
    """Durable here, and the registry has not yet said that its metadata are."""

    AVAILABLE = "available"
    """Registered."""


# The key under which the keys of one patient's documents are sealed, itself wrapped by a master key.
# When its row is gone, so are the documents.
patient_key = Table(
    "patient_key",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("patient", Text, nullable=False, unique=True),
    Column("master_key_id", Text, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("created_milliseconds", BigInteger, nullable=False),
)

# One row for each document of each submission. A uniqueId may have several rows, always of the same
# bytes: when a submission fails, its rows go and an earlier submission keeps its own.
document = Table(
    "document",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("unique_id", Text, nullable=False),
    # Names one arrival of a submission, not its SubmissionSet: a source may send the same one again.
    Column("submission_id", Text, nullable=False),
    # Not unique: two xds:Document elements of one message may refer to the same MIME part.
    Column("blob_handle", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    # UTC, as an integer because both engines and both raw drivers agree on what that is.
    Column("created_milliseconds", BigInteger, nullable=False),
    # The key of the blob, sealed under the patient's for this row and no other; neither for plain bytes.
    Column("patient_key_id", BigInteger, ForeignKey("patient_key.id")),
    Column("sealed_key", LargeBinary),
    CheckConstraint("state IN ('pending', 'available')", name="ck_document_state"),
    Index("ix_document_unique_id", "unique_id"),
    Index("ix_document_submission_id", "submission_id"),
    Index("ix_document_blob_handle", "blob_handle"),
    Index("ix_document_patient_key_id", "patient_key_id"),
    # Few at any time, and looked for every minute.
    Index(
        "ix_document_pending",
        "id",
        postgresql_where=text("state = 'pending'"),
        sqlite_where=text("state = 'pending'"),
    ),
)
