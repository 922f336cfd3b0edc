"""Under whom each new object is numbered, so that the end of a merge finds it (docs/decisions/0007).

What continues the record that a subsumed patient brought along is numbered under him, and all else under the
patient of its submission. So every object belongs to the last survivor of whom its number names, at any time.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from sqlalchemy import bindparam, select, update

from database import Statement, Transaction
from ebxml.model import Submission
from ebxml.refused import Refused
from ihe.associations import ASSOCIATION_TYPES
from ihe.error_codes import REGISTRY_OUT_OF_RESOURCES, RegistryError
from registry import tables as t
from registry.final_metadata import objects_of
from registry.found import Found

RECORD_FULL: RegistryError = REGISTRY_OUT_OF_RESOURCES.error("this patient's record can hold no more objects")

_RESERVE = Statement(
    update(t.patient)
    .where(t.patient.c.id == bindparam("number"))
    .values(last_object=t.patient.c.last_object + bindparam("count"))
    .returning(t.patient.c.last_object)
)
_below = select(t.patient.c.id).where(t.patient.c.id == bindparam("number")).cte("below", recursive=True)
_below = _below.union(select(t.patient.c.id).join(_below, t.patient.c.survivor == _below.c.id))
_FAMILY = Statement(select(_below.c.id))


async def family_of(patient: int, transaction: Transaction) -> list[int]:
    """This patient and all who were merged into him, at any remove."""
    return sorted(row[0] for row in await transaction.fetch(_FAMILY, {"number": patient}))


async def number_objects(
    new: Submission,
    known: Mapping[str, int],
    predecessors: Mapping[str, int],
    found: Found,
    transaction: Transaction,
) -> dict[str, int]:
    """Give each object of a whole submission its number, while its patient is locked.

    `known` has the numbers of the registered objects that it refers to, `predecessors` those of the versions
    that new ones of the same patient follow.
    """
    patient = found.patient or 0
    members = dict.fromkeys((each.entry_uuid for each in objects_of(new)), patient)
    referred_to = {number // t.OBJECTS_PER_PATIENT for number in (*known.values(), *predecessors.values())}
    if referred_to - {patient}:
        family = await family_of(patient, transaction)
        members |= _members(new, {**known, **predecessors}, predecessors, patient, family)
    numbers: dict[str, int] = {}
    for member in sorted({*members.values()}):
        mine = [entry_uuid for entry_uuid, one in members.items() if one == member]
        reserved, last = (found.reserved, found.last_object) if member == patient else (0, 0)
        if missing := max(len(mine) - reserved, 0):
            ((last,),) = await transaction.fetch(_RESERVE, {"number": member, "count": missing})
        if last >= t.OBJECTS_PER_PATIENT:
            raise Refused(RECORD_FULL)
        first = member * t.OBJECTS_PER_PATIENT + last - reserved - missing + 1
        numbers |= {entry_uuid: first + n for n, entry_uuid in enumerate(mine)}
    return numbers


def _members(
    new: Submission,
    registered: Mapping[str, int],
    predecessors: Mapping[str, int],
    patient: int,
    family: Collection[int],
) -> dict[str, int]:
    """Whose record each object continues, of all who are one patient now.

    A new version continues that of its predecessor; an Association that of its source; a SubmissionSet, with
    its own Associations, that of its contents, if they are all of one. Membership in a Folder says nothing of
    a document: both patients' documents may have been put into it.
    """

    def of_number(number: int) -> int:
        member = number // t.OBJECTS_PER_PATIENT
        return member if member in family else patient

    of_registered = {entry_uuid: of_number(number) for entry_uuid, number in registered.items()}
    contents = {each.entry_uuid: of_registered.get(each.entry_uuid, patient) for each in new.folders}
    contents |= _members_of_documents(new, of_registered, predecessors, patient)
    for each in new.associations:
        source = each.source_object
        if source != new.submission_set.entry_uuid:
            contents[each.entry_uuid] = contents[source] if source in contents else of_registered[source]
    of_package = _common(contents.values(), patient)
    return {each.entry_uuid: contents.get(each.entry_uuid, of_package) for each in objects_of(new)}


def _members_of_documents(
    new: Submission, of_registered: Mapping[str, int], predecessors: Collection[str], patient: int
) -> dict[str, int]:
    """A first version continues the record of the documents that it replaces, transforms, is appended to,
    signs or is a snapshot of, if they are all of one.
    """
    targets: dict[str, list[str]] = {each.entry_uuid: [] for each in new.document_entries}
    for association in new.associations:
        source = association.source_object
        if ASSOCIATION_TYPES[association.association_type].relationship and source in targets:
            targets[source].append(association.target_object)
    members = dict.fromkeys(targets, patient)
    in_order = TopologicalSorter(targets)
    # Documents that are derived from each other continue nobody's record.
    with suppress(CycleError):
        in_order.prepare()
    while ready := in_order.get_ready():
        for entry_uuid in ready:
            if entry_uuid in predecessors:
                members[entry_uuid] = of_registered[entry_uuid]
            elif entry_uuid in members:
                ends = (members.get(end) or of_registered[end] for end in targets[entry_uuid])
                members[entry_uuid] = _common(ends, patient)
        in_order.done(*ready)
    return members


def _common(members: Iterable[int], otherwise: int) -> int:
    different = {*members}
    return different.pop() if len(different) == 1 else otherwise
