"""The documents beside their metadata in Provide and Register Document Set-b (ITI TF-2: 3.41.4.1)."""

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from lxml import etree

from conformance.judging.found import error, note
from conformance.judging.parts import slot_values
from conformance.results import Finding
from conformance.xml import select
from ihe.object_types import DocumentEntryType

_SECTION = "ITI TF-2: 3.41.4.1.3"


def findings_in_documents(provide: etree._Element, parts: Mapping[str, bytes] | None) -> Iterator[Finding]:
    """Yield what does not fit between entries, documents and parts; None where only XML was given."""
    entries = {
        one.get("id", ""): one
        for one in select(provide, "lcm:SubmitObjectsRequest/rim:RegistryObjectList/rim:ExtrinsicObject")
    }
    documents = select(provide, "xds:Document")
    named = [one.get("id", "") for one in documents]
    for one in documents:
        id = one.get("id", "")
        if id not in entries:
            yield error(
                one,
                "documents and entries belong together",
                _SECTION,
                f"a Document {id} without an entry",
                "the id of an ExtrinsicObject of this message",
                "Give it the id of its ExtrinsicObject; a repository answers XDSMissingDocumentMetadata.",
            )
        elif (content := _bytes_of(one, parts)) is not None:
            yield from _of_measures(entries[id], one, content)
    for id, entry in entries.items():
        if id not in named and entry.get("objectType") == DocumentEntryType.STABLE:
            yield error(
                entry,
                "documents and entries belong together",
                _SECTION,
                f"no Document {id}",
                "one",
                "Send the document beside its entry; a repository answers XDSMissingDocument.",
            )
    yield from _of_includes(provide, parts)


def contents_of(provide: etree._Element, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The bytes of every document that came, by the id of its entry."""
    found = ((one.get("id", ""), _bytes_of(one, parts)) for one in select(provide, "xds:Document"))
    return {id: content for id, content in found if content is not None}


def _bytes_of(document: etree._Element, parts: Mapping[str, bytes] | None) -> bytes | None:
    includes = select(document, "xop:Include")
    if includes:
        return (parts or {}).get(_part_of(includes[0]))
    try:
        return b64decode("".join((document.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _of_measures(entry: etree._Element, document: etree._Element, content: bytes) -> Iterator[Finding]:
    rule = "a document is measured against its metadata"
    if not content:
        yield note(document, "a document has a content", _SECTION, "0 bytes", "some bytes")
    for size in slot_values(entry, "size"):
        if size.isdecimal() and int(size) != len(content):
            yield error(
                entry,
                rule,
                _SECTION,
                f"size {size}",
                f"size {len(content)}",
                "Count the bytes of the document as they are sent, or leave size out.",
            )
    for digest in slot_values(entry, "hash"):
        if digest.lower() != (measured := hashlib.sha1(content, usedforsecurity=False).hexdigest()):
            yield error(
                entry,
                rule,
                _SECTION,
                f"hash {digest}",
                f"hash {measured}",
                "Take the SHA-1 of the bytes as they are sent, or leave hash out.",
            )


def _of_includes(provide: etree._Element, parts: Mapping[str, bytes] | None) -> Iterator[Finding]:
    includes = select(provide, "xds:Document/xop:Include")
    if parts is None:
        return
    for one in includes:
        if _part_of(one) not in parts:
            yield error(
                one,
                "a missing part is refused",
                _SECTION,
                one.get("href", ""),
                f"one of {', '.join(parts) or 'no part'}",
                "Write the part's Content-ID without its brackets after cid:, URL-encoded.",
            )
        beside = one.getparent()
        if beside is not None and (
            (beside.text or "").strip() or (one.tail or "").strip() or len(beside) > 1
        ):
            yield error(
                one,
                "an Include stands alone",
                "XOP 1.0: 3.1",
                "text or elements beside it",
                "xop:Include alone",
            )
    used = {_part_of(one) for one in includes}
    for id in parts:
        if id not in used:
            yield error(
                "MIME package",
                "a surplus part is refused",
                _SECTION,
                f"a part {id} that nothing includes",
                "none",
                "Leave the part out, or name it by xop:Include.",
            )


def _part_of(include: etree._Element) -> str:
    return unquote(include.get("href", "").removeprefix("cid:"))
