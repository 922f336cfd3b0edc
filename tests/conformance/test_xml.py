"""What a stranger sends is read with limits, and shown by a path that finds it again."""

import pytest

from conformance.xml import MAX_DEPTH, NotXml, read, select, where

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a",
        b"<a/><b/>",
        b"<a:b/>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
    ],
)
def test_what_is_no_plain_xml_is_refused(content):
    with pytest.raises(NotXml):
        read(content)


def test_what_is_too_large_is_not_even_looked_at():
    with pytest.raises(NotXml, match="larger than 3 bytes"):
        read(b"<ab/>", limit_bytes=3)


def test_a_comment_does_not_cut_a_value_in_two():
    assert read(b"<a>one<!-- - -->two</a>").text == "onetwo"


def test_a_path_has_prefixes_and_counts_brothers_of_a_name():
    root = read(f'<r:A xmlns:r="{RIM}"><r:B/><r:C/><r:B><x xmlns="urn:other"/><y/></r:B></r:A>'.encode())
    paths = [where(node) for node in root.iter()]
    assert paths == [
        "/rim:A",
        "/rim:A/rim:B[1]",
        "/rim:A/rim:C",
        "/rim:A/rim:B[2]",
        "/rim:A/rim:B[2]/*[local-name()='x']",
        "/rim:A/rim:B[2]/y",
    ]
    assert [select(root, path)[0] for path in paths[:5]] == list(root.iter())[:5]
