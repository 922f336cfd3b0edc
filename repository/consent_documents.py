"""Whether a consent document says what its metadata say: the registry acts on these (ITI TF-3: 5.1.2)."""

import asyncio
from collections.abc import Iterator, Mapping

from cda.acknowledgement import (
    MAX_ACKNOWLEDGEMENT_BYTES,
    Acknowledgement,
    NotAcknowledgement,
    read_acknowledgement,
)
from ebxml.model import DocumentEntry, Submission
from ebxml.places import error_of
from exchange.consent_documents import institution_ids, institutions_of, is_consent_document, policies_of
from exchange.ports import StagedDocument
from hl7v2.datatypes import CX
from ihe.bppc import ACKNOWLEDGEMENT, SCANNED_ACKNOWLEDGEMENT
from ihe.error_codes import REPOSITORY_METADATA_ERROR, RegistryError
from repository.store import RepositoryStore


async def errors_in_consent_documents(
    submission: Submission, documents: Mapping[str, StagedDocument], store: RepositoryStore
) -> tuple[RegistryError, ...]:
    """Everything that keeps consent documents from being taken at their metadata's word."""
    errors: list[RegistryError] = []
    for entry in submission.document_entries:
        staged = documents.get(entry.entry_uuid)
        if staged and is_consent_document(entry):
            errors += [
                error_of(REPOSITORY_METADATA_ERROR, entry, f"{attribute} {problem}", attribute)
                for attribute, problem in await _problems_in(entry, staged, store)
            ]
    return tuple(errors)


async def _problems_in(
    entry: DocumentEntry, staged: StagedDocument, store: RepositoryStore
) -> list[tuple[str, str]]:
    if staged.size > MAX_ACKNOWLEDGEMENT_BYTES:
        return [
            ("size", f"is {staged.size}, expected {MAX_ACKNOWLEDGEMENT_BYTES} at most of a consent document")
        ]
    content = await store.staged_content(staged)
    try:
        # Some megabytes of a scanned page would keep everybody waiting.
        acknowledgement = await asyncio.to_thread(read_acknowledgement, content)
    except NotAcknowledgement as problem:
        return [("formatCode", f"is wrong, the document is no acknowledgement of policies: {problem}")]
    return list(differences(acknowledgement, entry))


def differences(document: Acknowledgement, entry: DocumentEntry) -> Iterator[tuple[str, str]]:
    """Yield what the entry says otherwise than its document, attribute by attribute (ITI TF-3: 5.1.2.1.1)."""
    header = document.header
    policies = frozenset((code.code, code.scheme) for code in header.event_code_list)
    yield from _unequal("uniqueId", entry.unique_id, header.unique_id)
    yield from _unequal("eventCodeList", _listed(policies_of((entry,))), _listed(policies))
    yield from _unequal("serviceStartTime", entry.service_start_time, document.start)
    yield from _unequal("serviceStopTime", entry.service_stop_time, document.stop)
    format_code = entry.format_code.code if entry.format_code else None
    expected = SCANNED_ACKNOWLEDGEMENT if document.scanned else ACKNOWLEDGEMENT
    yield from _unequal("formatCode", format_code, expected)
    if not _is_of_patient(entry, header.patient_ids):
        yield "patientId", "is not that of the document"
    if (entry.legal_authenticator is not None) != document.signed:
        yield (
            "legalAuthenticator",
            "is missing, the document is signed" if document.signed else "has signed no such document",
        )
    written = institution_ids(str(one) for author in header.author for one in author.institution)
    for institution in sorted(institutions_of(entry) - written):
        yield "author", f"is {institution}, which has not written the document"


def _unequal(attribute: str, said: str | None, expected: str | None) -> Iterator[tuple[str, str]]:
    if (said or "") != (expected or ""):
        yield attribute, f"is {said or 'missing'}, the document says {expected or 'nothing'}"


def _listed(policies: frozenset[tuple[str, str]]) -> str:
    return ", ".join(f"{code}^^{scheme}" for code, scheme in sorted(policies))


def _is_of_patient(entry: DocumentEntry, patient_ids: tuple[CX, ...]) -> bool:
    """By the domain's id where the document has one, else by the id that its source knows him by."""
    patient_id = entry.patient_id
    if patient_id is None:
        return False
    of_domain = [one for one in patient_ids if one.assigning_authority == patient_id.assigning_authority]
    return patient_id in of_domain if of_domain else entry.source_patient_id in patient_ids
