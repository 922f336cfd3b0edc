"""What becomes of consent documents in a transaction: its end and its effect are committed together.

By its metadata alone, for the registry has no documents; the repository holds these against them before
(ITI TF-3: 5.1.2, docs/decisions/0020).
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import bindparam, select

from database import Statement, Transaction, any_of, constant
from ebxml.model import DocumentEntry, Submission
from ebxml.places import error_of
from ebxml.refused import Refused
from exchange.consent_documents import (
    ConsentDocument,
    Signatory,
    consent_document_of,
    is_consent_document,
)
from ihe.bppc import FORMAT_CODES
from ihe.error_codes import METADATA_UPDATE_ERROR, REGISTRY_METADATA_ERROR, RegistryError
from registry import tables as t
from registry.codes import Codes
from registry.replacement import replacements_in
from registry.stored_objects import read_stored
from registry.versions import Latest


class ConsentPort(Protocol):
    """Where consent documents take effect: the broker's side, in the registry's own transaction."""

    @property
    def takes(self) -> bool:
        """Whether new ones take effect; what former ones gave is taken back in any case."""

    def problems_in(self, document: ConsentDocument, signed: bool) -> Iterator[tuple[str, str]]:
        """Yield what keeps a document from counting, as what an attribute is or does."""

    async def follow(
        self,
        ended: Collection[ConsentDocument],
        begun: Collection[ConsentDocument],
        signatory: Signatory,
        transaction: Transaction,
    ) -> None:
        """Take back what these gave, and give what those say; Refused where the signatory may not."""


@dataclass(frozen=True, slots=True)
class Consents:
    """The consent documents of a registry whose domain gives them an effect, for one request."""

    port: ConsentPort
    signatory: Signatory
    formats: Collection[int]

    @classmethod
    async def of(cls, port: ConsentPort | None, signatory: Signatory, codes: Codes) -> "Consents | None":
        """Nothing where there are no rules."""
        # Interned, and not only looked up: another request may be the first to register one meanwhile.
        return cls(port, signatory, tuple((await codes.intern(FORMAT_CODES)).values())) if port else None

    def errors_in(self, submission: Submission) -> Iterator[RegistryError]:
        """Yield what keeps consent documents from counting, all of them (ITI TF-3: 5.1.2)."""
        if not self.port.takes:
            return
        for entry in submission.document_entries:
            if document := consent_document_of(entry):
                for attribute, problem in self.port.problems_in(
                    document, entry.legal_authenticator is not None
                ):
                    yield error_of(REGISTRY_METADATA_ERROR, entry, f"{attribute} {problem}", attribute)

    async def _in_force(
        self, patients: Collection[int], transaction: Transaction
    ) -> frozenset[ConsentDocument]:
        """What these patients' consent documents say that are Approved."""
        wanted = {"patients": sorted(patients), "formats": list(self.formats)}
        rows = await transaction.fetch(_IN_FORCE, wanted)
        found = ((read_stored(fragment or large), cx) for fragment, large, cx in rows)
        documents = (consent_document_of(obj, cx) for obj, cx in found if isinstance(obj, DocumentEntry))
        return frozenset(document for document in documents if document)

    @asynccontextmanager
    async def following(self, patients: Collection[int], transaction: Transaction) -> AsyncIterator[None]:
        """Let what the block does to consent documents of these patients take effect, or refuse it."""
        before = await self._in_force(patients, transaction)
        yield
        await self._follow(before, await self._in_force(patients, transaction), transaction)

    async def _follow(
        self,
        before: frozenset[ConsentDocument],
        after: frozenset[ConsentDocument],
        transaction: Transaction,
    ) -> None:
        ended, begun = before - after, after - before
        held = {(document.patient_id, document.unique_id) for document in after - begun}
        if any((document.patient_id, document.unique_id) in held for document in begun):
            problem = "a consent document of that uniqueId says something else, expected another uniqueId"
            raise Refused(REGISTRY_METADATA_ERROR.error(problem))
        whole = [replace(one, subsumed=await _subsumed_by(one.patient_id, transaction)) for one in ended]
        await self.port.follow(whole, begun, self.signatory, transaction)


def following(
    consents: Consents | None, patients: Collection[int], transaction: Transaction
) -> AbstractAsyncContextManager[None]:
    """Let what the block does to consent documents of these patients take effect, where they have one."""
    return consents.following(patients, transaction) if consents else nullcontext()


def concerns_consent(submission: Submission) -> bool:
    """Whether a registration may change what consent documents are in force."""
    return any(map(is_consent_document, submission.document_entries)) or any(replacements_in(submission))


def errors_in_changed_consent(
    submission: Submission, latest: Mapping[str, Latest], consents: Consents | None
) -> Iterator[RegistryError]:
    """Yield each update that would let an entry acknowledge what its document does not (ITI TF-3: 5.1.2)."""
    if consents is None or not consents.port.takes:
        return
    for entry in submission.document_entries:
        before = latest.get(entry.logical_id or "")
        if before is None or not isinstance(before.obj, DocumentEntry):
            continue
        if consent_document_of(before.obj) != consent_document_of(entry):
            problem = "an update changes what a consent document says, expected another document in its place"
            yield error_of(METADATA_UPDATE_ERROR, entry, problem, "eventCodeList")


async def _subsumed_by(patient_id: str, transaction: Transaction) -> frozenset[str]:
    """Everybody who was merged into this patient, at any remove (docs/decisions/0007)."""
    return frozenset(row[0] for row in await transaction.fetch(_SUBSUMED, {"cx": patient_id}))


_merged = select(t.patient.c.id).where(t.patient.c.cx == bindparam("cx")).cte("merged", recursive=True)
_merged = _merged.union(select(t.patient.c.id).join(_merged, t.patient.c.survivor == _merged.c.id))
_SUBSUMED = Statement(
    select(t.patient.c.cx).where(t.patient.c.id.in_(select(_merged.c.id)), t.patient.c.cx != bindparam("cx"))
)
_IN_FORCE = Statement(
    select(t.document_entry.c.fragment, t.document_entry.c.large_fragment, t.patient.c.cx)
    .join(t.patient, t.patient.c.id == t.document_entry.c.patient)
    .where(
        any_of(t.document_entry.c.patient, bindparam("patients")),
        t.document_entry.c.status == constant(t.APPROVED),
        any_of(t.document_entry.c.format_code, bindparam("formats")),
    )
)
