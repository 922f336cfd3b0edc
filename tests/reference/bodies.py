"""The message bodies found in a folder of samples, and our own that use what the samples leave out."""

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ihe.namespaces import LCM, QUERY, RMD, RS, XDS, XOP

ROOTS = {
    f"{{{QUERY}}}AdhocQueryRequest",
    f"{{{QUERY}}}AdhocQueryResponse",
    f"{{{LCM}}}SubmitObjectsRequest",
    f"{{{LCM}}}RemoveObjectsRequest",
    f"{{{RS}}}RegistryResponse",
    f"{{{XDS}}}ProvideAndRegisterDocumentSetRequest",
    f"{{{XDS}}}RetrieveDocumentSetRequest",
    f"{{{XDS}}}RetrieveDocumentSetResponse",
    f"{{{RMD}}}RemoveDocumentsRequest",
}
_ENVELOPE = re.compile(rb"<(?:\w+:)?Envelope[\s>].*</(?:\w+:)?Envelope>", re.DOTALL)
_OWN = Path(__file__).parent


def bodies(samples: Path) -> Iterator[tuple[str, etree._Element]]:
    """Yield each body of a transaction of ours with the name of its file."""
    for path in (*sorted(samples.iterdir()), _OWN / "every-object.xml", _OWN / "every-answer.xml"):
        if path.suffix not in {".xml", ".txt"}:
            continue
        content = path.read_bytes()
        if path.suffix == ".txt":
            envelope = _ENVELOPE.search(content)
            assert envelope is not None, path.name
            content = envelope[0]
        for number, body in enumerate(_of_ours(etree.fromstring(content)), start=1):
            yield f"{path.name}" + (f" ({number})" if path.name == "every-answer.xml" else ""), body


def _of_ours(root: etree._Element) -> list[etree._Element]:
    return [_alone(one) for one in root.iter() if one.tag in ROOTS and not _inside(one)]


def _inside(one: etree._Element) -> bool:
    return any(outer.tag in ROOTS for outer in one.iterancestors())


def _alone(body: etree._Element) -> etree._Element:
    """Take a body out of its envelope, and put base64 where XOP points to an attachment."""
    alone = etree.fromstring(etree.tostring(body, with_tail=False))
    for include in list(alone.iter(f"{{{XOP}}}Include")):
        document = include.getparent()
        assert document is not None
        document.remove(include)
        document.text = "YWJj"
    return alone
