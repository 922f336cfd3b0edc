from hypothesis import given
from hypothesis import strategies as st

from soap.content_type import read_content_type
from soap.fault import SoapFault
from soap.mtom import Decoder, Encoder, PartBegins, PartData, PartEnds

BOUNDARY = "a-b"
ACTION = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"

# Documents made of what delimiters are made of, so that every partial match happens.
LOOK_ALIKES = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"-", b"--", b"--a-b", b"a-b", b"a", b"b", b" ", b"\t", b"x", b"\x00"]
    )
).map(b"".join)
DOCUMENTS = st.one_of(LOOK_ALIKES, st.binary(max_size=200))


def is_delimited(document: bytes) -> bool:
    """Whether a line of this document is a delimiter, told line by line and without our scanner."""
    lines = (document + b"\n").split(b"\n")
    for before, line in zip([b"\r", *lines], lines[:-1], strict=False):
        line = line.removesuffix(b"\r").rstrip(b" \t")
        if before.endswith(b"\r") and line in (b"--a-b", b"--a-b--"):
            return True
    return False


def decoded(header: str, message: bytes, cuts: list[int]) -> list[tuple[str, str, bool, bytes]]:
    decoder = Decoder(read_content_type(header))
    at = 0
    found: list[tuple[str, str, bool, bytes]] = []
    collected = b""
    for cut in [*sorted(min(cut, len(message)) for cut in cuts), len(message)]:
        decoder.receive_data(message[at:cut])
        at = cut
    decoder.receive_end()
    for event in decoder.events():
        match event:
            case PartBegins(content_id, content_type, is_root):
                found.append((content_id, content_type, is_root, b""))
                collected = b""
            case PartData(data):
                collected += data
            case PartEnds():
                found[-1] = (*found[-1][:3], collected)
    return found


@given(
    envelope=DOCUMENTS.filter(lambda document: not is_delimited(document)),
    documents=st.lists(DOCUMENTS.filter(lambda document: not is_delimited(document)), max_size=4),
    cuts=st.lists(st.integers(0, 1500), max_size=30),
)
def test_any_parts_come_back_from_any_chunks(envelope, documents, cuts):
    """RFC 2046: 5.1.1; ITI TF-2: V.3.6."""
    encoder = Encoder(BOUNDARY, "root@own.example", ACTION)
    message = encoder.root_head() + envelope
    for number, document in enumerate(documents):
        message += encoder.part_head(f"doc{number}@own.example", "text/plain") + document
    message += encoder.closing()
    root_type = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
    expected = [("root@own.example", root_type, True, envelope)] + [
        (f"doc{number}@own.example", "text/plain", False, document)
        for number, document in enumerate(documents)
    ]
    assert decoded(encoder.content_type, message, cuts) == expected


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=20))
def test_noise_is_refused_the_same_in_any_chunks(noise, cuts):
    """Nothing but a SoapFault leaves the decoder, and it does not depend on the network."""
    header = f'multipart/related; boundary="{BOUNDARY}"; type="application/xop+xml"'
    message = b"--a-b\r\nContent-ID: <a>\r\n" + noise + b"\r\n--a-b--"
    assert outcome(header, message, cuts) == outcome(header, message, [])


@given(LOOK_ALIKES, st.lists(st.integers(0, 400), max_size=20))
def test_delimiters_anywhere_mean_the_same_in_any_chunks(message, cuts):
    """RFC 2046: 5.1.1."""
    header = f'multipart/related; boundary="{BOUNDARY}"; type="application/xop+xml"'
    for begin in (b"--a-b\r\nContent-ID: <a>\r\n\r\n", b"--a-b\nContent-ID: <a>\n\n", b""):
        assert outcome(header, begin + message, cuts) == outcome(header, begin + message, [])


def outcome(header: str, message: bytes, cuts: list[int]) -> object:
    try:
        return decoded(header, message, cuts)
    except SoapFault as fault:
        return fault.reason
