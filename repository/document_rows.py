"""What the repository's tables say of a document, and the statements that ask them (ITI TF-2: 3.41, 3.43)."""

from dataclasses import dataclass

from sqlalchemy import Text, bindparam, delete, func, insert, literal_column, select, update

from database import Row, Statement, any_of
from exchange.ports import StagedDocument
from repository.master_keys import WrappedKey
from repository.tables import State, document, patient_key
from repository.vault import DocumentIdentity, PatientKey, SealedKey


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document that is about to be stored, and the patient whose it is."""

    unique_id: str
    mime_type: str
    staged: StagedDocument
    patient: str

    @property
    def identity(self) -> DocumentIdentity:
        staged = self.staged
        return DocumentIdentity(
            staged.handle, self.unique_id, self.mime_type, staged.size, staged.sha1, staged.sha256
        )


@dataclass(frozen=True, slots=True)
class DocumentCopy:
    """One stored copy of a document; all copies of one uniqueId hold the same bytes."""

    identity: DocumentIdentity
    sealed_key: SealedKey | None

    @property
    def unique_id(self) -> str:
        return self.identity.unique_id

    @property
    def patient_id(self) -> str:
        """Whose it was when it came; plain bytes do not say."""
        return self.sealed_key.patient_key.patient if self.sealed_key else ""


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A document of which it is not known whether the registry took it."""

    id: int
    unique_id: str
    blob_handle: str
    sha1: str


def copy_of_row(row: Row) -> DocumentCopy:
    """Read one row of `SELECT_COPIES`."""
    *identity, sealed_key, patient_key_id, patient, master_key_id, wrapped_key = row
    sealed = None
    if sealed_key is not None:
        patients = PatientKey(patient_key_id, patient, WrappedKey(master_key_id, bytes(wrapped_key)))
        sealed = SealedKey(patients, bytes(sealed_key))
    return DocumentCopy(DocumentIdentity(*identity), sealed)


INSERT = Statement(
    insert(document).values(
        {column.name: bindparam(column.name) for column in document.columns if column.name != "id"}
    )
)

DELETE = Statement(delete(document).where(document.c.submission_id == bindparam("submission_id")))

# In the text of the statement, or the index of pending documents would not serve it.
_PENDING = literal_column(f"'{State.PENDING}'", Text)
SELECT_PENDING = Statement(
    select(document.c.id, document.c.unique_id, document.c.blob_handle, document.c.sha1)
    .where(
        document.c.state == _PENDING,
        document.c.created_milliseconds < bindparam("before"),
        document.c.id > bindparam("after_id"),
    )
    .order_by(document.c.id)
    .limit(bindparam("count"))
)
UPDATE_STATE_OF = Statement(
    update(document).where(document.c.id == bindparam("of_id")).values(state=bindparam("new_state"))
)
DELETE_PENDING = Statement(
    delete(document).where(document.c.id == bindparam("of_id"), document.c.state == _PENDING)
)
DELETE_DOCUMENTS = Statement(
    delete(document)
    .where(any_of(document.c.unique_id, bindparam("unique_ids")))
    .returning(document.c.unique_id, document.c.blob_handle, document.c.patient_key_id)
)
SELECT_PATIENTS = Statement(
    select(patient_key.c.id, patient_key.c.patient).where(any_of(patient_key.c.id, bindparam("ids")))
)
LOCK_PATIENT_KEY = Statement(
    select(patient_key.c.id).where(patient_key.c.patient == bindparam("patient")).with_for_update()
)
DELETE_OF_PATIENT = Statement(
    delete(document)
    .where(
        document.c.patient_key_id.in_(
            select(patient_key.c.id).where(patient_key.c.patient == bindparam("patient"))
        )
    )
    .returning(document.c.blob_handle)
)
DELETE_PATIENT_KEY = Statement(delete(patient_key).where(patient_key.c.patient == bindparam("patient")))

UPDATE_STATE = Statement(
    update(document)
    .where(document.c.submission_id == bindparam("for_submission_id"))
    .values(state=bindparam("new_state"))
)

_other = document.alias("other")
SELECT_DIFFERING = Statement(
    select(document.c.unique_id, document.c.size_bytes, _other.c.size_bytes)
    .join(_other, _other.c.unique_id == document.c.unique_id)
    .where(
        document.c.submission_id == bindparam("submission_id"),
        _other.c.submission_id != document.c.submission_id,
        _other.c.sha256 != document.c.sha256,
    )
    .order_by(document.c.id)
)

# In the order of `DocumentIdentity`; plain bytes have no key of a patient.
_COPIES = select(
    document.c.blob_handle,
    document.c.unique_id,
    document.c.mime_type,
    document.c.size_bytes,
    document.c.sha1,
    document.c.sha256,
    document.c.sealed_key,
    patient_key.c.id,
    patient_key.c.patient,
    patient_key.c.master_key_id,
    patient_key.c.wrapped_key,
).outerjoin_from(document, patient_key, patient_key.c.id == document.c.patient_key_id)

SELECT_ALL = Statement(
    _COPIES.add_columns(document.c.id)
    .where(document.c.id > bindparam("after_id"))
    .order_by(document.c.id)
    .limit(bindparam("count"))
)

SELECT_PLAIN = Statement(
    _COPIES.add_columns(document.c.id)
    .where(
        document.c.id > bindparam("after_id"),
        document.c.sealed_key.is_(None),
        document.c.state == literal_column(f"'{State.AVAILABLE}'", Text),
    )
    .order_by(document.c.id)
    .limit(bindparam("count"))
)
COUNT_PLAIN = Statement(select(func.count()).select_from(document).where(document.c.sealed_key.is_(None)))
# Only as long as it is the plain copy that was read.
SEAL = Statement(
    update(document)
    .where(
        document.c.id == bindparam("of_id"),
        document.c.blob_handle == bindparam("old_handle"),
        document.c.sealed_key.is_(None),
    )
    .values(
        blob_handle=bindparam("new_handle"),
        patient_key_id=bindparam("new_patient_key_id"),
        sealed_key=bindparam("new_sealed_key"),
    )
)

# 'available' sorts before 'pending': a registered copy is served before one that may yet be removed.
SELECT_COPIES = Statement(
    _COPIES.where(any_of(document.c.unique_id, bindparam("unique_ids"))).order_by(
        document.c.unique_id, document.c.state, document.c.id
    )
)

SELECT_HANDLES = Statement(
    select(document.c.blob_handle).where(any_of(document.c.blob_handle, bindparam("handles")))
)
