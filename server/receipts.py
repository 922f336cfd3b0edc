"""Writes, while the server runs, the receipts that changes of consent owe (`consent_broker/receipts.py`)."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cda.receipt import ReceiptDocument, Section, write_receipt
from client.codes import CodeBook
from consent_broker.directory import Directory
from consent_broker.model import Party
from consent_broker.receipt_texts import Telling, title
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
from server.configuration import BadConfiguration, code_set_of
from server.settings import Configuration, ReceiptSection
from server.toml_file import Problem

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
    codes: Mapping[str, Code]
    zone: ZoneInfo
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
        directory = Directory(self.receipts.database)
        names = {party: await directory.name_of(party) for party in receipt.parties}
        document = self._document(receipt, unique_id, names)
        writer = await self.store.staging.begin(MIME_TYPE)
        try:
            await writer.write(document)
        except BaseException:
            await writer.abandon()
            raise
        return await self.provide(self._submission(receipt, unique_id), {_ENTRY: await writer.finish()})

    def _document(self, receipt: Receipt, unique_id: str, names: Mapping[Party, str]) -> bytes:
        confidentiality = self.codes["confidentialityCode"]
        return write_receipt(
            ReceiptDocument(
                unique_id=unique_id,
                patient_id=CX(receipt.patient),
                policy=self.policy,
                at=receipt.at,
                confidentiality=(confidentiality.code, confidentiality.scheme),
                custodian_id=self.repository_unique_id,
                custodian=self.settings.custodian,
                sections=tuple(
                    Section(language, title(language), Telling(language, self.zone, names).sentences(receipt))
                    for language in self.settings.languages
                ),
            )
        )

    def _submission(self, receipt: Receipt, unique_id: str) -> Submission:
        """Metadata that say the same as the document (ITI TF-3: 5.1.2.1.1)."""
        settings, codes, patient_id = self.settings, self.codes, CX(receipt.patient)
        language = settings.languages[0]
        at = DTM(f"{receipt.at:%Y%m%d%H%M%S}")
        institution = f"{escaped(settings.custodian)}^^^^^^^^^{self.repository_unique_id}"
        author = (Author(institution=(institution,)),)
        return Submission(
            submission_sets=(
                SubmissionSet(
                    entry_uuid=_SET,
                    author=author,
                    content_type_code=codes["contentTypeCode"],
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
                    class_code=codes["classCode"],
                    type_code=codes["typeCode"],
                    format_code=codes["formatCode"],
                    event_code_list=(Code(*self.policy, (LocalizedString(title(language)),)),),
                    confidentiality_code=(codes["confidentialityCode"],),
                    healthcare_facility_type_code=codes["healthcareFacilityTypeCode"],
                    practice_setting_code=codes["practiceSettingCode"],
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


def codes_of_receipts(configuration: Configuration) -> Mapping[str, Code]:
    """What receipts are coded with, by attribute; BadConfiguration for what the domain does not know."""
    settings = configuration.receipts
    book = CodeBook(code_set_of(configuration).codes)
    codes: dict[str, Code] = {}
    problems = []
    for attribute, name, text in (
        ("classCode", "class_code", settings.class_code),
        ("typeCode", "type_code", settings.type_code),
        ("confidentialityCode", "confidentiality_code", settings.confidentiality_code),
        (
            "healthcareFacilityTypeCode",
            "healthcare_facility_type_code",
            settings.healthcare_facility_type_code,
        ),
        ("practiceSettingCode", "practice_setting_code", settings.practice_setting_code),
        ("contentTypeCode", "content_type_code", settings.content_type_code),
        ("formatCode", "", f"{ACKNOWLEDGEMENT}^^{FORMATS_SCHEME}"),
    ):
        code, _, scheme = text.partition("^^")
        if known := book.known(attribute, code, scheme):
            codes[attribute] = book.in_language(attribute, known, settings.languages[0])
        else:
            problems.append(
                Problem("", 0, f"receipts.{name}".rstrip("."), f"the domain has no {attribute} {text}")
            )
    if problems:
        raise BadConfiguration(*problems)
    return codes
