"""Submissions: what a step says of documents, folders and associations, as a SubmitObjectsRequest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from conformance.messages.objects import TABLES, metadata_object
from conformance.names import Names
from conformance.plan import BadPlan
from ihe.associations import ASSOCIATION_TYPES
from ihe.attributes import Slot
from ihe.namespaces import LCM, RIM

STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
TYPE_URNS = {row.name: row.urn for row in ASSOCIATION_TYPES.values()}
# What only a registration has, and an entry for documents made on demand never (ITI TF-3: Table 4.3.1-3).
_OF_BYTES = ("hash", "size")
# What says how an object is written, and is none of its attributes.
_WORDS_OF_FOLDER = {"name", "without", "alone", "updates", "previous", "propagation"}
_WORDS_OF_DOCUMENT = _WORDS_OF_FOLDER | {"content", "fill", "slots"}


@dataclass(frozen=True)
class Submission:
    """A SubmitObjectsRequest, its documents' bytes by entry id, and the objects that were named."""

    request: etree._Element
    documents: Mapping[str, bytes]
    attributes: Mapping[str, Mapping[str, Any]]


def submission(names: Names, said: Mapping[str, Any], transaction: str, number: int) -> Submission:
    """Write what a step submits; every object has the name that the plan gives it, or "set1", "set2" ..."""
    return _Writer(names, said, transaction, number).written()


def content_of(names: Names, document: str | Mapping[str, Any]) -> bytes:
    """The bytes of a document, the same whenever the plan names it."""
    said = {"name": document} if isinstance(document, str) else document
    if "fill" in said:
        line, size = names.content(str(said["name"])).encode(), int(said["fill"])
        return (line * (size // len(line) + 1))[:size]
    return str(said.get("content", names.content(str(said["name"])))).encode()


class _Writer:
    """Collects the objects of one submission."""

    def __init__(self, names: Names, said: Mapping[str, Any], transaction: str, number: int) -> None:
        self._names = names
        self._said = said
        self._transaction = transaction
        set_said = said.get("set", {})
        self._set_said = {"name": set_said} if isinstance(set_said, str) else set_said
        self._set = str(self._set_said.get("name", f"set{number}"))
        self._objects: list[etree._Element] = []
        self._documents: dict[str, bytes] = {}
        self._attributes: dict[str, Mapping[str, Any]] = {}

    def written(self) -> Submission:
        for document in self._said.get("documents", ()):
            self._document({"name": document} if isinstance(document, str) else document)
        self._submission_set()
        for folder in self._said.get("folders", ()):
            self._folder({"name": folder} if isinstance(folder, str) else folder)
        for one in self._said.get("associations", ()):
            self._association(one)
        request = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"lcm": LCM, "rim": RIM})
        etree.SubElement(request, f"{{{RIM}}}RegistryObjectList").extend(self._objects)
        return Submission(request, self._documents, self._attributes)

    def _document(self, said: Mapping[str, Any]) -> None:
        said = {**{key: one for key, one in said.items() if key != "is"}, **said.get("is", {})}
        names, name = self._names, str(said["name"])
        root = str(said.get("updates", name))
        content = content_of(names, said)
        attributes: dict[str, Any] = {
            "entryUUID": names.uuid(name),
            "mimeType": "text/plain",
            "objectType": ON_DEMAND if self._transaction == "register-on-demand" else STABLE,
            "creationTime": "20240102030405",
            "languageCode": "en",
            "sourcePatientId": f"{names.patient_local_id('source')}^^^&2.999.77&ISO",
            "title": f"Conformance document {name}",
            **{attribute: names.code(attribute, 0) for attribute in _CODES},
            "patientId": names.filled("{patient}"),
            "uniqueId": names.oid(root),
        }
        if self._transaction != "provide":
            attributes["repositoryUniqueId"] = names.settings.repository
            attributes["hash"] = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            attributes["size"] = str(len(content))
        if attributes["objectType"] == ON_DEMAND:
            for attribute in (*_OF_BYTES, "creationTime"):
                attributes.pop(attribute, None)
        if "updates" in said:
            attributes["logicalID"] = names.uuid(root)
        attributes |= said.get("slots", {})
        attributes |= {key: value for key, value in said.items() if key not in _WORDS_OF_DOCUMENT}
        self._add("DocumentEntry", name, said, attributes)
        if self._transaction == "provide":
            self._documents[str(attributes["entryUUID"])] = content
        if not said.get("alone"):
            slots = {"SubmissionSetStatus": "Original", **_annotations(said)}
            self._member(self._set, name, str(attributes["entryUUID"]), slots)

    def _submission_set(self) -> None:
        names, name = self._names, self._set
        attributes = {
            "entryUUID": names.uuid(name),
            "submissionTime": "20240102030405",
            "title": f"Conformance submission {name}",
            "author": [{"authorPerson": "^Kit^Anne^^^Dr"}],
            "contentTypeCode": names.code("contentTypeCode", 0),
            "patientId": names.filled("{patient}"),
            "sourceId": "2.999.78.1",
            "uniqueId": names.oid(name),
        }
        attributes |= {key: value for key, value in self._set_said.items() if key not in ("name", "without")}
        self._add("SubmissionSet", name, self._set_said, attributes)

    def _folder(self, said: Mapping[str, Any]) -> None:
        names, name = self._names, str(said["name"])
        root = str(said.get("updates", name))
        attributes = {
            "entryUUID": names.uuid(name),
            "title": f"Conformance folder {name}",
            "codeList": [names.code("codeList", 0)],
            "patientId": names.filled("{patient}"),
            "uniqueId": names.oid(root),
        }
        if "updates" in said:
            attributes["logicalID"] = names.uuid(root)
        attributes |= {key: value for key, value in said.items() if key not in _WORDS_OF_FOLDER}
        self._add("Folder", name, said, attributes)
        if not said.get("alone"):
            self._member(self._set, name, str(attributes["entryUUID"]), _annotations(said))

    def _association(self, said: str | Mapping[str, Any]) -> None:
        said = {"of": said} if isinstance(said, str) else said
        source, type, target = str(said["of"]).split(" ", 2)
        name = str(said.get("name", said["of"]))
        attributes = {
            "entryUUID": self._names.uuid(name),
            "associationType": said.get("type", TYPE_URNS.get(type, type)),
            "sourceObject": said.get("source", self._names.uuid(source)),
            "targetObject": said.get("target", self._names.uuid(target)),
            **said.get("slots", {}),
        }
        self._add("Association", name, said, attributes)
        # A document joins a Folder together with a membership of that in the set (ITI TF-3: 4.2.2.1.3).
        if type == "HasMember" and source != self._set and not said.get("alone"):
            self._member(self._set, f"({name})", str(attributes["entryUUID"]), {})

    def _member(self, source: str, name: str, target: str, slots: Mapping[str, str]) -> None:
        attributes = {
            "entryUUID": self._names.uuid(f"{source} HasMember {name}"),
            "associationType": TYPE_URNS["HasMember"],
            "sourceObject": self._names.uuid(source),
            "targetObject": target,
            **slots,
        }
        self._add("Association", f"{source} HasMember {name}", {}, attributes)

    def _add(self, kind: str, name: str, said: Mapping[str, Any], attributes: dict[str, Any]) -> None:
        for absent in said.get("without", ()):
            if absent not in attributes:
                raise BadPlan(f"{self._names.plan}: {name} has no {absent} to do without")
            del attributes[absent]
        known = {row.name for row in TABLES[kind]}
        known |= {row.carrier.name for row in TABLES[kind] if isinstance(row.carrier, Slot)}
        if misspelt := [one for one in attributes if one not in known and ":" not in one]:
            raise BadPlan(f"{self._names.plan}: a {kind} has no {', '.join(misspelt)}")
        self._objects.append(metadata_object(kind, attributes))
        self._attributes[name] = attributes


_CODES = (
    "classCode",
    "confidentialityCode",
    "formatCode",
    "healthcareFacilityTypeCode",
    "practiceSettingCode",
    "typeCode",
)


def _annotations(said: Mapping[str, Any]) -> dict[str, str]:
    slots = {}
    if "previous" in said:
        slots["PreviousVersion"] = str(said["previous"])
    if "propagation" in said:
        slots["AssociationPropagation"] = str(said["propagation"])
    return slots
