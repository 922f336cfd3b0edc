"""Answer elements at rest."""

import re
from itertools import count

from registry.fragments import pack, stored_element, unpack
from tests.messages.registry_objects import document_entry


def test_an_element_comes_back_byte_for_byte_whatever_its_size():
    for element in (b"", b"<rim:Association/>", b"\x00\xff" * 100_000):
        assert unpack(pack(element)) == element


def test_the_first_byte_names_the_dictionary():
    assert pack(b"<rim:Association/>")[0] == 1


def test_classifications_and_identifiers_have_uuids_of_their_own():
    """ITI TF-3: 4.2.3.1.5."""
    bases = (f"urn:uuid:12345678-9abc-4def-8000-{n:012x}" for n in count())
    ids: list[bytes] = []
    for _ in range(2):
        element = unpack(
            stored_element(document_entry("urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"), bases.__next__)
        )
        ids += re.findall(rb'<rim:(?:Classification|ExternalIdentifier) id="([^"]+)"', element)
    assert len(ids) == len(set(ids)) == 2 * 9
    assert all(re.fullmatch(rb"urn:uuid:[0-9a-f]{8}-9abc-4def-8000-[0-9a-f]{12}", each) for each in ids)
