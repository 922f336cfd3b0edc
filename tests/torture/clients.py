"""The load: clients that put in, replace, correct, read and remove documents until the server is gone.

Each remembers what it sent before it sends it, and what was answered: the judge compares that with what is
there.
"""

import hashlib
import http.client
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.messages import requests
from tests.messages.requests import RPLC, SUCCESS, Submission, association, slot
from tests.services.platform import Platform
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, include, mtom, post

# What is no RegistryError: a SOAP fault, and half a document that cannot be taken for a whole one.
RECEIVER = "Receiver"
BROKEN_OFF = "broken off"
ITI_86 = "urn:ihe:iti:2017:RemoveDocuments"

# One upload buffer of the server and a bit, up to some of them: a kill finds documents half written.
LARGE_BYTES = (1_100_000, 4_000_000)
SMALL_BYTES = (0, 20_000)

# What a client sees of a server that is killed while it speaks.
GONE = (OSError, http.client.HTTPException)


class Fate(Enum):
    """What a client knows of something it asked for."""

    DONE = auto()
    UNKNOWN = auto()
    NOT_DONE = auto()


@dataclass
class Document:
    """One document as its sender knows it."""

    sent: Submission
    content: bytes = field(repr=False)
    entry_uuid: str
    set_uuid: str
    association_uuid: str
    submitted: Fate = Fate.UNKNOWN
    # Whether its sender was told so, rather than found it there afterwards.
    acknowledged: bool = False
    replaces: "Document | None" = None
    # The title of each version that was asked for by ITI-57, with its fate.
    corrections: dict[str, Fate] = field(default_factory=dict)
    metadata_removed: Fate = Fate.NOT_DONE
    bytes_removed: Fate = Fate.NOT_DONE
    # Where it is kept by another repository, and registered here by ITI-42 alone.
    elsewhere: bool = False
    # How often the bytes were asked for by ITI-43, and how often they came.
    reads_begun: int = 0
    reads_answered: int = 0

    @property
    def unique_id(self) -> str:
        return self.sent.unique_id


@dataclass(frozen=True)
class Excuses:
    """What a server may answer while something that it needs is away.

    The codes of each transaction's RegistryErrors, with RECEIVER or BROKEN_OFF where these will do.
    """

    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Whether what was refused may yet have been done, all of it.
    uncertain: bool = False
    # Whether connections end without an answer.
    mortal: bool = False


# It is killed: until then there is nothing to excuse.
MORTAL = Excuses(mortal=True)


class Client(threading.Thread):
    """One sender with a patient of its own, whose choices follow from the seed alone."""

    def __init__(
        self,
        platform: Platform,
        patient_id: str,
        documents: list[Document],
        seed: str,
        excuses: Excuses = MORTAL,
    ) -> None:
        super().__init__(daemon=True)
        self._platform, self._patient_id, self._choices = platform, patient_id, random.Random(seed)
        self._excuses = excuses
        self._ended = threading.Event()
        self.documents = documents
        self.answered: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        # What no server may answer, killed or not.
        self.wrong: list[str] = []

    def run(self) -> None:
        acts = (
            self._submit,
            self._submit,
            self._register,
            self._replace,
            self._correct,
            self._read,
            self._read,
            self._remove,
        )
        try:
            while not self._ended.is_set():
                self._choices.choice(acts)()
        except GONE as problem:
            if not self._excuses.mortal:
                self.wrong.append(f"no answer came: {problem!r}")
        except Exception as problem:
            self.wrong.append(f"an answer that cannot be read: {problem!r}")

    def end(self) -> None:
        """Begin nothing more."""
        self._ended.set()

    def _submit(self, replaces: Document | None = None) -> None:
        size = self._choices.randint(*(LARGE_BYTES if self._choices.random() < 0.3 else SMALL_BYTES))
        document = new_document(self._patient_id, self._choices.randbytes(size), replaces)
        self.documents.append(document)
        answer = send(self._platform, document)
        document.submitted = self._fate(answer, "ITI-41 with RPLC" if replaces else "ITI-41")
        document.acknowledged = document.submitted is Fate.DONE

    def _register(self) -> None:
        """ITI-42 from the repository of somebody else."""
        document = new_document(self._patient_id, b"", None, elsewhere=True)
        self.documents.append(document)
        answer = send(self._platform, document)
        document.submitted = self._fate(answer, "ITI-42")
        document.acknowledged = document.submitted is Fate.DONE

    def _replace(self) -> None:
        # A corrected entry has another entryUUID, which its sender would have to ask for first.
        if (target := self._some_head()) and not target.corrections:
            self._submit(target)

    def _correct(self) -> None:
        # One correction of a document: the number of the version before it is then known for sure.
        if (target := self._some_head()) and not target.corrections:
            title = f"Corrected {len(self.documents)}"
            target.corrections[title] = Fate.UNKNOWN
            answer = post(self._platform.registry_url, envelope(requests.ITI_57, correction(target, title)))
            target.corrections[title] = self._fate(answer, "ITI-57")

    def _read(self) -> None:
        readable = [one for one in self.documents if one.submitted is Fate.DONE]
        readable = [one for one in readable if one.bytes_removed is Fate.NOT_DONE and not one.elsewhere]
        if not readable:
            return
        document = self._choices.choice(readable)
        document.reads_begun += 1
        try:
            answer = self._platform.retrieve(document.unique_id)
        except http.client.IncompleteRead:
            if BROKEN_OFF not in self._excuses.codes.get("ITI-43", ()):
                raise
            self.excused[f"ITI-43 {BROKEN_OFF}"] += 1
            return
        if self._fate(answer, "ITI-43") is Fate.DONE:
            document.reads_answered += 1
            if answer.parts[1][1] != document.content:
                self.wrong.append(f"{document.unique_id} was read as other bytes")

    def _remove(self) -> None:
        """ITI-62 of a whole submission that nothing else refers to, then ITI-86 of its bytes."""
        target = self._some_head()
        if target is None or target.replaces or target.corrections:
            return
        target.metadata_removed = Fate.UNKNOWN
        named = (target.set_uuid, target.entry_uuid, target.association_uuid)
        references = "".join(f'<rim:ObjectRef id="{one}"/>' for one in named)
        body = (
            f"<lcm:RemoveObjectsRequest {requests.NAMESPACES}><rim:ObjectRefList>{references}"
            "</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
        )
        answer = post(self._platform.registry_url, envelope(requests.ITI_62, body))
        target.metadata_removed = self._fate(answer, "ITI-62")
        if target.metadata_removed is Fate.DONE and not target.elsewhere:
            target.bytes_removed = Fate.UNKNOWN
            answer = post(self._platform.repository_url, envelope(ITI_86, removal(target)))
            target.bytes_removed = self._fate(answer, "ITI-86")

    def _some_head(self) -> Document | None:
        replaced = {id(one.replaces) for one in self.documents}
        heads = [
            one
            for one in self.documents
            if one.submitted is Fate.DONE
            and one.metadata_removed is Fate.NOT_DONE
            and id(one) not in replaced
            and Fate.UNKNOWN not in one.corrections.values()
        ]
        return self._choices.choice(heads) if heads else None

    def _fate(self, answer: HttpAnswer, transaction: str) -> Fate:
        codes = [RECEIVER] if answer.found("Fault") and answer.fault[0] == RECEIVER else answer.codes
        if not codes and answer.status_urn == SUCCESS:
            self.answered[transaction] += 1
            return Fate.DONE
        if codes and self._excuses.codes.get(transaction, frozenset()).issuperset(codes):
            self.excused.update(f"{transaction} {code}" for code in codes)
            return Fate.UNKNOWN if self._excuses.uncertain else Fate.NOT_DONE
        self.wrong.append(f"{transaction} was refused: {answer.errors or answer.body[:500]!r}")
        return Fate.NOT_DONE


def new_document(
    patient_id: str, content: bytes, replaces: Document | None, *, elsewhere: bool = False
) -> Document:
    """A document whose sender chose every id: what became of it can be asked for."""
    slots = requests.registered(sha1(content), len(content)).replace(requests.REPOSITORY, "2.999.2.77")
    sent = requests.submission(patient_id, slots=slots if elsewhere else "")
    entry, package, member = (requests.fresh_uuid() for _ in range(3))
    body = sent.submit_objects_request
    if replaces:
        rplc = association("Document1", replaces.entry_uuid, RPLC, id=requests.fresh_uuid())
        body = body.replace("</rim:RegistryObjectList>", f"{rplc}</rim:RegistryObjectList>")
    for name, uuid in (
        ("SubmissionSet1-Document1", member),
        ("SubmissionSet1", package),
        ("Document1", entry),
    ):
        body = body.replace(f'"{name}"', f'"{uuid}"')
    sent = Submission(patient_id, body, sent.submission_set_unique_id, sent.unique_ids)
    return Document(sent, content, entry, package, member, replaces=replaces, elsewhere=elsewhere)


def send(platform: Platform, document: Document) -> HttpAnswer:
    """ITI-41 of this document, or ITI-42, the same bytes whenever it is sent again."""
    if document.elsewhere:
        return platform.register(document.sent.submit_objects_request)
    part = ("part1@wire", "text/plain", document.content)
    body = requests.provide(document.sent.submit_objects_request, (document.entry_uuid, include(part[0])))
    return post(platform.repository_url, mtom(envelope(requests.ITI_41, body), part), MTOM_TYPE)


def correction(document: Document, title: str) -> str:
    """The body of an ITI-57 that gives the document's entry another title."""
    slots = requests.registered(sha1(document.content), len(document.content))
    entry = requests.document_entry(document.sent.patient_id, document.unique_id, slots=slots)
    entry = entry.replace('value="Report"', f'value="{title}"', 1)
    entry = entry.replace("<rim:ExtrinsicObject ", f'<rim:ExtrinsicObject lid="{document.entry_uuid}" ', 1)
    member = association("SubmissionSet1", "Document1", status="Original", more=slot("PreviousVersion", "1"))
    package = requests.submission_set(document.sent.patient_id, requests.fresh_oid())
    return requests.submit(package, entry, member)


def removal(document: Document) -> str:
    """The body of an ITI-86."""
    return (
        '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"<xds:DocumentRequest><xds:RepositoryUniqueId>{requests.REPOSITORY}</xds:RepositoryUniqueId>"
        f"<xds:DocumentUniqueId>{document.unique_id}</xds:DocumentUniqueId></xds:DocumentRequest>"
        "</rmd:RemoveDocumentsRequest>"
    )


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
