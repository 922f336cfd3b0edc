"""Do other vendors' messages get the answers they are meant to get from a running server?

Run as `python -m tests.reference.samples FOLDER`, where FOLDER holds sample messages. The server knows their
patients, takes any code, and tolerates what three of the senders get wrong.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.platform import Platform, running
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, mtom, post

_DOMAIN = """
[domain]
codes = ""
assigning_authorities = [
    { oid = "2.999.5", name = "own" },
    { oid = "1.2.276.0.76.3.1.324.2.1", name = "xds-registry-to-fhir" },
    { oid = "1.3.6.1.4.1.12559.11.20.1", name = "EPD-by-example" },
]
tolerate = ["missing-ids", "action-white-space", "plain-slot-names"]

[repository]
unique_id = "2.999.2.1"
"""
_PATIENTS = (
    ("p1", "2.999.5"),
    ("4712", "1.2.276.0.76.3.1.324.2.1"),
    ("CHPAM3946", "1.3.6.1.4.1.12559.11.20.1"),
)
_UNIQUE_ID = rb'identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"'
_SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
_RETRIEVE = """<xds:RetrieveDocumentSetRequest xmlns:xds="urn:ihe:iti:xds-b:2007"><xds:DocumentRequest>
<xds:RepositoryUniqueId>2.999.2.1</xds:RepositoryUniqueId><xds:DocumentUniqueId>{}</xds:DocumentUniqueId>
</xds:DocumentRequest></xds:RetrieveDocumentSetRequest>"""


def main(folder: Path) -> int:
    """Print one line per message and return 1 if any is not answered as it is meant to be."""
    wrong = 0
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), toml=_DOMAIN) as platform:
        feed = (folder / "iti-44-201301-request.xml").read_bytes()
        for one, authority in _PATIENTS:
            patient = feed.replace(b"TestSystemId", one.encode()).replace(
                b"1.3.6.1.4.1.21367.2017.2.5.89", authority.encode()
            )
            post(platform.registry_url, patient)
        for name, went_well in _played(folder, platform):
            wrong += not went_well
            print(f"{name:60}{'as meant' if went_well else 'NOT AS MEANT'}")
    return 1 if wrong else 0


def _played(folder: Path, platform: Platform) -> Iterator[tuple[str, bool]]:
    def plain(name: str, url: str = platform.registry_url) -> HttpAnswer:
        return post(url, (folder / name).read_bytes())

    def succeeded(answer: HttpAnswer) -> bool:
        return answer.status == 200 and answer.status_urn == _SUCCESS

    acknowledged = plain("iti-44-201301-request.xml").found("typeCode")
    yield "iti-44-201301-request.xml", [code.get("code") for code in acknowledged] == ["CA"]
    for name in ("own-iti-41-request.mtom.txt", "iti-41-request.mtom.txt"):
        content_type, message = _captured((folder / name).read_bytes())
        yield name, succeeded(post(platform.repository_url, message, content_type))
        yield f"{name}: the document comes back", _comes_back(message, platform)
    yield "own-iti-43-request.xml", succeeded(plain("own-iti-43-request.xml", platform.repository_url))
    # The same submission as its ITI-41 twin's, under ids of its own.
    again = (folder / "own-iti-42-request.xml").read_bytes().replace(b"2.999.20.9", b"2.999.20.10")
    yield "own-iti-42-request.xml", succeeded(post(platform.registry_url, again))
    yield "iti-42-request-soap.xml", succeeded(plain("iti-42-request-soap.xml"))
    for name in ("iti-18-request-xua.xml", "iti-18-request-xua-2.xml"):
        yield name, succeeded(plain(name))
    for name, action in (
        ("iti-42-request-body.xml", "urn:ihe:iti:2007:RegisterDocumentSet-b"),
        ("iti-18-request-body.xml", "urn:ihe:iti:2007:RegistryStoredQuery"),
    ):
        # Broken on purpose or by its printing: ids with blanks in them, a quotation mark out of place.
        body = re.sub(rb"^\s*<\?xml.*?\?>", b"", (folder / name).read_bytes())
        answer = post(platform.registry_url, envelope(action, body))
        yield f"{name}: refused, every error named", answer.status == 200 and bool(answer.errors)


def _captured(capture: bytes) -> tuple[str, bytes]:
    """Content type and message of a capture: without the logger's lines, by the boundary that it uses."""
    start = re.search(rb"^--(\S+?)\r?$", capture, re.MULTILINE)
    root = re.search(rb"^Content-ID: (<[^>]+>)", capture, re.MULTILINE)
    assert start
    assert root
    end = capture.index(b"--" + start[1] + b"--") + len(start[1]) + 4
    content_type = (
        f'multipart/related; boundary="{start[1].decode()}"; type="application/xop+xml"; '
        f'start="{root[1].decode()}"; start-info="application/soap+xml"'
    )
    return content_type, capture[start.start() : end] + b"\r\n"


def _comes_back(message: bytes, platform: Platform) -> bool:
    """Is the retrieved document, byte by byte, the last part of the message?"""
    identifier = re.search(_UNIQUE_ID + rb'[^>]*value="([^"]+)"', message) or re.search(
        rb'value="([^"]+)"[^>]*' + _UNIQUE_ID, message
    )
    assert identifier
    request = envelope("urn:ihe:iti:2007:RetrieveDocumentSet", _RETRIEVE.format(identifier[1].decode()))
    (_, retrieved), *_ = post(platform.repository_url, mtom(request), MTOM_TYPE).parts[1:]
    last_part = message[message.rindex(b"Content-ID:") :]
    document = re.split(rb"\r?\n\r?\n", last_part, maxsplit=1)[1]
    return retrieved == re.sub(rb"\r?\n--\S+--\r\n$", b"", document)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
