"""What is left of a handful of objects for a View, told in plain Python, knowing nothing of tables or SQL."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from exchange.visibility import View, holds
from hl7v2.datatypes import DTM
from tests.messages.query_oracle import Held
from tests.messages.registry_objects import APPROVED, DEPRECATED, HAS_MEMBER


@dataclass(frozen=True)
class Background:
    """What a registry knows beside the metadata, by entryUUID.

    `withdrawals` are pairs of a document and one that replaced it; `registered` the time of an Association.
    """

    withdrawals: frozenset[tuple[str, str]] = frozenset()
    registered: Mapping[str, int] = field(default_factory=dict)
    depositors: Mapping[str, str] = field(default_factory=dict)


NO_BACKGROUND = Background()


def seen_through(view: View, objects: Iterable[Held], background: Background) -> list[Held]:
    """The objects of a registry that never held what the View does not show."""
    everything = list(objects)
    documents = hidden_documents(view, everything, background)
    folders = emptied("F", everything, documents)
    links = joining(everything, documents | folders)
    sets = emptied("S", everything, documents | folders | links)
    links |= joining(everything, documents | folders | links | sets)
    hidden = documents | folders | sets | links
    owners = {one.uuid: one.patient_id for one in everything}
    return [
        as_seen(one, everything, documents, background)
        for one in everything
        if one.uuid not in hidden
        and one.patient_id in view.by_patient
        and all(owners[end] in view.by_patient for end in ends(one))
    ]


def hidden_documents(view: View, objects: list[Held], background: Background) -> set[str]:
    theirs = [one for one in objects if one.kind == "D" and one.patient_id in view.by_patient]
    alone = {
        one.uuid
        for one in theirs
        if not holds(view.of(one.patient_id), one.obj, background.depositors.get(one.uuid, ""))
    }
    now = {one.obj.logical_id or one.uuid for one in theirs if one.latest and one.uuid in alone}
    return alone | {one.uuid for one in theirs if (one.obj.logical_id or one.uuid) in now}


def emptied(kind: str, objects: list[Held], hidden: set[str]) -> set[str]:
    members: dict[str, set[str]] = {one.uuid: set() for one in objects if one.kind == kind}
    for source, target in memberships(objects):
        if source in members:
            members[source].add(target)
    return {package for package, inside in members.items() if inside and inside <= hidden}


def memberships(objects: list[Held]) -> Iterator[tuple[str, str]]:
    for one in objects:
        if one.kind == "A" and one.obj.association_type == HAS_MEMBER:
            yield one.obj.source_object, one.obj.target_object


def joining(objects: list[Held], hidden: set[str]) -> set[str]:
    return {one.uuid for one in objects if set(ends(one)) & hidden}


def ends(one: Held) -> tuple[str, ...]:
    return (one.obj.source_object, one.obj.target_object) if one.kind == "A" else ()


def as_seen(one: Held, objects: list[Held], hidden: set[str], background: Background) -> Held:
    if one.kind == "D" and one.status == DEPRECATED:
        replacements = {by for document, by in background.withdrawals if document == one.uuid}
        return replace(one, status=APPROVED) if replacements and replacements <= hidden else one
    if one.kind == "F":
        return replace(
            one, obj=replace(one.obj, last_update_time=seen_time(one, objects, hidden, background))
        )
    return one


def seen_time(folder: Held, objects: list[Held], hidden: set[str], background: Background) -> DTM:
    """The Folder's own time, unless nothing but a hidden member explains it."""
    unseen: list[int] = []
    visible: list[int] = []
    for one in objects:
        time = background.registered.get(one.uuid)
        if time is None or folder.uuid not in ends(one):
            continue
        if one.obj.target_object == folder.uuid:
            visible.append(time)
        elif one.obj.association_type == HAS_MEMBER:
            (unseen if one.obj.target_object in hidden else visible).append(time)
    own: DTM = folder.obj.last_update_time
    if unseen and visible and own.lower_bound <= max(unseen):
        return DTM(str(max(visible)))
    return own
