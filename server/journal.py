"""The patient's journal for whoever may read it; the reading stands in it, too."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from atna_audit.journal import Journal, Wanted, journal_of
from database import Database
from registry.store import RegistryStore
from registry.titles import documents_of_patient, merged_into, titles_of_documents
from server.audit_log import audit_log
from server.settings import Configuration


@dataclass(frozen=True, slots=True)
class RegisteredDocuments:
    """The registry as the journal asks it, reading only: hidden documents are the patient's own."""

    store: RegistryStore

    async def ids_of(self, patient_id: str) -> Collection[str]:
        """The uniqueIds of the patient's documents."""
        return await documents_of_patient(patient_id, self.store)

    async def titles_of(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        """The titles of those that are still registered."""
        return await titles_of_documents(unique_ids, self.store) if unique_ids else {}

    async def former_ids_of(self, patient_id: str) -> Sequence[str]:
        """The ids that were merged into this patient's."""
        return await merged_into(patient_id, self.store)


async def read_journal(wanted: Wanted, database: Database) -> Journal:
    """The journal, each document by its title; whoever calls this records it."""
    return await journal_of(wanted, database, RegisteredDocuments(RegistryStore(database)))


async def journal_for_operator(wanted: Wanted, configuration: Configuration) -> Journal:
    """The journal for whoever runs this process; raises NoAuditLog."""
    query = ", ".join(filter(None, ("journal", wanted.words)))
    async with audit_log(configuration, query, wanted.patient_id) as log:
        return await read_journal(wanted, log.database)
