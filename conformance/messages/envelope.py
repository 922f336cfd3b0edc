"""SOAP 1.2 with WS-Addressing around a body, and MTOM around both (ITI TF-2: Appendix V.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ihe.namespaces import ANONYMOUS, SOAP11, SOAP12, WSA, XOP

ROOT_PART = "root@conformance.kit"
BOUNDARY = "conformance-kit-part"


@dataclass(frozen=True)
class Message:
    """What goes into one POST."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class Part:
    """One attachment."""

    id: str
    mime_type: str
    content: bytes


def envelope(
    body: etree._Element,
    action: str,
    message_id: str,
    to: str,
    said: Mapping[str, Any],
    security: etree._Element | None = None,
) -> etree._Element:
    """Write the envelope; `said` may leave out headers, add some, or write it in SOAP 1.1."""
    soap = SOAP11 if said.get("version") == "1.1" else SOAP12
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap, "wsa": WSA})
    header = etree.SubElement(root, f"{{{soap}}}Header")
    without = said.get("without", ())
    if "Action" not in without:
        for one in said.get("actions", [said.get("action", action)]):
            node = etree.SubElement(header, f"{{{WSA}}}Action")
            node.set(f"{{{soap}}}mustUnderstand", "1")
            node.text = one
    if "MessageID" not in without:
        etree.SubElement(header, f"{{{WSA}}}MessageID").text = message_id
    if "To" not in without:
        etree.SubElement(header, f"{{{WSA}}}To").text = to
    if "ReplyTo" not in without:
        reply = etree.SubElement(header, f"{{{WSA}}}ReplyTo")
        etree.SubElement(reply, f"{{{WSA}}}Address").text = str(said.get("reply_to", ANONYMOUS))
    if security is not None:
        security.set(f"{{{soap}}}mustUnderstand", "1")
        header.append(security)
    for one in said.get("headers", ()):
        added = etree.fromstring(f'<added xmlns:soap="{soap}" xmlns:wsa="{WSA}">{one}</added>')
        header.extend(list(added))
    etree.SubElement(root, f"{{{soap}}}Body").append(body)
    return root


def simple(root: etree._Element, action: str) -> Message:
    """Write an envelope as it is."""
    return Message(f'application/soap+xml; charset=UTF-8; action="{action}"', _bytes(root))


def mtom(root: etree._Element, action: str, parts: Sequence[Part]) -> Message:
    """Write an envelope and its attachments as multipart/related (XOP, MTOM)."""
    boundary = f"--{BOUNDARY}\r\n".encode()
    pieces = [
        boundary,
        b'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n',
        b"Content-Transfer-Encoding: binary\r\n",
        f"Content-ID: <{ROOT_PART}>\r\n\r\n".encode(),
        _bytes(root),
        b"\r\n",
    ]
    for part in parts:
        head = f"Content-Type: {part.mime_type}\r\nContent-Transfer-Encoding: binary\r\n"
        pieces += [boundary, f"{head}Content-ID: <{part.id}>\r\n\r\n".encode(), part.content, b"\r\n"]
    pieces.append(f"--{BOUNDARY}--\r\n".encode())
    content_type = (
        f'multipart/related; boundary="{BOUNDARY}"; type="application/xop+xml"; start="<{ROOT_PART}>"; '
        f'start-info="application/soap+xml"; action="{action}"'
    )
    return Message(content_type, b"".join(pieces))


def include(part_id: str) -> etree._Element:
    """Write the xop:Include that stands for a part."""
    return etree.Element(f"{{{XOP}}}Include", nsmap={"xop": XOP}, href=f"cid:{part_id}")


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
