"""Where fetched documents go, and under which names."""

import mimetypes
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from client.errors import FileIsThere
from ebxml.model import DocumentEntry

# File systems allow 255 bytes; four bytes a letter, and room for a number and an ending, leave this.
NAME_CHARACTERS = 60

EXTENSIONS: Mapping[str, str] = {
    "application/dicom": ".dcm",
    "application/hl7-v3+xml": ".xml",
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "text/plain": ".txt",
    "text/xml": ".xml",
}


def destinations(entries: Iterable[DocumentEntry], directory: Path, overwrite: bool) -> tuple[Path, ...]:
    """A path for each document, named after its title; FileIsThere before anything is transferred."""
    taken: set[str] = set()
    paths = []
    for entry in entries:
        title = entry.title[0].value if entry.title else entry.unique_id or ""
        stem, extension = _stem(title) or "document", extension_of(entry.mime_type or "")
        name, number = f"{stem}{extension}", 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}{extension}"
        taken.add(name.casefold())
        path = directory / name
        if path.exists() and not overwrite:
            raise FileIsThere(str(path))
        paths.append(path)
    return tuple(paths)


def extension_of(mime_type: str) -> str:
    """The ending that programs know the type by."""
    return EXTENSIONS.get(mime_type) or mimetypes.guess_extension(mime_type) or ".bin"


def _stem(title: str) -> str:
    """What of a title may stand in a file name anywhere: no separators, no leading dot, no blanks."""
    return re.sub(r"[^\w.-]+", "_", title).strip("._-")[:NAME_CHARACTERS]
