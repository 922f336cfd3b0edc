"""Inline documents turned into what MTOM would have made of them (XOP 1.0: 3.1; ITI TF-2: V.3.6)."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

import schemas
from ebxml.read import DOCUMENT
from ihe.namespaces import SOAP12, XOP
from ihe.transactions import ITI_41
from soap.base64_stream import WHITE_SPACE, Base64Stream, NotBase64

_NAMESPACE, _NAME = ITI_41.request_root
INLINE_DOCUMENT = (f"{{{SOAP12}}}Envelope", f"{{{SOAP12}}}Body", f"{{{_NAMESPACE}}}{_NAME}", DOCUMENT)

_INCLUDE = f"{{{XOP}}}Include"
# Put back where the text stood for no bytes, or beside an xop:Include: it is as wrong as what it stands for.
_NO_BYTES = "!"


@dataclass(frozen=True, slots=True)
class Octets:
    """The next octets of the document that is being read."""

    content_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class DocumentEnds:
    """A document is complete; one that is not `whole` has content that stands for no bytes."""

    content_id: str
    whole: bool


class InlineDocuments:
    """Parses one envelope piece by piece; works in one thread, and the names of the message go with it.

    In the tree an xop:Include stands for each document, of a Content-ID that no sender can know.
    """

    def __init__(self, charset: str | None) -> None:
        self._parser = schemas.StreamParser(charset, INLINE_DOCUMENT)
        self._document: _Document | None = None

    @property
    def kept_bytes(self) -> int:
        """What stands in memory of the envelope."""
        return self._parser.kept_bytes

    def feed(self, data: bytes) -> list[Octets | DocumentEnds]:
        """Take the next bytes of the envelope; raises NotParsable."""
        return list(self._steps(self._parser.feed(data)))

    def close(self) -> tuple[list[Octets | DocumentEnds], etree._Element]:
        """The last steps, and the root of the whole envelope; raises NotParsable."""
        return list(self._steps(self._parser.close())), self._parser.root()

    def root_so_far(self) -> etree._Element | None:
        """The tree up to the document that is being read, which is as if it were complete."""
        root = self._parser.root_so_far()
        if root is not None and self._document:
            self._document.include()
        return root

    def _steps(
        self, read: Iterable[schemas.TextTaken | schemas.ElementEnds]
    ) -> Iterator[Octets | DocumentEnds]:
        for one in read:
            if isinstance(one, schemas.TextTaken):
                self._document = self._document or _Document(one.element)
                if octets := self._document.octets_of(one.text):
                    yield Octets(self._document.content_id, octets)
            elif self._document:
                document, self._document = self._document, None
                if document.seen:
                    yield DocumentEnds(document.content_id, document.ends())


class _Document:
    """One xds:Document whose text has begun."""

    def __init__(self, element: etree._Element) -> None:
        self.content_id = f"{secrets.token_hex(16)}@inline"
        self.seen = False
        self._element = element
        self._base64: Base64Stream | None = Base64Stream()

    def octets_of(self, text: str) -> bytes:
        self.seen = self.seen or bool(text.strip(WHITE_SPACE.decode()))
        try:
            return self._base64.decode(text.encode("ascii")) if self._base64 else b""
        except (NotBase64, UnicodeEncodeError):
            self._base64 = None
            return b""

    def ends(self) -> bool:
        if self._is_whole():
            self.include()
            return True
        self._element.text = _NO_BYTES
        return False

    def include(self) -> None:
        etree.SubElement(self._element, _INCLUDE, href=f"cid:{self.content_id}")

    def _is_whole(self) -> bool:
        if self._base64 is None or self._element.find(_INCLUDE) is not None:
            return False
        try:
            self._base64.finish()
        except NotBase64:
            return False
        return True
