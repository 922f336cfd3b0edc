"""Answer elements at rest."""

from registry.fragments import pack, unpack


def test_an_element_comes_back_byte_for_byte_whatever_its_size():
    for element in (b"", b"<rim:Association/>", b"\x00\xff" * 100_000):
        assert unpack(pack(element)) == element


def test_the_first_byte_names_the_dictionary():
    assert pack(b"<rim:Association/>")[0] == 1
