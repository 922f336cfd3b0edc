"""Writes, while the server runs, the receipts that changes of consent owe (`consent_broker/receipts.py`)."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from cda.receipt import ReceiptDocument, Section, write_receipt
from consent_broker.receipt_texts import sentences, title
from consent_broker.receipts import Receipt, Receipts
from database import DatabaseError
from ebxml.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    LocalizedString,
    RegistryResponse,
    Submission,
    SubmissionSet,
)
from ebxml.refused import Refused
from exchange.ports import AuditUnavailable, Clock, RegistryUnreachable, StagedDocument, StorageError
from exchange.registry_link import RegistryLink
from hl7v2.datatypes import CX, DTM
from hl7v2.er7 import escaped
from ihe.associations import HAS_MEMBER, ORIGINAL
from ihe.bppc import ACKNOWLEDGEMENT, FORMATS_SCHEME
from ihe.error_codes import ResponseStatus
from ihe.object_types import DocumentEntryType
from repository.store import RepositoryStore
from server.settings import ReceiptSection

log = logging.getLogger("coffre.server")

# One indexed read when nothing is owed; a receipt is in the record some seconds after the change.
INTERVAL_SECONDS = 1.0

# Ids of receipts come from what they are receipts of; this UUID says that they are ours, and never changes.
_RECEIPTS = uuid.UUID("0f6f2a5e-6a0c-4f5b-8f0e-3f0c9b8a7d21")

_ENTRY, _SET = "Receipt", "SubmissionSet"
MIME_TYPE = "text/xml"

Provide = Callable[[Submission, Mapping[str, StagedDocument]], Awaitable[RegistryResponse]]
"""Stores and registers, as for any other submission (ITI TF-2: 3.41)."""


@dataclass(frozen=True, slots=True)
class ReceiptWriter:
    """Puts each receipt that is owed into its patient's record, once."""

    receipts: Receipts
    policy: tuple[str, str]
    settings: ReceiptSection
    store: RepositoryStore
    registry: RegistryLink
    provide: Provide
    repository_unique_id: str
    clock: Clock

    async def write_all(self) -> None:
        """Write what is owed; what cannot be written now is owed still, and keeps nothing else from it."""
        for receipt in await self.receipts.due(self.clock()):
            try:
                if await self.receipts.take(receipt, self.clock()):
                    await self._write(receipt)
            except (AuditUnavailable, RegistryUnreachable, Refused, StorageError) as problem:
                log.warning("receipt %d is not written yet: %s", receipt.number, type(problem).__name__)

    async def _write(self, receipt: Receipt) -> None:
        unique_id = self._unique_id(receipt, "document")
        # Whoever took it before may have been cut off when it was there already.
        with self.registry.for_itself():
            if not (receipt.tried and await self.registry.registered([unique_id])):
                response = await self._provide(receipt, unique_id)
                if response.status is not ResponseStatus.SUCCESS:
                    codes = ", ".join(error.code for error in response.errors)
                    log.warning("receipt %d was refused: %s", receipt.number, codes)
                    return
        await self.receipts.written(receipt, self.clock())

    async def _provide(self, receipt: Receipt, unique_id: str) -> RegistryResponse:
        writer = await self.store.staging.begin(MIME_TYPE)
        try:
            await writer.write(self._document(receipt, unique_id))
        except BaseException:
            await writer.abandon()
            raise
        return await self.provide(self._submission(receipt, unique_id), {_ENTRY: await writer.finish()})

    def _document(self, receipt: Receipt, unique_id: str) -> bytes:
        return write_receipt(
            ReceiptDocument(
                unique_id=unique_id,
                patient_id=CX(receipt.patient),
                policy=self.policy,
                at=receipt.at,
                confidentiality=_pair(self.settings.confidentiality_code),
                custodian_id=self.repository_unique_id,
                custodian=self.settings.custodian,
                sections=tuple(
                    Section(language, title(language), sentences(receipt, language))
                    for language in self.settings.languages
                ),
            )
        )

    def _submission(self, receipt: Receipt, unique_id: str) -> Submission:
        """Metadata that say the same as the document (ITI TF-3: 5.1.2.1.1)."""
        settings, patient_id = self.settings, CX(receipt.patient)
        language = settings.languages[0]
        at = DTM(f"{receipt.at:%Y%m%d%H%M%S}")
        institution = f"{escaped(settings.custodian)}^^^^^^^^^{self.repository_unique_id}"
        author = (Author(institution=(institution,)),)
        return Submission(
            submission_sets=(
                SubmissionSet(
                    entry_uuid=_SET,
                    author=author,
                    content_type_code=_code(settings.content_type_code),
                    patient_id=patient_id,
                    source_id=self.repository_unique_id,
                    submission_time=at,
                    # The registry takes it once.
                    unique_id=self._unique_id(receipt, "submission"),
                ),
            ),
            document_entries=(
                DocumentEntry(
                    entry_uuid=_ENTRY,
                    object_type=DocumentEntryType.STABLE,
                    mime_type=MIME_TYPE,
                    author=author,
                    class_code=_code(settings.class_code),
                    type_code=_code(settings.type_code),
                    format_code=Code(ACKNOWLEDGEMENT, FORMATS_SCHEME, (LocalizedString("BPPC"),)),
                    event_code_list=(_code("^^".join(self.policy)),),
                    confidentiality_code=(_code(settings.confidentiality_code),),
                    healthcare_facility_type_code=_code(settings.healthcare_facility_type_code),
                    practice_setting_code=_code(settings.practice_setting_code),
                    creation_time=at,
                    service_start_time=at,
                    language_code=language,
                    patient_id=patient_id,
                    source_patient_id=patient_id,
                    title=(LocalizedString(title(language), lang=language),),
                    unique_id=unique_id,
                ),
            ),
            associations=(
                Association(
                    entry_uuid="Member",
                    association_type=HAS_MEMBER.urn,
                    source_object=_SET,
                    target_object=_ENTRY,
                    submission_set_status=ORIGINAL,
                ),
            ),
        )

    def _unique_id(self, receipt: Receipt, kind: str) -> str:
        """The OID of what belongs to this receipt, the same whenever it is written (ITU-T X.667)."""
        second = int(receipt.at.timestamp())
        name = f"{kind} {self.repository_unique_id} {receipt.number} {receipt.patient} {second}"
        return f"2.25.{uuid.uuid5(_RECEIPTS, name).int}"


@asynccontextmanager
async def receipts_written(writer: ReceiptWriter | None) -> AsyncIterator[None]:
    """Write what is owed, at the start and as long as the block lasts; nothing without a writer."""
    if writer is None:
        yield
        return
    writing = asyncio.create_task(_by_the_second(writer))
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing


async def _by_the_second(writer: ReceiptWriter) -> None:
    while True:
        try:
            await writer.write_all()
        except DatabaseError as problem:
            log.warning("receipts wait: %s", type(problem).__name__)
        await asyncio.sleep(INTERVAL_SECONDS)


def _pair(text: str) -> tuple[str, str]:
    code, _, scheme = text.partition("^^")
    return code, scheme


def _code(text: str) -> Code:
    code, scheme = _pair(text)
    return Code(code, scheme, (LocalizedString(code),))
