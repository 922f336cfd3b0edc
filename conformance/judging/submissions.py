"""A submission as a whole: its objects, one patient, unique ids (ITI TF-3: 4.2.1)."""

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from conformance.answer import values_of
from conformance.judging.associations import Members, ends, findings_in_associations
from conformance.judging.attributes import findings_in_attributes
from conformance.judging.codes import ValueSets
from conformance.judging.datatypes import is_uuid
from conformance.judging.found import error
from conformance.judging.parts import findings_in_parts, slot_values
from conformance.messages.objects import FOLDER_LABEL, SUBMISSION_SET_LABEL
from conformance.results import Finding
from conformance.xml import select, where
from ihe.associations import ASSOCIATION_TYPES, HAS_MEMBER
from ihe.object_types import DocumentEntryType

_KINDS = {SUBMISSION_SET_LABEL: "SubmissionSet", FOLDER_LABEL: "Folder"}
_UPDATES = ("ITI-57", "ITI-92")


def transaction_of(submit: etree._Element) -> str:
    """What a bare SubmitObjectsRequest is most likely sent by: nothing but its content says so."""
    if select(submit, ".//rim:Association[rim:Slot[@name='PreviousVersion' or @name='NewStatus']]"):
        return "ITI-57"
    entries = select(submit, ".//rim:ExtrinsicObject")
    on_demand = [one for one in entries if one.get("objectType") == DocumentEntryType.ON_DEMAND]
    return "ITI-61" if on_demand and on_demand == entries else "ITI-42"


def members_of(submit: etree._Element) -> Members:
    """The objects of a submission, packages by their labels wherever these stand (ITI TF-3: 4.2.1)."""
    nodes, kinds = {}, {}
    for node in select(submit, "rim:RegistryObjectList/*"):
        id = node.get("id", "")
        match etree.QName(node).localname:
            case "ExtrinsicObject":
                kinds[id], nodes[id] = "DocumentEntry", node
            case "Association":
                kinds[id], nodes[id] = "Association", node
            case "RegistryPackage":
                labels = _labels_of(node, submit)
                kinds[id], nodes[id] = _KINDS.get(labels[0], "") if len(labels) == 1 else "", node
    return Members(kinds, nodes)


def findings_in_submission(submit: etree._Element, transaction: str, allowed: ValueSets) -> Iterator[Finding]:
    """Yield what is wrong in a SubmitObjectsRequest of this transaction."""
    members = members_of(submit)
    yield from _of_list(submit, members, transaction)
    for id, kind in members.kinds.items():
        node = members.nodes[id]
        if kind:
            yield from findings_in_parts(node, kind)
            yield from findings_in_attributes(node, kind, transaction, allowed)
    yield from findings_in_associations(members, transaction)
    yield from _of_ids(submit, members)
    yield from _of_patients(members, transaction)
    yield from _of_object_types(members, transaction)
    if transaction in _UPDATES:
        yield from _of_versions(members)


def _labels_of(node: etree._Element, submit: etree._Element) -> list[str]:
    beside = f"rim:RegistryObjectList/rim:Classification[@classifiedObject='{node.get('id', '')}']"
    inside = select(node, "rim:Classification")
    loose = select(submit, beside) if "'" not in node.get("id", "") else []
    return [found for one in (*inside, *loose) if (found := one.get("classificationNode", "")) in _KINDS]


def _of_list(submit: etree._Element, members: Members, transaction: str) -> Iterator[Finding]:
    sets = members.of("SubmissionSet")
    if len(sets) != 1:
        yield error(
            submit,
            "a submission has exactly one SubmissionSet",
            "ITI TF-3: 4.2.1",
            f"{len(sets)} SubmissionSets",
            "one",
            f'Label one RegistryPackage with classificationNode="{SUBMISSION_SET_LABEL}".',
        )
    for id, kind in members.kinds.items():
        if not kind:
            labels = _labels_of(members.nodes[id], submit)
            yield error(
                members.nodes[id],
                "a package has one label",
                "ITI TF-3: 4.2.1",
                ", ".join(labels) or "no label",
                "that of a SubmissionSet or that of a Folder",
                "Add a Classification with the classificationNode that says what the package is.",
            )
    if transaction == "ITI-92":
        for id in members.of("Folder"):
            rule, expected = "a restricted update is of no Folder", "DocumentEntries alone"
            yield error(members.nodes[id], rule, "RMU supplement: 3.92.4.1.3", "a Folder", expected)
    if set(members.kinds.values()) == {"SubmissionSet"} and transaction in _UPDATES:
        rule, expected = "an update asks for something", "a new version, a status change or an Association"
        yield error(submit, rule, "MU supplement: 3.57.4.1.3", "a SubmissionSet alone", expected)
    if set(members.kinds.values()) == {"SubmissionSet"} and transaction not in _UPDATES:
        yield error(
            submit,
            "a submission set alone is nothing to submit",
            "ITI TF-3: 4.2.1",
            "a SubmissionSet alone",
            "a document, a Folder or an Association as well",
        )
    for node in select(submit, "rim:RegistryObjectList/rim:RegistryPackage/rim:RegistryObjectList"):
        yield error(
            node,
            "objects within a Folder's element are refused",
            "ITI TF-3: 4.2.1",
            "objects in a package",
            "objects beside it, joined by Associations",
        )


def _of_ids(submit: etree._Element, members: Members) -> Iterator[Finding]:
    objects = select(
        submit,
        "rim:RegistryObjectList/*[self::rim:ExtrinsicObject|self::rim:RegistryPackage|self::rim:Association]",
    )
    for id, times in Counter(one.get("id", "") for one in objects).items():
        if times > 1:
            yield error(
                members.nodes[id],
                "an id stands on one object",
                "ITI TF-3: 4.2.3.1.5",
                f"{id} on {times} objects",
                "an id for each",
                "Give every object of the message an id of its own.",
            )
    unique: dict[str, str] = {}
    for id, kind in members.kinds.items():
        if kind in ("", "Association"):
            continue
        for value in values_of(members.nodes[id], kind, "uniqueId"):
            if value in unique and value:
                yield error(
                    members.nodes[id],
                    "a uniqueId stands on one object of a message",
                    "ITI TF-2: 3.42.4.1.3",
                    f"{value}, also on {unique[value]}",
                    "a uniqueId for each",
                    "Give each its own; a registry answers XDSRegistryDuplicateUniqueIdInMessage.",
                )
            unique[value] = id


def _of_patients(members: Members, transaction: str) -> Iterator[Finding]:
    sets = members.of("SubmissionSet")
    if len(sets) != 1 or transaction == "ITI-57":
        return
    patient = values_of(members.nodes[sets[0]], "SubmissionSet", "patientId")
    for id, kind in members.kinds.items():
        if kind not in ("DocumentEntry", "Folder") or not patient:
            continue
        for value in values_of(members.nodes[id], kind, "patientId"):
            if value != patient[0]:
                yield error(
                    members.nodes[id],
                    "a submission is about one patient",
                    "ITI TF-2: 3.42.4.1.3",
                    value,
                    patient[0],
                    "Write the same patientId on all objects; a registry answers XDSPatientIdDoesNotMatch.",
                )


def _of_object_types(members: Members, transaction: str) -> Iterator[Finding]:
    expected = DocumentEntryType.ON_DEMAND if transaction == "ITI-61" else DocumentEntryType.STABLE
    if transaction in _UPDATES:
        return
    entries = [members.nodes[id] for id in members.of("DocumentEntry")]
    for node in entries:
        if node.get("objectType") in set(DocumentEntryType) - {expected}:
            rule = (
                f"the documents of {transaction} are {'on demand' if transaction == 'ITI-61' else 'stable'}"
            )
            yield error(
                f"{where(node)}/@objectType",
                rule,
                "ITI TF-2: 3.42.4.1.3, 3.61.4.1.2",
                node.get("objectType", ""),
                expected,
            )
    if transaction == "ITI-61" and not entries:
        root = next(iter(members.nodes.values())).getroottree().getroot() if members.nodes else "/"
        yield error(
            root, "nothing is announced without an entry", "ITI TF-2: 3.61.4.1.2", "no DocumentEntry", "one"
        )


def _of_versions(members: Members) -> Iterator[Finding]:
    section = "MU supplement: 3.57.4.1.3.3.1"
    known = {row.urn: row.name for row in ASSOCIATION_TYPES.values()}
    for id in members.of("Association"):
        node = members.nodes[id]
        type, source, target = ends(node)
        new = members.kinds.get(target)
        if known.get(type) == "UpdateAvailabilityStatus":
            for name in ("OriginalStatus", "NewStatus"):
                if not slot_values(node, name):
                    yield error(
                        node,
                        f"a status change has {name}",
                        "MU supplement: 3.57.4.1.3.3.3",
                        f"no {name}",
                        name,
                    )
        if type != HAS_MEMBER.urn or new not in ("DocumentEntry", "Folder"):
            continue
        if members.kinds.get(source) != "SubmissionSet":
            continue
        lid = members.nodes[target].get("lid", "")
        previous = slot_values(node, "PreviousVersion")
        if not is_uuid(lid):
            yield error(
                members.nodes[target],
                "an update names its logical object by lid",
                section,
                lid or "no lid",
                "the lid of the registered object",
            )
        if lid and lid == target:
            yield error(
                members.nodes[target], "the lid of an update is not its own id", section, lid, "another id"
            )
        if len(previous) != 1 or not previous[0].isdecimal():
            yield error(
                node,
                "the membership of a new version has PreviousVersion",
                section,
                ", ".join(previous) or "no PreviousVersion",
                "the number of the latest version",
            )
