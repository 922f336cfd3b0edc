"""Wrong registries and repositories: a right one, and what is done to each question and answer on the way."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from conformance.xml import PREFIXES

SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
PARTIAL = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"


@dataclass
class Answered:
    """An answer on its way back."""

    status: int
    headers: dict[str, str]
    body: bytes


Asking = Callable[[bytes], bytes]
Answering = Callable[[bytes, Answered], None]


@dataclass(frozen=True)
class Mutant:
    """What is wrong with it, the plan that must notice, and how it is made wrong."""

    wrong: str
    plan: str
    ask: Asking | None = None
    answer: Answering | None = None
    # Only messages with this in them are touched.
    when: bytes = b""


def asks(old: str, new: str) -> Asking:
    """Ask something else than was asked."""
    return lambda body: re.sub(old.encode(), new.encode(), body, flags=re.DOTALL)


def says(old: str, new: str) -> Answering:
    """Answer other words."""

    def patch(_question: bytes, answered: Answered) -> None:
        answered.body = re.sub(old.encode(), new.encode(), answered.body, flags=re.DOTALL)

    return patch


def header(name: str, old: str, new: str) -> Answering:
    """Answer with another HTTP header."""

    def patch(_question: bytes, answered: Answered) -> None:
        answered.headers[name] = re.sub(old, new, answered.headers[name])

    return patch


def http(status: int) -> Answering:
    """Answer with another HTTP status."""

    def patch(_question: bytes, answered: Answered) -> None:
        answered.status = status

    return patch


def tree(change: Callable[[etree._Element], object], path: str, last: bool = False) -> Answering:
    """Change the first (or last) element that an XPath finds in an answer of simple SOAP."""

    def patch(_question: bytes, answered: Answered) -> None:
        root = etree.fromstring(answered.body)
        found = root.xpath(path, namespaces=PREFIXES)
        if isinstance(found, list) and found and isinstance(found[0], etree._Element):
            change(found[-1 if last else 0])
            answered.body = etree.tostring(root)

    return patch


def remove(path: str) -> Answering:
    """Leave an element out of an answer."""

    def gone(node: etree._Element) -> None:
        parent = node.getparent()
        assert parent is not None
        parent.remove(node)

    return tree(gone, path)


def put(path: str, attribute: str, value: str) -> Answering:
    """Set an attribute in an answer."""
    return tree(lambda node: node.set(attribute, value), path)


def refuses(code: str, context: str = "refused") -> Answering:
    """Say Failure with this error, whatever was done."""
    return _response(FAILURE, {"errorCode": code, "codeContext": context, "severity": ERROR})


def accepts() -> Answering:
    """Say Success, whatever was done."""
    return _response(SUCCESS, None)


def _response(status: str, error: Mapping[str, str] | None) -> Answering:
    def patch(_question: bytes, answered: Answered) -> None:
        start, end = answered.body.index(b"<"), answered.body.rindex(b">") + 1
        multipart = answered.headers["content-type"].startswith("multipart")
        if multipart:
            start = (
                answered.body.index(b"<?xml")
                if b"<?xml" in answered.body
                else answered.body.index(b"\r\n\r\n<") + 4
            )
            end = answered.body.index(b"Envelope>\r\n--", start) + len(b"Envelope>")
        root = etree.fromstring(answered.body[start:end])
        (response,) = root.xpath(
            "//*[@status][self::rs:RegistryResponse or self::query:AdhocQueryResponse]", namespaces=PREFIXES
        )
        response.set("status", status)
        for old in response.xpath("rs:RegistryErrorList", namespaces=PREFIXES):
            response.remove(old)
        for old in response.xpath("rim:RegistryObjectList/*", namespaces=PREFIXES):
            old.getparent().remove(old)
        if error:
            errors = etree.Element(f"{{{PREFIXES['rs']}}}RegistryErrorList")
            etree.SubElement(errors, f"{{{PREFIXES['rs']}}}RegistryError", dict(error))
            response.insert(0, errors)
        answered.status = 200
        answered.body = answered.body[:start] + etree.tostring(root) + answered.body[end:]

    return patch
