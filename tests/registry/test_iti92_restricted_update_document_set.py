"""What a restricted update may change of a DocumentEntry (RMU supplement: 3.92.4.1.3)."""

from dataclasses import replace

import pytest

from ebxml.refused import Refused
from hl7v2.datatypes import CX
from ihe import stored_queries as q
from registry.iti57_update_document_set import update_document_set
from registry.iti92_restricted_update_document_set import restricted_update_document_set
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    ON_DEMAND,
    OTHER_PATIENT,
    PATIENT,
    code,
    document_entry,
    submission,
)
from tests.messages.updates import status_change, update

pytestmark = pytest.mark.anyio

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
A2 = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000002a"
ENTRY = document_entry(A, unique_id="2.999.92.1")
NEW = replace(ENTRY, entry_uuid=A2, logical_id=A)


async def do(registry, entry, transaction=restricted_update_document_set, **options):
    entries = () if entry is None else (entry,)
    return await transaction(update(*entries, **options), registry.store, registry.clock, registry.new_uuid)


async def refusal(registry, entry, **options):
    with pytest.raises(Refused) as refused:
        await do(registry, entry, **options)
    return [error.code for error in refused.value.errors]


async def find(registry, status):
    return await registry.found(
        q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=PATIENT, XDSDocumentEntryStatus=[status]
    )


async def test_what_describes_a_document_may_be_changed(registry):
    """RMU supplement: 3.92.4.1.3: confidentialityCode among others."""
    await registry.register(submission(ENTRY))
    await do(registry, replace(NEW, confidentiality_code=(code("R"),)))
    assert await find(registry, APPROVED) == [A2]


async def test_a_deprecated_document_stays_deprecated(registry):
    """RMU supplement: 3.92.4.1.3: availabilityStatus is carried over."""
    await registry.register(submission(ENTRY))
    await do(registry, None, update_document_set, associations=(status_change(A),))
    await do(registry, NEW)
    assert (await find(registry, APPROVED), await find(registry, DEPRECATED)) == ([], [A2])


async def test_the_latest_version_must_be_named(registry):
    """XDSMetadataVersionError."""
    await registry.register(submission(ENTRY))
    assert await refusal(registry, NEW, previous="2") == ["XDSMetadataVersionError"]
    other = replace(NEW, logical_id="urn:uuid:eeeeeeee-0000-4000-8000-00000000000e")
    assert await refusal(registry, other) == ["XDSMetadataVersionError"]


OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unique_id": "2.999.92.2"}, "XDSMetadataIdentifierError"),
        ({"source_patient_id": CX("s2^^^&2.999.5&ISO")}, "UnmodifiableMetadataError"),
        ({"repository_unique_id": "2.999.10"}, "UnmodifiableMetadataError"),
        ({"document_availability": OFFLINE}, "UnmodifiableMetadataError"),
        ({"object_type": ON_DEMAND}, "UnmodifiableMetadataError"),
    ],
)
async def test_what_identifies_a_document_stays(registry, changes, expected):
    """RMU supplement: 3.92.4.1.3."""
    await registry.register(submission(ENTRY))
    assert await refusal(registry, replace(NEW, **changes)) == [expected]


async def test_absent_means_online(registry):
    """ITI TF-3: 4.2.3.2.30: saying so changes nothing."""
    await registry.register(submission(ENTRY))
    await do(registry, replace(NEW, document_availability=OFFLINE.replace("Offline", "Online")))


async def test_a_document_stays_its_patients(registry):
    """XDSPatientIDReconciliationError."""
    await registry.register(submission(ENTRY))
    new = replace(NEW, patient_id=OTHER_PATIENT)
    assert await refusal(registry, new, patient_id=OTHER_PATIENT) == ["XDSPatientIDReconciliationError"]
