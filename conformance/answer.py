"""An answer as it came over the wire, read without trusting it: parts, envelope, errors, objects."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from email.parser import BytesHeaderParser
from urllib.parse import unquote

from lxml import etree

from conformance.messages.objects import TABLES
from conformance.xml import PREFIXES, NotXml, read, select
from ihe.attributes import (
    AUTHOR_PARTS,
    Attribute,
    Classification,
    Datatype,
    DescriptionElement,
    ExternalIdentifier,
    NameElement,
    Slot,
    VersionInfo,
    XmlAttribute,
)
from ihe.namespaces import SOAP12

# A set of a thousand documents travels as so many parts.
MAX_PARTS = 10_000

_FOLDER = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"


class NotAnAnswer(Exception):
    """These bytes are no SOAP message; says why."""


@dataclass(frozen=True)
class RegistryError:
    """One rs:RegistryError."""

    code: str
    context: str
    severity: str
    location: str


@dataclass(frozen=True)
class Fault:
    """A SOAP fault: its code and subcode by their local names, and its reason."""

    code: str
    subcode: str
    reason: str


@dataclass(frozen=True)
class RegistryObject:
    """One object of an answer; `kind` is the Framework's word for it, or ObjectRef."""

    kind: str
    id: str
    node: etree._Element = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back: the HTTP status, the headers, and the envelope with the parts beside it."""

    http: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    envelope: etree._Element = field(repr=False)
    parts: Mapping[str, bytes] = field(repr=False)
    root_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> etree._Element | None:
        """The one child of the Body."""
        found = select(self.envelope, f"/*/*[local-name()='Body' and namespace-uri()='{SOAP12}']/*")
        return found[0] if len(found) == 1 else None

    @property
    def fault(self) -> Fault | None:
        """The SOAP fault, if this is one."""
        if not select(self.envelope, "/soap:Envelope/soap:Body/soap:Fault"):
            return None
        path = "/soap:Envelope/soap:Body/soap:Fault/soap:"
        return Fault(
            _local(self.text(f"{path}Code/soap:Value")),
            _local(self.text(f"{path}Code/soap:Subcode/soap:Value")),
            self.text(f"{path}Reason/soap:Text"),
        )

    @property
    def response(self) -> etree._Element | None:
        """The element that carries the status."""
        content = self.content
        if content is None:
            return None
        inner = select(content, "rs:RegistryResponse")
        return inner[0] if inner else content

    @property
    def status(self) -> str:
        """The status as it stands there."""
        response = self.response
        return response.get("status", "") if response is not None else ""

    @property
    def errors(self) -> list[RegistryError]:
        """Every RegistryError."""
        return [
            RegistryError(
                one.get("errorCode", ""),
                one.get("codeContext", ""),
                one.get("severity", ""),
                one.get("location", ""),
            )
            for one in select(self.envelope, "//rs:RegistryErrorList/rs:RegistryError")
        ]

    @property
    def objects(self) -> list[RegistryObject]:
        """Every object of the answer's list, as it came."""
        return [
            RegistryObject(_kind(node), node.get("id", ""), node)
            for node in select(self.envelope, "/*/*/query:AdhocQueryResponse/rim:RegistryObjectList/*")
        ]

    @property
    def documents(self) -> dict[str, tuple[str, bytes]]:
        """The documents of a retrieval: mimeType and bytes by uniqueId."""
        found = {}
        for node in select(self.envelope, "//xds:DocumentResponse"):
            unique_id = _text(node, "xds:DocumentUniqueId")
            found[unique_id] = (_text(node, "xds:mimeType"), self._bytes_of(node))
        return found

    def text(self, path: str) -> str:
        """The text at an XPath; empty where there is none."""
        return _text(self.envelope, path)

    def _bytes_of(self, node: etree._Element) -> bytes:
        includes = select(node, "xds:Document/xop:Include")
        if includes:
            return self.parts.get(unquote(includes[0].get("href", "").removeprefix("cid:")), b"")
        try:
            return b64decode(_text(node, "xds:Document"))
        except ValueError:
            return b""


def read_answer(http: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read an answer in simple SOAP or MTOM; NotAnAnswer where it is neither."""
    content_type = headers.get("content-type", "")
    parts: dict[str, bytes] = {}
    text = body
    root_headers: dict[str, str] = {}
    if content_type.lower().startswith("multipart/related"):
        root, root_headers, parts = split_parts(content_type, body)
        text = root
    try:
        envelope = read(text)
    except NotXml as problem:
        raise NotAnAnswer(f"HTTP {http}, {content_type or 'no content type'}: {problem}") from None
    if etree.QName(envelope).localname != "Envelope":
        raise NotAnAnswer(f"HTTP {http}: the root element is {etree.QName(envelope).localname}")
    return Answer(http, headers, body, envelope, parts, root_headers)


def values_of(node: etree._Element, kind: str, name: str) -> list[str]:
    """The values of a metadata attribute in an object, in the order they came (ITI TF-3: 4.2.3)."""
    row = next((row for row in TABLES[kind] if row.name == name), None)
    if row is None:
        return [
            str(one.text or "") for one in select(node, f"rim:Slot[@name='{name}']/rim:ValueList/rim:Value")
        ]
    return list(_values(node, row))


def _values(node: etree._Element, row: Attribute) -> Iterator[str]:
    match row.carrier:
        case XmlAttribute(name):
            yield from [node.attrib[name]] if name in node.attrib else []
        case Slot(name):
            for one in select(node, f"rim:Slot[@name='{name}']/rim:ValueList/rim:Value"):
                yield one.text or ""
        case NameElement():
            yield from (one.get("value", "") for one in select(node, "rim:Name/rim:LocalizedString"))
        case DescriptionElement():
            yield from (one.get("value", "") for one in select(node, "rim:Description/rim:LocalizedString"))
        case VersionInfo():
            yield from (one.get("versionName", "") for one in select(node, "rim:VersionInfo"))
        case Classification(scheme):
            for one in select(node, f"rim:Classification[@classificationScheme='{scheme}']"):
                yield _author(one) if row.datatype is Datatype.AUTHOR else _code(one)
        case ExternalIdentifier(scheme):
            path = f"rim:ExternalIdentifier[@identificationScheme='{scheme}']"
            yield from (one.get("value", "") for one in select(node, path))


def _code(node: etree._Element) -> str:
    scheme = _text(node, "rim:Slot[@name='codingScheme']/rim:ValueList/rim:Value")
    return f"{node.get('nodeRepresentation', '')}^^{scheme}"


def _author(node: etree._Element) -> str:
    parts = []
    for row in AUTHOR_PARTS:
        values = select(node, f"rim:Slot[@name='{row.name}']/rim:ValueList/rim:Value")
        if values:
            parts.append(f"{row.name}={','.join(one.text or '' for one in values)}")
    return ";".join(parts)


def _kind(node: etree._Element) -> str:
    match etree.QName(node).localname:
        case "ExtrinsicObject":
            return "DocumentEntry"
        case "RegistryPackage":
            label = select(node, f"rim:Classification[@classificationNode='{_FOLDER}']")
            return "Folder" if label else "SubmissionSet"
        case other:
            return other


def split_parts(content_type: str, body: bytes) -> tuple[bytes, dict[str, str], dict[str, bytes]]:
    """Split multipart/related at its boundary; the root is the part that `start` names, or the first."""
    headers = Headers()
    headers["content-type"] = content_type
    boundary = headers.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise NotAnAnswer("the multipart answer names no boundary")
    start = headers.get_param("start")
    mark = b"--" + boundary.encode()
    pieces = re.split(rb"(?:^|\r\n)" + re.escape(mark) + rb"(?=--|[ \t]*\r\n)", body)
    if len(pieces) < 3 or len(pieces) > MAX_PARTS or not pieces[-1].startswith(b"--"):
        raise NotAnAnswer("the multipart answer has not its boundary around every part and -- at the end")
    found: list[tuple[str, dict[str, str], bytes]] = []
    for piece in pieces[1:-1]:
        head, gap, content = piece.lstrip(b" \t")[2:].partition(b"\r\n\r\n")
        if not gap:
            raise NotAnAnswer("a part of the multipart answer has no empty line after its headers")
        part_headers = {
            name.lower(): str(value)
            for name, value in BytesHeaderParser().parsebytes(head + b"\r\n\r\n").items()
        }
        found.append((part_headers.get("content-id", "").strip("<> "), part_headers, content))
    wanted = start.strip("<> ") if isinstance(start, str) else found[0][0]
    root = next((one for one in found if one[0] == wanted), None)
    if root is None:
        raise NotAnAnswer(f"no part of the multipart answer is its start, {wanted}")
    return root[2], root[1], {id: content for id, _, content in found if id != wanted}


def _text(node: etree._Element, path: str) -> str:
    found = node.xpath(f"string({path})", namespaces=PREFIXES)
    return str(found).strip()


def _local(name: str) -> str:
    return name.rpartition(":")[2]
