"""Consent documents as their metadata tell of them, and who may speak by them (ITI TF-3: 5.1.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ebxml.model import DocumentEntry, Submission
from hl7v2.values import DTM
from ihe.bppc import FORMAT_CODES
from ihe.object_types import DocumentEntryType

Pair = tuple[str, str]
"""A code and its coding scheme; of a policy, its OID and the domain's."""


@dataclass(frozen=True, slots=True, order=True)
class ConsentDocument:
    """What a patient acknowledges by one document, from when until when; equal if it says the same.

    `institutions` wrote it, each by the id under which assertions know it. It may have been given in the name
    of one of the `subsumed`, who were merged into the patient since.
    """

    patient_id: str
    unique_id: str
    policies: frozenset[Pair]
    institutions: frozenset[str]
    start: DTM | None
    stop: DTM | None
    subsumed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who submits or changes documents, by name for the history, and for which policies he may speak.

    In whose name he may, by patient, or `in_any_name`.
    """

    by: str = ""
    may: Mapping[str, frozenset[Pair]] | None = None
    in_any_name: frozenset[Pair] = frozenset()

    def policies_of(self, patient_id: str) -> frozenset[Pair]:
        """For which he may speak in this patient's name."""
        return (self.may or {}).get(patient_id, frozenset()) | self.in_any_name


ANYBODY: Final = Signatory()


def is_consent_document(entry: DocumentEntry) -> bool:
    """Whether its formatCode says that it is one (ITI TF-3: 5.1.2); what is yet to be made is none."""
    code = entry.format_code
    stable = entry.object_type != DocumentEntryType.ON_DEMAND
    return stable and code is not None and (code.code, code.scheme) in FORMAT_CODES


def consent_document_of(entry: DocumentEntry, patient_id: str = "") -> ConsentDocument | None:
    """What an entry says as a consent document; None if it is none.

    `patient_id` is whose it is now.
    """
    if not is_consent_document(entry):
        return None
    return ConsentDocument(
        patient_id or str(entry.patient_id or ""),
        entry.unique_id or "",
        policies_of((entry,)),
        institutions_of(entry),
        entry.service_start_time,
        entry.service_stop_time,
    )


def policies_of(entries: Iterable[DocumentEntry]) -> frozenset[Pair]:
    """Every policy that the consent documents among these acknowledge: their eventCodeList."""
    return frozenset(
        (code.code, code.scheme)
        for entry in entries
        if is_consent_document(entry)
        for code in entry.event_code_list
    )


def acknowledged_in(submission: Submission) -> frozenset[Pair]:
    """Every policy that a submission acknowledges."""
    return policies_of(submission.document_entries)


def institutions_of(entry: DocumentEntry) -> frozenset[str]:
    """The institutions that have an OID of their own, among those that wrote it (ITI TF-3: 4.2.3.1.4.1)."""
    return institution_ids(one for author in entry.author for one in author.institution)


def institution_ids(institutions: Iterable[str]) -> frozenset[str]:
    """The ids of those XONs that name an institution by its own OID, as assertions have them."""
    found = map(_oid_of, institutions)
    return frozenset(f"urn:oid:{oid}" for oid in found if oid)


def _oid_of(institution: str) -> str:
    """The tenth component of an XON, where no assigning authority stands beside it (Table 4.2.3.1.7-2)."""
    components = institution.split("^")
    if len(components) < _ID or any(components[_AUTHORITY - 1 : _AUTHORITY]):
        return ""
    return components[_ID - 1]


_AUTHORITY, _ID = 6, 10
