"""Files to be submitted: what they are and which bytes they hold, never read whole (ITI TF-3: 4.2.3.2.15)."""

import codecs
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client.errors import BadMetadata, FileChanged

# What is held of a file in memory at a time; SHA-1 and the network gain nothing from more.
CHUNK_BYTES = 256 * 1024
# The longest look that a type needs: PDF readers accept a header anywhere in the first KiB.
HEAD_BYTES = 1024

XML = "text/xml"
TEXT = "text/plain"
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file as it was when it was measured."""

    path: Path
    mime_type: str
    size_bytes: int
    sha1: str


def measured(path: Path, mime_type: str | None = None) -> LocalFile:
    """Read the file once for type, size and hash: metadata travel before the document."""
    size_bytes, sha1 = 0, hashlib.sha1(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(0)
            while chunk := file.read(CHUNK_BYTES):
                size_bytes += len(chunk)
                sha1.update(chunk)
    except OSError as error:
        raise BadMetadata(f"{path} cannot be read: {error.strerror}") from None
    return LocalFile(path, mime_type or mime_type_of(head, path.name), size_bytes, sha1.hexdigest())


def chunks_of(file: LocalFile) -> Iterator[bytes]:
    """The bytes that were measured, or FileChanged as soon as they are seen to be others."""
    left = file.size_bytes
    sha1 = hashlib.sha1(usedforsecurity=False)
    with file.path.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            left -= len(chunk)
            sha1.update(chunk)
            if left < 0 or (left == 0 and sha1.hexdigest() != file.sha1):
                raise FileChanged(str(file.path))
            yield chunk
    if left:
        raise FileChanged(str(file.path))


def mime_type_of(head: bytes, name: str) -> str:
    """The type by content first, then by name; a name that promises what the content is not is refused."""
    for begins, mime_type in _MAGIC:
        if head.startswith(begins):
            return mime_type
    if b"%PDF-" in head:
        return "application/pdf"
    if head[128:132] == b"DICM":
        return "application/dicom"
    by_name = mimetypes.guess_type(name, strict=False)[0] or ""
    if by_name in _RECOGNISABLE and head:
        raise BadMetadata(
            f"{name} is named like {by_name}, but its content is something else; "
            f"if it is to be sent so, say --mime-type {by_name}"
        )
    if _is_xml(head):
        return XML
    if _is_text(head):
        return by_name if by_name.startswith("text/") else TEXT
    return by_name or UNKNOWN


_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"{\\rtf", "text/rtf"),
)
_RECOGNISABLE = {"application/pdf", "application/dicom", *(mime_type for _, mime_type in _MAGIC)}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def _is_xml(head: bytes) -> bool:
    text = _decoded(head).lstrip()
    return text.startswith(("<?xml", "<!--")) or (text[:1] == "<" and text[1:2].isalpha() and "xmlns" in text)


def _is_text(head: bytes) -> bool:
    text = _decoded(head)
    return bool(text) and not any(ord(character) < 32 and character not in "\t\n\r\f" for character in text)


def _decoded(head: bytes) -> str:
    """The head as text, without a character that was cut; "" if it is none."""
    mark, encoding = next((one for one in _MARKS if head.startswith(one[0])), (b"", "utf-8"))
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head[len(mark) :])
    except UnicodeDecodeError:
        return ""
