"""Columns come back from the stored elements, whatever became of them (ITI TF-3: 4.2.3)."""

import random

import pytest
from sqlalchemy import literal, null, select, update

from database import Statement
from ebxml.model import LocalizedString
from hl7v2.datatypes import DTM
from ihe import stored_queries as q
from registry import rebuild as rebuilding
from registry import tables as t
from registry.merge import merge_patients
from registry.rebuild import Rebuilt, rebuild
from tests.messages.registry_objects import (
    APPROVED,
    HAS_MEMBER,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    association,
    code,
    document_entry,
    folder,
    submission,
)

pytestmark = pytest.mark.anyio

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
F = "urn:uuid:ffffffff-0000-4000-8000-00000000000f"
TABLES = (t.document_entry, t.submission_set, t.folder, t.association)


@pytest.fixture
async def filled(registry):
    """Documents small and large, a replacement in a Folder, and a patient merged into another."""
    large = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9000))
    first = document_entry(
        A,
        title=(LocalizedString("Blood count"),),
        event_code_list=(code("E1"), code("E2")),
        reference_id_list=("r1^^^&2.999.8&ISO^urn:ihe:iti:xds:2013:order",),
        service_start_time=DTM("2024"),
        comments=(LocalizedString(large),),
    )
    member = association(HAS_MEMBER, F, A)
    await registry.register(submission(first, folders=[folder(F)], associations=[member]))
    await registry.register(submission(document_entry(B), associations=[association(RPLC, B, A)]))
    await registry.register(submission(document_entry(patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT))
    await merge_patients(OTHER_PATIENT, PATIENT, registry.store)
    return registry


async def content(registry):
    return {
        table.name: await registry.store.database.fetch(Statement(select(*table.c).order_by(table.c.id)))
        for table in TABLES
    }


async def run(registry, *statements):
    async def work(transaction):
        for statement in statements:
            await transaction.execute(Statement(statement))

    await registry.store.database.transact(work)


def ignore(patient):
    """Nobody waits for word of it."""


async def test_what_is_right_is_left_as_it_is(filled):
    """Also after replacements and merges: status and patient are not the element's to say."""
    before = await content(filled)
    assert await rebuild(filled.store, 0, ignore) == Rebuilt(objects=16, changed=0)
    assert await content(filled) == before


async def test_damaged_columns_come_back(filled, monkeypatch):
    """Every column that queries compare, of every kind of object, in more than one batch."""
    monkeypatch.setattr(rebuilding, "BATCH_OBJECTS", 2)
    before = await content(filled)
    entry, folders = t.document_entry, t.folder
    await run(
        filled,
        update(entry).values(title=entry.c.author_person),
        update(entry).values(
            unique_id=literal("x"), class_code=null(), creation_time=literal(1), service_start_time=null(),
            repository_unique_id=null(), size_bytes=literal(5), author_institution=entry.c.title,
            event_code_list=entry.c.confidentiality_code, object_type=literal(1),
        ),
        update(t.submission_set).values(source_id=literal("x"), content_type_code=null()),
        update(folders).values(last_update_time=literal(1)),
        update(t.association).values(association_type=literal(6), source=t.association.c.target),
    )  # fmt: skip
    assert await content(filled) != before
    done: list[int] = []
    rebuilt = await rebuild(filled.store, 0, done.append)
    assert (rebuilt.objects, rebuilt.changed) == (16, 16)
    assert done == sorted(set(done))
    assert await content(filled) == before


async def test_a_title_is_found_that_was_registered_before_titles_were_kept(filled):
    """FindDocumentsByTitle: a migration adds an empty column, and cannot read elements."""
    asked = {"XDSDocumentEntryPatientId": PATIENT, "XDSDocumentEntryTitle": ["Blood%"]}
    asked["XDSDocumentEntryStatus"] = [APPROVED, APPROVED.replace("Approved", "Deprecated")]
    await run(filled, update(t.document_entry).values(title=t.document_entry.c.reference_id_list))
    assert await filled.found(q.FIND_DOCUMENTS_BY_TITLE, **asked) == []
    assert (await rebuild(filled.store, 0, ignore)).changed == 3
    assert await filled.found(q.FIND_DOCUMENTS_BY_TITLE, **asked) == [A]


async def test_what_was_broken_off_goes_on_after_the_last_patient_that_was_done(filled):
    """Nothing is looked at twice."""
    before = await content(filled)
    await run(filled, update(t.submission_set).values(source_id=literal("x")))

    class BrokenOff(Exception):
        pass

    def stop(patient):
        raise BrokenOff(patient)

    with pytest.raises(BrokenOff) as broken_off:
        await rebuild(filled.store, 0, stop)
    (last,) = broken_off.value.args
    assert await content(filled) != before
    rest = await rebuild(filled.store, last, ignore)
    assert 0 < rest.objects < 16
    assert await content(filled) == before
