"""A stored element passes to another patient without being parsed (ITI TF-2: 3.8.4.2.3)."""

import pytest

from ebxml.model import LocalizedString
from ebxml.write import fragment, with_patient_id
from hl7v2.datatypes import CX
from tests.messages.registry_objects import association, document_entry, folder, submission_set

OLD = CX("p1^^^&2.999.3&ISO")
NEW = CX("x\\T\\<y>^^^&2.999.3&ISO")


def new_uuid():
    return "urn:uuid:00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("make", [document_entry, submission_set, folder])
def test_the_element_is_the_one_that_a_registration_for_the_other_patient_writes(make):
    """ITI TF-3: 4.2.3.2.16, 4.2.3.3.8, 4.2.3.4.7."""
    same = {"unique_id": "2.999.7", "title": (LocalizedString("report"),)}
    before, after = (
        fragment(make("urn:uuid:0", patient_id=patient, **same), new_uuid) for patient in (OLD, NEW)
    )
    assert with_patient_id(before, NEW) == after
    assert b'value="x\\T\\&lt;y&gt;^^^&amp;2.999.3&amp;ISO"' in after


def test_text_that_looks_like_the_patient_id_stays():
    """What a source calls its patient, and what a title says, is not the registry's to change."""
    forged = 'identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" value="p1^^^&2.999.3&ISO"'
    entry = document_entry("urn:uuid:0", source_patient_id=OLD, title=(LocalizedString(forged),))
    moved = with_patient_id(fragment(entry, new_uuid), NEW)
    assert b"<rim:Value>p1^^^&amp;2.999.3&amp;ISO</rim:Value>" in moved
    assert moved.count(b"&quot;p1^^^&amp;2.999.3&amp;ISO&quot;") == 1


def test_an_element_without_a_patient_id_is_refused():
    """ITI TF-3: 4.2.2: an Association names its ends and no patient."""
    with pytest.raises(ValueError, match="0 patient ids"):
        with_patient_id(fragment(association("urn:x", "a", "b"), new_uuid), NEW)
