"""Associations: what they join, and whether what they join belongs together (ITI TF-3: 4.2.2)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from conformance.judging.datatypes import is_uuid
from conformance.judging.found import error
from conformance.judging.parts import slot_values
from conformance.results import Finding
from conformance.xml import select, where
from ihe.associations import (
    ASSOCIATION_TYPES,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    ORIGINAL,
    REFERENCE,
    RPLC,
    SUBMIT_ASSOCIATION,
    UPDATE_AVAILABILITY_STATUS,
    XFRM_RPLC,
)
from ihe.object_types import ASSOCIATION_DOCUMENTATION_SCHEME

_ONLY_IN_UPDATES = {UPDATE_AVAILABILITY_STATUS.urn, SUBMIT_ASSOCIATION.urn}
_OF_WHAT_IS_REGISTERED = {RPLC.urn, XFRM_RPLC.urn, IS_SNAPSHOT_OF.urn}
_UPDATES = ("ITI-57", "ITI-92")


@dataclass(frozen=True)
class Members:
    """The objects of one submission by id, and the Framework's word for each."""

    kinds: Mapping[str, str]
    nodes: Mapping[str, etree._Element]

    def of(self, kind: str) -> list[str]:
        """The ids of the objects of a kind."""
        return [id for id, found in self.kinds.items() if found == kind]


def findings_in_associations(members: Members, transaction: str) -> Iterator[Finding]:
    """Yield what is wrong with each Association, and which objects none of them holds."""
    for id in members.of("Association"):
        yield from _of_association(members.nodes[id], members, transaction)
    yield from _of_membership(members, transaction)


def ends(node: etree._Element) -> tuple[str, str, str]:
    """associationType, sourceObject and targetObject."""
    return node.get("associationType", ""), node.get("sourceObject", ""), node.get("targetObject", "")


def _of_association(node: etree._Element, members: Members, transaction: str) -> Iterator[Finding]:
    type, source, target = ends(node)
    row = ASSOCIATION_TYPES.get(type)
    if row is None:
        short = {one.name: one.urn for one in ASSOCIATION_TYPES.values()}
        yield error(
            f"{where(node)}/@associationType",
            "an associationType is one of the Framework's, spelled whole",
            "ITI TF-3: 4.2.2",
            type,
            short.get(type, ", ".join(short.values())),
        )
        return
    if row.urn in _ONLY_IN_UPDATES and transaction not in _UPDATES:
        yield error(
            f"{where(node)}/@associationType",
            "an associationType is of its transaction",
            "MU supplement: 3.57.4.1.3",
            type,
            "an association of a submission",
            "Send it with Update Document Set [ITI-57].",
        )
    for name, value in (("sourceObject", source), ("targetObject", target)):
        if value not in members.kinds and not is_uuid(value):
            yield error(
                f"{where(node)}/@{name}",
                "a reference leads to an object",
                "ITI TF-3: 4.2.2",
                value,
                "the id of an object of this message, or the entryUUID of a registered one",
            )
    for value in slot_values(node, "AssociationPropagation"):
        if value not in ("yes", "no"):
            rule = "AssociationPropagation is yes or no"
            yield error(node, rule, "MU supplement: 3.57.4.1.3.3.1", value, "yes or no")
    if row is UPDATE_AVAILABILITY_STATUS and transaction == "ITI-92":
        rule = "a restricted update changes no status"
        yield error(node, rule, "RMU supplement: 3.92.4.1.3", row.name, "new versions of documents alone")
    if row is HAS_MEMBER:
        yield from _of_has_member(node, members, transaction)
    elif row.relationship:
        yield from _of_relationship(node, members, transaction)


def _of_has_member(node: etree._Element, members: Members, transaction: str) -> Iterator[Finding]:
    _, source, target = ends(node)
    kinds = members.kinds.get(source, ""), members.kinds.get(target, "")
    said = slot_values(node, "SubmissionSetStatus")
    section = "ITI TF-3: 4.2.2.1.1"
    if select(node, f"rim:Classification[@classificationScheme='{ASSOCIATION_DOCUMENTATION_SCHEME}']"):
        yield error(
            node,
            "a membership has no documentation",
            "ITI TF-3: 4.2.2.2",
            "a Classification",
            "none",
            "Leave the association documentation out.",
        )
    match kinds:
        case ("Folder", "Folder") | ("Folder", "SubmissionSet") | ("SubmissionSet", "SubmissionSet"):
            yield error(
                node,
                "memberships join only what belongs together",
                "ITI TF-3: 4.2.2.1",
                f"{kinds[0]} to {kinds[1]}",
                "SubmissionSet to anything, or Folder to DocumentEntry",
            )
        case ("SubmissionSet", "DocumentEntry"):
            if said != [ORIGINAL]:
                yield error(
                    node,
                    "a membership says whether its document is new",
                    section,
                    ", ".join(said) or "no SubmissionSetStatus",
                    ORIGINAL,
                    'Add rim:Slot name="SubmissionSetStatus" with the value Original.',
                )
        case ("SubmissionSet", ""):
            if said and said != [REFERENCE] and transaction not in _UPDATES:
                yield error(
                    node,
                    "a registered document may not be submitted as new",
                    "ITI TF-3: 4.2.2.1.2",
                    ", ".join(said),
                    REFERENCE,
                    "Write Reference for a document that is not in this message.",
                )
        case ("DocumentEntry", _) | ("Association", _):
            yield error(
                node,
                "memberships join only what belongs together",
                "ITI TF-3: 4.2.2.1",
                f"from a {kinds[0]}",
                "from a SubmissionSet or a Folder",
            )
        case (_, "SubmissionSet"):
            yield error(
                node,
                "nothing is added to a registered submission set",
                "ITI TF-3: 4.2.2.1",
                "a membership of a SubmissionSet",
                "none",
            )


def _of_relationship(node: etree._Element, members: Members, transaction: str) -> Iterator[Finding]:
    type, source, target = ends(node)
    # An update may relate documents that are registered already (MU supplement: 3.57.4.1.3.3.4).
    if members.kinds.get(source) != "DocumentEntry" and transaction not in _UPDATES:
        yield error(
            f"{where(node)}/@sourceObject",
            "a relationship comes from a document of the submission",
            "ITI TF-3: 4.2.2.2",
            members.kinds.get(source, f"{source}, which is not in it"),
            "a DocumentEntry of this message",
        )
    if members.kinds.get(target, "DocumentEntry") != "DocumentEntry":
        yield error(
            f"{where(node)}/@targetObject",
            "a relationship joins documents",
            "ITI TF-3: 4.2.2.2",
            members.kinds[target],
            "a DocumentEntry",
        )
    if type in _OF_WHAT_IS_REGISTERED and target in members.kinds:
        yield error(
            f"{where(node)}/@targetObject",
            "what is replaced is registered already",
            "ITI TF-3: 4.2.2.2",
            f"{target}, of this message",
            "the entryUUID of a registered document",
            "Ask the registry for the entryUUID of the document that is replaced, and name that.",
        )
    for name in ("SubmissionSetStatus", "PreviousVersion", "OriginalStatus", "NewStatus"):
        if slot_values(node, name):
            yield error(
                node,
                f"{name} stands on no relationship",
                "ITI TF-3: 4.2.2.1.1",
                name,
                "none",
                f"Leave {name} out.",
            )


def _of_membership(members: Members, transaction: str) -> Iterator[Finding]:
    held = {
        (ends(members.nodes[id])[1], ends(members.nodes[id])[2]): id
        for id in members.of("Association")
        if ends(members.nodes[id])[0] == HAS_MEMBER.urn
    }
    sets = members.of("SubmissionSet")
    if len(sets) != 1:
        return
    for kind in ("DocumentEntry", "Folder"):
        for id in members.of(kind):
            if (sets[0], id) not in held:
                yield error(
                    members.nodes[id],
                    "documents and Folders belong to the SubmissionSet",
                    "ITI TF-3: 4.2.2.1",
                    f"no HasMember from {sets[0]} to {id}",
                    "one",
                    f'Add rim:Association associationType="{HAS_MEMBER.urn}" from the SubmissionSet to it.',
                )
    for (source, _), id in held.items():
        in_a_folder = members.kinds.get(source) == "Folder" or (
            source not in members.kinds and is_uuid(source)
        )
        if in_a_folder and (sets[0], id) not in held and transaction not in _UPDATES:
            yield error(
                members.nodes[id],
                "a place in a Folder belongs to the SubmissionSet",
                "ITI TF-3: 4.2.2.1.3",
                f"no HasMember from {sets[0]} to {id}",
                "one",
                "Add a HasMember from the SubmissionSet to this Association.",
            )
