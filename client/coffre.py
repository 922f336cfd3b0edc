"""The client: makes a patient known, submits, finds and fetches documents (ITI TF-1: 10.1)."""

import ssl
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID, uuid4

from lxml import etree

import schemas
from cda.header import Header, read_header
from client.cda_metadata import metadata_of, other_patient
from client.codes import CodeBook
from client.destinations import destinations
from client.errors import (
    BadMetadata,
    DocumentDamaged,
    NoSuchDocument,
    PartlyRefused,
    RequestRefused,
    Unreachable,
)
from client.files import LocalFile, measured
from client.metadata import Metadata
from client.queries import Search, find_documents, get_documents
from client.results import Document, FetchedDocument, Receipt, SubmittedDocument
from client.submission import Described, Links, described, metadata_of_replaced, submission_of
from client.wire import Answer, Attachment, Progress, Wire
from ebxml.model import DocumentEntry, DocumentRequest, RetrieveRequest, StoredQueryRequest
from ebxml.read import (
    AnswerNotUnderstood,
    RetrievedDocument,
    read_query_response,
    read_registry_response,
    read_retrieve_response,
)
from ebxml.write import write_provide_and_register_request, write_retrieve_request, write_stored_query
from hl7v2.datatypes import CX
from hl7v3.patient_feed import read_acknowledgement, write_record_added
from ihe.error_codes import RegistryError, ResponseStatus
from ihe.object_types import Status
from ihe.transactions import ITI_18, ITI_41, ITI_43, ITI_44_ADD, Transaction
from soap.mtom import content_id_of_href

# An example, as all of 2.999 is: a Document Source in use has an OID of its own.
EXAMPLE_SOURCE_ID = "2.999.352.4"
# A header is read from the whole document; of a larger one metadata must be given. It is sent all the same.
LARGEST_CDA_BYTES = 16 * 1024 * 1024

# HL7 V3: AcknowledgementType, accepted at the accept or at the application level.
_ACCEPTED = ("CA", "AA")

T = TypeVar("T")


class Coffre:
    """A Document Source, Document Consumer and Patient Identity Source; raises ClientError.

    `codes` and `assigning_authority` are the domain's, `source_id` is this system's OID. `assertion` is asked
    before each message for the SAML assertion of the user for whom it is sent [ITI-40]. `tls` says whom to
    trust and which certificate to show [ITI-19]; without it this machine's authorities are trusted.
    """

    def __init__(
        self,
        registry_url: str,
        repository_url: str,
        *,
        codes: CodeBook | None = None,
        assigning_authority: str = "",
        source_id: str = EXAMPLE_SOURCE_ID,
        assertion: Callable[[], bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = datetime.now,
        new_uuid: Callable[[], UUID] = uuid4,
    ) -> None:
        self.codes = codes or CodeBook()
        self._registry_url = registry_url
        self._repository_url = repository_url
        self._assigning_authority = assigning_authority
        self._source_id = source_id
        self._now = now
        self._new_uuid = new_uuid
        self._wire = Wire(assertion, tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    def add_patient(self, patient_id: CX, family: str = "", given: str = "") -> None:
        """Patient Identity Feed: from now on documents of this patient are taken (ITI TF-2: 3.44)."""
        # The registry of a domain is addressed by the domain's OID where its own is not known.
        body = write_record_added(
            str(self._new_uuid()),
            self._now(),
            patient_id,
            (family, given),
            self._source_id,
            patient_id.assigning_authority,
        )
        answer = self._wire.send(ITI_44_ADD, self._registry_url, body)
        code, details = read_acknowledgement(answer)
        if code not in _ACCEPTED:
            reasons = details or ("no reason given",)
            raise RequestRefused(ITI_44_ADD, [RegistryError(code or "no code", text) for text in reasons])

    def submit(
        self,
        documents: Sequence[Document],
        *,
        replaces: str = "",
        folder: str = "",
        progress: Progress | None = None,
    ) -> Receipt:
        """Provide and Register: all of these documents, or none (ITI TF-2: 3.41).

        `replaces` is the entryUUID or uniqueId of what the one document is a new version of; `folder` is the
        entryUUID of a folder, or the title of a new one.
        """
        replaced = self._replaced(replaces, documents) if replaces else None
        ready = self._described(documents, replaced)
        links = Links(
            replaced_entry_uuid=replaced.entry_uuid if replaced else "",
            folder_entry_uuid=folder if folder.startswith("urn:uuid:") else "",
            new_folder_title="" if folder.startswith("urn:uuid:") else folder,
        )
        submission = submission_of(ready, links, self._source_id, self._now(), self._new_uuid)
        attachments = [
            Attachment(f"document-{number}@client.coffre", one.file) for number, one in enumerate(ready, 1)
        ]
        places = [
            (one.entry.entry_uuid, f"cid:{attachment.content_id}")
            for one, attachment in zip(ready, attachments, strict=True)
        ]
        body = write_provide_and_register_request(submission, places)
        answer = self._wire.send_mtom(ITI_41, self._repository_url, body, attachments, sent=progress)
        response = _understood(ITI_41, self._repository_url, read_registry_response, answer.body)
        _refuse_failure(ITI_41, response.status, response.errors)
        return Receipt(
            submission_set_unique_id=submission.submission_set.unique_id or "",
            documents=tuple(SubmittedDocument(one.file.path, one.entry, one.assumed) for one in ready),
            folder_entry_uuid=submission.folders[0].entry_uuid
            if submission.folders
            else links.folder_entry_uuid,
            replaced_entry_uuid=links.replaced_entry_uuid,
            warnings=response.errors,
        )

    def find(self, patient_id: CX, search: Search | None = None) -> tuple[DocumentEntry, ...]:
        """FindDocuments: the patient's documents, the newest first (ITI TF-2: 3.18.4.1.2.3.7.1)."""
        entries = self._query(find_documents(patient_id, search or Search()))
        return tuple(sorted(entries, key=lambda entry: entry.creation_time or "", reverse=True))

    def get(self, id: str) -> DocumentEntry:
        """GetDocuments: the entry of that entryUUID or uniqueId, an approved one if it has several."""
        entries = self._query(get_documents(id))
        if not entries:
            raise NoSuchDocument([id])
        return next((entry for entry in entries if entry.availability_status == Status.APPROVED), entries[0])

    def fetch(
        self,
        ids: Iterable[str],
        directory: Path,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> tuple[FetchedDocument, ...]:
        """Retrieve Document Set: each to a file, its hash compared with the registry's (ITI TF-2: 3.43).

        `ids` are entryUUIDs or uniqueIds. PartlyRefused and DocumentDamaged leave the others where they are.
        """
        entries = self._entries(ids)
        paths = destinations(entries, directory, overwrite)
        total = sum(int(entry.size or 0) for entry in entries)
        requests = tuple(map(_request_for, entries))
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".coffre-", dir=directory) as temporary:
            answer = self._wire.send_mtom(
                ITI_43,
                self._repository_url,
                write_retrieve_request(RetrieveRequest(requests)),
                receive_into=Path(temporary),
                received=_adding_up(progress, total) if progress else None,
            )
            response = _understood(ITI_43, self._repository_url, read_retrieve_response, answer.body)
            _refuse_failure(ITI_43, response.status, response.errors)
            by_id = {(one.repository_unique_id, one.document_unique_id): one for one in response.documents}
            damaged: list[DocumentDamaged] = []
            fetched = []
            for entry, request, path in zip(entries, requests, paths, strict=True):
                document = by_id.get((request.repository_unique_id, request.document_unique_id))
                if document is None:
                    continue
                try:
                    fetched.append(self._keep(document, answer, entry, path, Path(temporary)))
                except DocumentDamaged as problem:
                    damaged.append(problem)
        if damaged:
            raise damaged[0]
        if response.errors or len(fetched) < len(entries):
            raise PartlyRefused(ITI_43, response.errors, fetched)
        return tuple(fetched)

    def _query(self, request: StoredQueryRequest) -> tuple[DocumentEntry, ...]:
        answer = self._wire.send(ITI_18, self._registry_url, write_stored_query(request))
        response = _understood(ITI_18, self._registry_url, read_query_response, answer)
        _refuse_failure(ITI_18, response.status, response.errors)
        return tuple(one for one in response.objects if isinstance(one, DocumentEntry))

    def _entries(self, ids: Iterable[str]) -> tuple[DocumentEntry, ...]:
        """One entry for each document that the ids name; NoSuchDocument says which name none."""
        entries: dict[str | None, DocumentEntry] = {}
        missing: list[str] = []
        for one in ids:
            try:
                entry = self.get(one)
            except NoSuchDocument as problem:
                missing.extend(problem.ids)
            else:
                entries.setdefault(entry.unique_id, entry)
        if missing:
            raise NoSuchDocument(missing)
        return tuple(entries.values())

    def _replaced(self, id: str, documents: Sequence[Document]) -> DocumentEntry:
        if len(documents) != 1:
            raise BadMetadata(f"{len(documents)} documents cannot replace one, expected one document")
        return self.get(id)

    def _described(
        self, documents: Sequence[Document], replaced: DocumentEntry | None
    ) -> tuple[Described, ...]:
        problems: list[str] = []
        ready = []
        for document in documents:
            try:
                file = measured(document.path, document.metadata.mime_type)
                said = self._said(file, document.metadata, replaced)
                ready.append(described(file, said, self.codes, self._new_uuid))
            except BadMetadata as problem:
                problems.extend(problem.problems)
        if problems or not ready:
            raise BadMetadata(*(problems or ["there is no document"]))
        return tuple(ready)

    def _said(self, file: LocalFile, metadata: Metadata, replaced: DocumentEntry | None) -> Metadata:
        """What is said of a file: by its sender, by itself, and by what it replaces."""
        header = _header_of(file)
        if header:
            metadata = metadata.or_else(metadata_of(header, self.codes, self._assigning_authority))
            if metadata.patient_id and (other := other_patient(header, metadata.patient_id)):
                named = f"{file.path.name} is about patient {other.id}"
                raise BadMetadata(f"{named}, but was to be submitted for {metadata.patient_id.id}")
        return metadata.or_else(metadata_of_replaced(replaced, file.mime_type)) if replaced else metadata

    def _keep(
        self, document: RetrievedDocument, answer: Answer, entry: DocumentEntry, path: Path, temporary: Path
    ) -> FetchedDocument:
        """Give a document that came its place, if it is the one that was registered."""
        if document.href is None:
            received = measured(_written(document.inline or b"", temporary / "inline"), entry.mime_type)
        else:
            part = answer.parts.get(content_id_of_href(document.href))
            if part is None:
                raise Unreachable(self._repository_url, "the answer names a document and does not bring it")
            received = LocalFile(part.path, entry.mime_type or "", part.size_bytes, part.sha1)
        expected = f"{entry.size} bytes with SHA-1 {(entry.hash or '').lower()}"
        found = f"{received.size_bytes} bytes with SHA-1 {received.sha1}"
        if entry.hash and entry.size and expected != found:
            raise DocumentDamaged(entry.unique_id or "", expected, found)
        received.path.replace(path)
        return FetchedDocument(path, entry, received.size_bytes, received.sha1)


def _understood(
    transaction: Transaction, url: str, read: Callable[[etree._Element], T], body: etree._Element
) -> T:
    try:
        return read(body)
    except AnswerNotUnderstood as problem:
        sent = transaction is ITI_41
        raise Unreachable(url, f"{problem}; is it a {transaction.actor}?", sent=sent) from None


def _refuse_failure(
    transaction: Transaction, status: ResponseStatus, errors: Sequence[RegistryError]
) -> None:
    if status is ResponseStatus.FAILURE:
        raise RequestRefused(transaction, errors)


def _header_of(file: LocalFile) -> Header | None:
    """The header of a clinical document; None for all else."""
    if not file.mime_type.endswith("xml") or file.size_bytes > LARGEST_CDA_BYTES:
        return None
    try:
        return read_header(schemas.parse(file.path.read_bytes()))
    except schemas.NotParsable:
        return None


def _request_for(entry: DocumentEntry) -> DocumentRequest:
    return DocumentRequest(entry.repository_unique_id or "", entry.unique_id or "", entry.home_community_id)


def _adding_up(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def received(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        progress(done, total)

    return received


def _written(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path
