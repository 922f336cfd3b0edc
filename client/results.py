"""What goes into the client's calls and comes out of them."""

from dataclasses import dataclass
from pathlib import Path

from client.metadata import NOTHING_SAID, Metadata
from ebxml.model import DocumentEntry
from ihe.error_codes import RegistryError


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be submitted, with what is known about it."""

    path: Path
    metadata: Metadata = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class SubmittedDocument:
    """A file that is registered now; `assumed` names the attributes that nobody had said."""

    path: Path
    entry: DocumentEntry
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an accepted submission has made (ITI TF-2: 3.41.4.1.3)."""

    submission_set_unique_id: str
    documents: tuple[SubmittedDocument, ...]
    folder_entry_uuid: str = ""
    replaced_entry_uuid: str = ""
    warnings: tuple[RegistryError, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A document that lies in a file now, its bytes those that were registered."""

    path: Path
    entry: DocumentEntry
    size_bytes: int
    sha1: str
