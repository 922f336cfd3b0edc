"""The keys of the vault: master key over patient's key over document's key (docs/decisions/0005).

A document is sealed under a key of its own from its first byte, when nobody knows yet whose it is. The
patient's key seals that key when the row is written, so no document is ever written anew; to destroy the
patient's key destroys every document of the patient, wherever copies of the files may lie.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import LargeBinary, Text, bindparam, exists, insert, select, type_coerce, update

from database import Database, Row, Statement
from exchange.ports import StorageError
from repository.master_keys import (
    BadMasterKey,
    Keyring,
    MasterKeys,
    WrappedKey,
    master_keys_in_file,
    master_keys_in_text,
    open_key,
    seal_key,
)
from repository.sealing import new_key
from repository.tables import patient_key
from repository.token_master_keys import Token, TokenMasterKeys

# How many patients' keys one transaction wraps anew: writers wait no longer than for a submission.
REWRAP_BATCH = 200


@dataclass(frozen=True, slots=True)
class PatientKey:
    """The key of one patient's documents, as it lies in the database."""

    id: int
    patient: str
    wrapped: WrappedKey


@dataclass(frozen=True, slots=True)
class DocumentIdentity:
    """What a document's key is bound to: in another row, or beside other facts, it opens nothing."""

    blob_handle: str
    unique_id: str
    mime_type: str
    size_bytes: int
    sha1: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A document's key under its patient's."""

    patient_key: PatientKey
    content: bytes = field(repr=False)


class Vault:
    """Gives every patient a key, and opens with it what it has sealed."""

    def __init__(self, database: Database, master_keys: MasterKeys) -> None:
        self._database = database
        self._master_keys = master_keys

    async def patient_key(self, patient: str, at: datetime) -> tuple[PatientKey, bytes]:
        """The patient's key, made if there is none; as a row and open."""
        found = await self._find(patient)
        if found is None:
            wrapped = await self._master_keys.wrap(new_key(), _patient_context(patient))
            row = {
                "patient": patient,
                "master_key_id": wrapped.master_key_id,
                "wrapped_key": wrapped.content,
                "created_milliseconds": int(at.timestamp() * 1000),
            }
            await self._database.transact(lambda transaction: transaction.execute(_INSERT, row))
            # Not ours if another submission for the patient was there first.
            found = await self._find(patient)
        if found is None:
            raise StorageError("a patient's key was destroyed while it was made")
        return found, await self._open(found)

    async def add_master_key(self) -> None:
        """Make one more master key where those are that wrap."""
        await self._master_keys.add()

    def seal(self, patient_key: bytes, document: DocumentIdentity, key: bytes) -> bytes:
        """A document's key under its patient's."""
        return seal_key(patient_key, key, _document_context(document))

    async def document_key(self, sealed: SealedKey, document: DocumentIdentity) -> bytes:
        """A document's key; StorageError if it is not this document's."""
        key = await self._open(sealed.patient_key)
        return open_key(key, sealed.content, _document_context(document))

    async def rewrap(self) -> int:
        """Wrap every patient's key by the newest master key; the answer is how many were not."""
        count = 0
        while batch := await self._wrapped_by_others():
            rows = []
            for row in batch:
                each = _patient_key(row)
                again = await self._master_keys.wrap(await self._open(each), _patient_context(each.patient))
                rows.append(
                    {
                        "of_id": each.id,
                        "old_master_key_id": each.wrapped.master_key_id,
                        "new_master_key_id": again.master_key_id,
                        "new_wrapped_key": again.content,
                    }
                )
            async with self._database.transaction() as transaction:
                await transaction.execute(_UPDATE, rows)
            count += len(rows)
        return count

    async def _wrapped_by_others(self) -> list[Row]:
        # Asked for each batch: if another key is added meanwhile, that is the newest from then on.
        newest = await self._master_keys.newest_id()
        return await self._database.fetch(_SELECT_OTHERS, {"newest": newest, "count": REWRAP_BATCH})

    async def _find(self, patient: str) -> PatientKey | None:
        rows = await self._database.fetch(_SELECT, {"patient": patient})
        return _patient_key(rows[0]) if rows else None

    async def _open(self, found: PatientKey) -> bytes:
        return await self._master_keys.unwrap(found.wrapped, _patient_context(found.patient))


async def open_vault(database: Database, path: Path, text: str = "", token: Token | None = None) -> Vault:
    """The vault of the master keys in this token, text or file; BadMasterKey if they open not all there is.

    A file that is not there is made only as long as nothing was sealed: a new key would open none of it.
    """
    in_use = [master_key_id for (master_key_id,) in await database.fetch(_SELECT_MASTER_KEY_IDS)]
    keys: MasterKeys
    if token is None:
        where = "the environment" if text else str(path)
        keys = _local_keys(path, text, create=not in_use)
    else:
        where = f"the token {token.label} nor {'the environment' if text else path}"
        of_token = await TokenMasterKeys.open(token)
        if token.retired:
            keys = Keyring(_local_keys(path, text, create=True), of_token)
        elif bool(text) or await asyncio.to_thread(path.exists):
            keys = Keyring(of_token, _local_keys(path, text, create=False))
        else:
            keys = of_token
    missing = [master_key_id for master_key_id in in_use if not await keys.knows(master_key_id)]
    if missing:
        raise BadMasterKey(
            f"documents are sealed under master key {', '.join(missing)}, which is not in {where}; "
            "put its copy back, there is no other way to read them"
        )
    return Vault(database, keys)


def _local_keys(path: Path, text: str, *, create: bool) -> MasterKeys:
    return master_keys_in_text(text) if text else master_keys_in_file(path, create)


def _patient_key(row: Row) -> PatientKey:
    id_, patient, master_key_id, content = row
    return PatientKey(id_, patient, WrappedKey(master_key_id, bytes(content)))


def _patient_context(patient: str) -> bytes:
    return _context(b"coffre patient key 1", patient)


def _document_context(document: DocumentIdentity) -> bytes:
    return _context(
        b"coffre document key 1",
        document.blob_handle,
        document.unique_id,
        document.mime_type,
        str(document.size_bytes),
        document.sha1,
        document.sha256,
    )


def _context(label: bytes, *facts: str) -> bytes:
    """The facts one after the other, each with its length, so that no other facts give the same bytes."""
    pieces = [label]
    for fact in facts:
        content = fact.encode()
        pieces += [len(content).to_bytes(4), content]
    return b"".join(pieces)


_COLUMNS = (patient_key.c.id, patient_key.c.patient, patient_key.c.master_key_id, patient_key.c.wrapped_key)
_patient = type_coerce(bindparam("patient"), Text)

_SELECT = Statement(select(*_COLUMNS).where(patient_key.c.patient == bindparam("patient")))
_INSERT = Statement(
    insert(patient_key)
    .inline()
    .from_select(
        ["patient", "master_key_id", "wrapped_key", "created_milliseconds"],
        select(
            _patient,
            type_coerce(bindparam("master_key_id"), Text),
            type_coerce(bindparam("wrapped_key"), LargeBinary),
            bindparam("created_milliseconds", type_=patient_key.c.created_milliseconds.type),
        ).where(~exists().where(patient_key.c.patient == _patient)),
    )
)
_SELECT_MASTER_KEY_IDS = Statement(select(patient_key.c.master_key_id).distinct())
_SELECT_OTHERS = Statement(
    select(*_COLUMNS)
    .where(patient_key.c.master_key_id != bindparam("newest"))
    .order_by(patient_key.c.id)
    .limit(bindparam("count"))
)
# Only what has not been wrapped anew, or destroyed, in the meantime.
_UPDATE = Statement(
    update(patient_key)
    .where(
        patient_key.c.id == bindparam("of_id"),
        patient_key.c.master_key_id == bindparam("old_master_key_id"),
    )
    .values(master_key_id=bindparam("new_master_key_id"), wrapped_key=bindparam("new_wrapped_key"))
)
