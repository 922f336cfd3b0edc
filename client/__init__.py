"""A client of any XDS.b registry and repository, as a small Python API (ITI TF-1: 10.1).

from client import Coffre, Document, Metadata
with Coffre("http://localhost:8080/registry", "http://localhost:8080/repository") as coffre:
    coffre.fetch(["urn:uuid:..."], Path("."))
"""

from client.codes import CodeBook, CodeRow
from client.coffre import Coffre
from client.errors import (
    BadMetadata,
    ClientError,
    DocumentDamaged,
    Fault,
    FileChanged,
    FileIsThere,
    NoSuchDocument,
    PartlyRefused,
    RequestRefused,
    Unreachable,
)
from client.metadata import Metadata, Speaker, patient_id_of, read_metadata
from client.queries import Search
from client.remedies import remedy_for
from client.results import Document, FetchedDocument, Receipt, SubmittedDocument
from client.sidecar import read_sidecar, sidecar_of

__all__ = [
    "BadMetadata",
    "ClientError",
    "CodeBook",
    "CodeRow",
    "Coffre",
    "Document",
    "DocumentDamaged",
    "Fault",
    "FetchedDocument",
    "FileChanged",
    "FileIsThere",
    "Metadata",
    "NoSuchDocument",
    "PartlyRefused",
    "Receipt",
    "RequestRefused",
    "Search",
    "Speaker",
    "SubmittedDocument",
    "Unreachable",
    "patient_id_of",
    "read_metadata",
    "read_sidecar",
    "remedy_for",
    "sidecar_of",
]
