import pytest

from soap.content_type import read_content_type
from soap.fault import SoapFault

TF_EXAMPLE = (
    'multipart/related; boundary="MIMEBoundaryurn_uuid_76A2C3D9BCD3AECFF31217932910053"; '
    'type="application/xop+xml"; start="<0.urn:uuid:76A2@apache.org>"; '
    'start-info="application/soap+xml"; action="urn:ihe:iti:2007:RetrieveDocumentSet"'
)


def test_the_parameters_of_an_mtom_message_are_read():
    """RFC 2387: 3."""
    read = read_content_type(TF_EXAMPLE)
    assert read.media_type == "multipart/related"
    assert dict(read.parameters) == {
        "boundary": "MIMEBoundaryurn_uuid_76A2C3D9BCD3AECFF31217932910053",
        "type": "application/xop+xml",
        "start": "<0.urn:uuid:76A2@apache.org>",
        "start-info": "application/soap+xml",
        "action": "urn:ihe:iti:2007:RetrieveDocumentSet",
    }


@pytest.mark.parametrize(
    ("header", "media_type", "parameters"),
    [
        ("application/soap+xml", "application/soap+xml", {}),
        ("Application/SOAP+XML;Charset=utf-16", "application/soap+xml", {"charset": "utf-16"}),
        (" text/xml ; charset = UTF-8 ", "text/xml", {"charset": "UTF-8"}),
        ("a/b; type=c/d+e;boundary=uuid:1+id=2", "a/b", {"type": "c/d+e", "boundary": "uuid:1+id=2"}),
        ('a/b; x="semi;colon and \\"quotes\\" and \\\\"', "a/b", {"x": 'semi;colon and "quotes" and \\'}),
        ("a/b;\r\n\tcharset=utf-8;\n x=1", "a/b", {"charset": "utf-8", "x": "1"}),
        ('a/b; start="<x>" stray; y=1;; ;', "a/b", {"start": "<x>", "y": "1"}),
        ('a/b; x=""; y=', "a/b", {"x": "", "y": ""}),
    ],
)  # fmt: skip
def test_values_are_read_quoted_or_not_and_names_in_any_case(header, media_type, parameters):
    """RFC 2045: 5.1."""
    read = read_content_type(header)
    assert (read.media_type, dict(read.parameters)) == (media_type, parameters)


@pytest.mark.parametrize(
    ("header", "action"),
    [
        ('application/soap+xml; action="urn:ihe:iti:2007:X"', "urn:ihe:iti:2007:X"),
        ('multipart/related; start-info="application/soap+xml; action=\\"urn:x\\""', "urn:x"),
        ('multipart/related; start-info="application/soap+xml"; action="urn:y"', "urn:y"),
        ("application/soap+xml", ""),
    ],
)  # fmt: skip
def test_the_action_is_found_also_inside_start_info(header, action):
    """ITI TF-2: V.3; RFC 3902: 4."""
    assert read_content_type(header).action == action


@pytest.mark.parametrize("header", ["", "multipart", "a b/c", 'a/"b"', "; charset=utf-8", "a/b/c"])
def test_what_is_no_media_type_is_not_supported(header):
    """RFC 9110: 15.5.16."""
    with pytest.raises(SoapFault) as caught:
        read_content_type(header)
    assert caught.value.http_status == 415


@pytest.mark.parametrize("header", ['a/b; boundary="x', 'a/b; x="1"2"', 'a/b; x=1"; y=2'])
def test_an_open_quotation_is_named(header):
    """RFC 2045: 5.1."""
    with pytest.raises(SoapFault, match="quotation mark"):
        read_content_type(header)


def test_a_parameter_told_twice_is_refused():
    """RFC 2045: 5.1."""
    with pytest.raises(SoapFault, match="the parameter boundary twice"):
        read_content_type("multipart/related; boundary=a; Boundary=b")


def test_a_content_type_has_a_largest_length_and_number_of_parameters():
    """Named limits."""
    for header in ("a/b; x=" + "x" * 8192, "a/b" + "".join(f"; x{n}=1" for n in range(33))):
        with pytest.raises(SoapFault) as caught:
            read_content_type(header)
        assert caught.value.http_status == 413
