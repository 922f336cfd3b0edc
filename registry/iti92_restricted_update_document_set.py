"""Restricted Update Document Set [ITI-92]: new versions of DocumentEntries (RMU supplement: 3.92.4.1.3)."""

from ebxml.model import RegistryResponse, Submission
from exchange.consent_documents import ANYBODY, Signatory
from exchange.ports import Clock, NewUuid
from exchange.visibility import OPEN_VIEW, View
from registry.consent_documents import ConsentPort
from registry.iti57_update_document_set import do_update
from registry.store import RegistryStore
from registry.update_rules import errors_in_restricted


async def restricted_update_document_set(
    submission: Submission,
    store: RegistryStore,
    clock: Clock,
    new_uuid: NewUuid,
    view: View = OPEN_VIEW,
    signatory: Signatory = ANYBODY,
    consents: ConsentPort | None = None,
) -> RegistryResponse:
    """Store the new versions of a checked request, or raise Refused with everything that is wrong with it.

    It can name what this View shows.
    """
    return await do_update(
        submission, errors_in_restricted, store, clock, new_uuid, view, signatory, consents
    )
