"""A small record to update, and how its tests look at it (MU supplement: 3.57)."""

import re
from dataclasses import replace

import pytest

from ebxml.refused import Refused
from ihe import stored_queries as q
from registry.iti57_update_document_set import update_document_set
from tests.messages.registry_objects import (
    APND,
    APPROVED,
    HAS_MEMBER,
    PATIENT,
    association,
    document_entry,
    folder,
    submission,
)
from tests.messages.updates import update

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
A2 = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000002a"
A3 = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000003a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
B2 = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000002b"
C = "urn:uuid:cccccccc-0000-4000-8000-00000000000c"
F = "urn:uuid:ffffffff-0000-4000-8000-00000000000f"
F2 = "urn:uuid:ffffffff-0000-4000-8000-00000000002f"
LINK = "urn:uuid:11111111-0000-4000-8000-000000000001"
LINK2 = "urn:uuid:11111111-0000-4000-8000-000000000002"
ABSENT = "urn:uuid:eeeeeeee-0000-4000-8000-00000000000e"

ENTRY = document_entry(A, unique_id="2.999.57.1")
SECOND = document_entry(B, unique_id="2.999.57.2")
FOLDER = folder(F, unique_id="2.999.57.3")


def version_of(obj, entry_uuid, **changes):
    return replace(obj, entry_uuid=entry_uuid, logical_id=obj.entry_uuid, **changes)


def first(pattern, text):
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


async def do(registry, *objects, **options):
    request = update(*objects, **options)
    return await update_document_set(request, registry.store, registry.clock, registry.new_uuid)


async def refusal(registry, *objects, **options):
    with pytest.raises(Refused) as refused:
        await do(registry, *objects, **options)
    return [error.code for error in refused.value.errors]


async def get(registry, entry_uuid):
    """(status, version, lid) of a DocumentEntry or Folder."""
    for query, name in ((q.GET_DOCUMENTS, "XDSDocumentEntry"), (q.GET_FOLDERS, "XDSFolder")):
        for element in (await registry.ask(query, **{f"{name}EntryUUID": [entry_uuid]})).objects:
            text = element.decode()
            status = first('status="[^"]*:([^":]*)"', text)
            return status, first('versionName="([^"]*)"', text), first('lid="([^"]*)"', text)


async def find(registry, status=APPROVED, patient_id=PATIENT, **values):
    return await registry.found(
        q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=patient_id, XDSDocumentEntryStatus=[status], **values
    )


async def joined(registry, *entry_uuids, **values):
    """(type, source, target) of every Association of these objects, those of SubmissionSets left out."""
    answer = await registry.ask(q.GET_ASSOCIATIONS, uuid=list(entry_uuids), **values)
    texts = [element.decode() for element in answer.objects]
    ends = [
        tuple(
            first(f' {name}="([^"]*)"', text) for name in ("associationType", "sourceObject", "targetObject")
        )
        for text in texts
    ]
    named = {A, A2, A3, B, B2, C, F, F2}
    return sorted(
        (kind.rpartition(":")[2], source, target)
        for kind, source, target in ends
        if {source, target} <= named
    )


async def folder_time(registry, entry_uuid):
    (element,) = (await registry.ask(q.GET_FOLDERS, XDSFolderEntryUUID=[entry_uuid])).objects
    return int(first('"lastUpdateTime"><rim:ValueList><rim:Value>([0-9]*)', element.decode()))


async def in_folder(registry):
    """Register A and B inside F."""
    members = [association(HAS_MEMBER, F, each) for each in (A, B)]
    await registry.register(submission(ENTRY, SECOND, folders=[FOLDER], associations=members))


async def appended(registry):
    """Register A, and B appended to it by LINK."""
    await registry.register(submission(ENTRY))
    link = association(APND, B, A, entry_uuid=LINK)
    await registry.register(submission(SECOND, associations=[link]))
