"""What the endpoints hold: documents and metadata, in memory, as a registry would (ITI TF-2: 3.42.4.1.3)."""

import hashlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from conformance.answer import values_of
from conformance.judging.associations import ends
from conformance.judging.datatypes import is_uuid
from conformance.judging.submissions import members_of
from conformance.messages.objects import slot
from conformance.xml import select
from ihe.associations import ASSOCIATION_TYPES, HAS_MEMBER
from ihe.object_types import (
    ASSOCIATION,
    CLASSIFICATION,
    EXTERNAL_IDENTIFIER,
    REGISTRY_PACKAGE,
    Status,
)

# A session is a few dozen submissions by hand, or some thousand by a script.
MAX_OBJECTS = 50_000
MAX_DOCUMENTS = 5_000
MAX_BYTES = 1024 * 1024 * 1024
MAX_PATIENTS = 10_000

_PART_TYPES = {"Classification": CLASSIFICATION, "ExternalIdentifier": EXTERNAL_IDENTIFIER}
_OBJECT_TYPES = {"RegistryPackage": REGISTRY_PACKAGE, "Association": ASSOCIATION}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a submission is not taken: an error code, and what it is about."""

    code: str
    context: str
    location: str = ""


@dataclass(frozen=True)
class Held:
    """A registered object; `kind` is the Framework's word for it."""

    kind: str
    node: etree._Element

    @property
    def id(self) -> str:
        """Its entryUUID."""
        return self.node.get("id", "")

    def values(self, name: str) -> list[str]:
        """The values of one of its attributes."""
        return values_of(self.node, self.kind, name)


@dataclass
class Store:
    """Objects by entryUUID, documents by uniqueId; whoever works with them holds the lock."""

    repository: str
    objects: dict[str, Held] = field(default_factory=dict)
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def submit(self, submit: etree._Element, contents: Mapping[str, bytes]) -> list[Refusal]:
        """Register what a submission brings, all or nothing; `contents` are bytes by entry id."""
        with self.lock:
            members = members_of(submit)
            new = [(members.kinds[id], node) for id, node in members.nodes.items()]
            if refused := [*self._refusals(new, contents)]:
                return refused
            named = {id: id if is_uuid(id) else f"urn:uuid:{uuid.uuid4()}" for id in members.nodes}
            for kind, node in new:
                content = contents.get(node.get("id", ""))
                self._keep(kind, deepcopy(node), named, content)
            return []

    def of(self, kind: str) -> Iterator[Held]:
        """The objects of a kind, in the order they came."""
        return (one for one in self.objects.values() if one.kind == kind)

    def merge(self, prior: str) -> None:
        """Nobody has this id any more (ITI TF-2: 3.8.4.2.3)."""
        with self.lock:
            if len(self.merged) < MAX_PATIENTS:
                self.merged.add(prior)

    def _refusals(
        self, new: list[tuple[str, etree._Element]], contents: Mapping[str, bytes]
    ) -> Iterator[Refusal]:
        held_bytes = sum(len(content) for _, content in self.documents.values())
        if (
            len(self.objects) + len(new) > MAX_OBJECTS
            or len(self.documents) + len(contents) > MAX_DOCUMENTS
            or held_bytes + sum(map(len, contents.values())) > MAX_BYTES
        ):
            yield Refusal("XDSRepositoryOutOfResources", "the session holds as much as it may")
            return
        ids = {node.get("id", "") for _, node in new}
        unique = {value for held in self.objects.values() for value in held.values("uniqueId")}
        for kind, node in new:
            for value in values_of(node, kind, "uniqueId"):
                if kind != "DocumentEntry" and value in unique:
                    yield Refusal("XDSDuplicateUniqueIdInRegistry", f"{kind} {value} is registered already")
                known = self.documents.get(value)
                if kind == "DocumentEntry" and known and known[1] != contents.get(node.get("id", "")):
                    yield Refusal("XDSNonIdenticalHash", f"{value} is registered with other bytes")
            for value in values_of(node, kind, "patientId"):
                if value in self.merged:
                    yield Refusal("XDSUnknownPatientId", f"{value} was merged into another")
            if kind == "Association":
                yield from self._of_references(node, ids)

    def _of_references(self, node: etree._Element, ids: set[str]) -> Iterator[Refusal]:
        type, source, target = ends(node)
        for end in (source, target):
            if end not in ids and end not in self.objects:
                yield Refusal("UnresolvedReferenceException", f"{end} is not registered", node.get("id", ""))
        row, there = ASSOCIATION_TYPES.get(type), self.objects.get(target)
        if row and row.relationship and there and there.node.get("status") == Status.DEPRECATED:
            yield Refusal("XDSRegistryDeprecatedDocumentError", f"{target} is Deprecated", node.get("id", ""))

    def _keep(self, kind: str, node: etree._Element, named: Mapping[str, str], content: bytes | None) -> None:
        for one in node.iter(etree.Element):
            for attribute in ("id", "classifiedObject", "registryObject", "sourceObject", "targetObject"):
                said = one.get(attribute, "")
                if said in named:
                    one.set(attribute, named[said])
            local = etree.QName(one).localname
            if local in _PART_TYPES:
                one.set("objectType", _PART_TYPES[local])
                if not is_uuid(one.get("id", "")):
                    one.set("id", f"urn:uuid:{uuid.uuid4()}")
        local = etree.QName(node).localname
        if local in _OBJECT_TYPES:
            node.set("objectType", _OBJECT_TYPES[local])
        node.set("status", Status.APPROVED)
        held = Held(kind, node)
        if kind == "DocumentEntry" and content is not None:
            self._describe(held, content)
            for value in held.values("uniqueId"):
                self.documents[value] = (node.get("mimeType", ""), content)
        self.objects[held.id] = held
        row = ASSOCIATION_TYPES.get(ends(node)[0]) if kind == "Association" else None
        if row and row.deprecates_target and (target := self.objects.get(ends(node)[2])):
            target.node.set("status", Status.DEPRECATED)

    def _describe(self, held: Held, content: bytes) -> None:
        """What a repository adds: hash, size and its own id (ITI TF-2: 3.41.4.1.3)."""
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        described = {"hash": digest, "size": str(len(content)), "repositoryUniqueId": self.repository}
        for name, value in described.items():
            for there in select(held.node, f"rim:Slot[@name='{name}']"):
                held.node.remove(there)
            held.node.insert(0, slot(name, value))

    def members(self, package: str) -> list[Held]:
        """What HasMember joins to a package, and the memberships themselves."""
        found = []
        for one in self.of("Association"):
            type, source, target = ends(one.node)
            if type == HAS_MEMBER.urn and source == package:
                found += [one, *([self.objects[target]] if target in self.objects else [])]
        return found
