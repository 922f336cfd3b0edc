"""Random small stores, and random queries about them.

The stores hold what no submission could bring about, such as links across patients, so that every rule meets
its exceptions.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import delete, insert

from database import Statement
from ebxml.model import Author, LocalizedString
from hl7v2.datatypes import CX, DTM, XCN
from ihe.stored_queries import Match, Parameter, StoredQuery
from registry import rows, tables
from registry.fragments import stored_element
from tests.messages.query_oracle import ONLINE, Held, Values
from tests.messages.registry_objects import (
    APND,
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    ON_DEMAND,
    RPLC,
    STABLE,
    association,
    code,
    document_entry,
    folder,
    submission_set,
)
from tests.messages.view_oracle import NO_BACKGROUND, Background

# Few values, so that they meet; times of every precision; texts that a pattern could mistake for its own.
PATIENTS = [CX("p1^^^&2.999.3&ISO"), CX("p2^^^&2.999.3&ISO")]
PAIRS = [("A", "1"), ("A", "2"), ("a", "1")]
TIMES = ["2023", "202401", "20240101", "2024010100", "20240101000001", "2025"]
TEXTS = ["1^Smith^John", "1^smith^John", "50%^Smi_th", "back\\slash", "[a]*?", "^É€"]
PATTERNS = ["%", "_^Smith%", "%smith%", "50%%", "%\\slash", "[a]*?", "^_€", "%Smi_th", "", "1^Smith^John"]
OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"
UNIQUE_IDS = ["2.999.1", "2.999.2", "2.999.3"]
LINKS = [HAS_MEMBER, HAS_MEMBER, RPLC, APND]


def uuid(number: int) -> str:
    return f"urn:uuid:{number:08x}-0000-4000-8000-000000000000"


LOGICAL_IDS = [uuid(101), uuid(102)]
codes = st.sampled_from(PAIRS).map(lambda pair: code(*pair))
code_lists = st.lists(codes, max_size=3).map(tuple)
times = st.sampled_from(TIMES).map(DTM)
authors = st.lists(
    st.builds(lambda text: Author(person=XCN(text)), st.sampled_from(TEXTS))
    | st.builds(lambda text: Author(institution=(text,)), st.sampled_from(TEXTS)),
    max_size=2,
).map(tuple)
statuses = st.sampled_from([APPROVED, APPROVED, DEPRECATED])
owners = st.sampled_from([*PATIENTS[:1] * 3, PATIENTS[1]])
documents = st.fixed_dictionaries(
    {
        "patient_id": owners,
        "unique_id": st.sampled_from(UNIQUE_IDS),
        "logical_id": st.none() | st.sampled_from(LOGICAL_IDS),
        "class_code": st.none() | codes,
        "type_code": codes,
        "format_code": codes,
        "practice_setting_code": codes,
        "healthcare_facility_type_code": codes,
        "event_code_list": code_lists,
        "confidentiality_code": code_lists,
        "creation_time": st.none() | times,
        "service_start_time": st.none() | times,
        "service_stop_time": st.none() | times,
        "author": authors,
        "title": st.lists(st.sampled_from(TEXTS).map(LocalizedString), min_size=1, max_size=2).map(tuple),
        "reference_id_list": st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4).map(tuple),
        "object_type": st.sampled_from([STABLE, STABLE, ON_DEMAND]),
        "document_availability": st.sampled_from([None, ONLINE, OFFLINE]),
    }
)
packages = st.fixed_dictionaries(
    {
        "patient_id": owners,
        "author": authors,
        "content_type_code": codes,
        "source_id": st.sampled_from(UNIQUE_IDS),
        "submission_time": times,
    }
)
folders = st.fixed_dictionaries(
    {
        "patient_id": owners,
        "logical_id": st.none() | st.sampled_from(LOGICAL_IDS),
        "code_list": code_lists,
        "last_update_time": times,
    }
)


@st.composite
def stores(draw) -> list[Held]:
    """Objects of every kind, each numbered by its place."""
    found: list[Held] = []

    def hold(kind: str, obj, *, status=APPROVED, latest=True):
        owner = getattr(obj, "patient_id", None) or draw(owners)
        found.append(Held(kind, obj, owner, status, latest))

    for attributes in draw(st.lists(packages, min_size=1, max_size=2)):
        hold("S", submission_set(uuid(len(found) + 1), unique_id=f"2.999.7.{len(found)}", **attributes))
    for attributes in draw(st.lists(folders, min_size=1, max_size=3)):
        # All versions of a Folder bear one uniqueId, and no other Folder does.
        of_versions = dict(zip((*LOGICAL_IDS, None), UNIQUE_IDS, strict=True))[attributes["logical_id"]]
        if attributes["logical_id"] is None and any(one.obj.unique_id == of_versions for one in found):
            continue
        of_patient = folder(uuid(len(found) + 1), unique_id=of_versions, **attributes)
        hold("F", of_patient, status=draw(statuses), latest=draw(st.booleans()))
    for attributes in draw(st.lists(documents, min_size=2, max_size=5)):
        one = document_entry(uuid(len(found) + 1), **attributes)
        hold("D", one, status=draw(statuses), latest=draw(st.sampled_from([True, True, False])))
    places = [one for one in found if one.kind != "S"]
    for _ in range(draw(st.integers(0, 8)) if places else 0):
        source = draw(st.sampled_from(found))
        # A SubmissionSet also has Associations as members, but not those that it begins itself.
        links = [one for one in found if one.kind == "A" and one.obj.source_object not in sets_in(found)]
        targets = [*places, *links] if source.kind == "S" else places
        target = draw(st.sampled_from([one for one in targets if one is not source] or places))
        if source.kind == "A" or source is target:
            continue
        kind = draw(st.sampled_from(LINKS)) if source.kind == "D" else HAS_MEMBER
        entry_uuid = uuid(len(found) + 1)
        hold("A", association(kind, source.uuid, target.uuid, entry_uuid=entry_uuid), status=draw(statuses))
    return found


def sets_in(objects: list[Held]) -> set[str]:
    return {one.uuid for one in objects if one.kind == "S"}


UUIDS = [uuid(number) for number in range(1, 14)]


def one_list(row: Parameter, chance: Random) -> list[Any]:
    """Values for one list of a parameter, decoded as `criteria_of` does."""
    pools: dict[Match, list[Any]] = {
        Match.ANY_CODE_OF: [*PAIRS, ("never", "seen")],
        Match.FROM: [DTM(text).lower_bound for text in TIMES],
        Match.BEFORE: [DTM(text).lower_bound for text in TIMES],
        Match.ANY_LIKE: PATTERNS,
        # No wildcards, which this parameter does not know.
        Match.LISTS_ANY_OF: [text for text in TEXTS if not re.search("[%_]", text)],
        Match.STATUS_OF: [APPROVED, DEPRECATED],
        Match.TYPE_OF: [STABLE, ON_DEMAND],
        Match.AVAILABILITY_OF: [ONLINE, OFFLINE],
        Match.OBJECT_IDS: UUIDS,
        Match.ASSOCIATION_TYPES: [HAS_MEMBER, RPLC, APND],
        Match.METADATA_LEVEL: ["1", "2"],
    }
    by_attribute: dict[str, list[Any]] = {
        "entryUUID": UUIDS,
        "logicalID": [*LOGICAL_IDS, *UUIDS[1:3]],
        "patientId": [PATIENTS[0], PATIENTS[0], PATIENTS[1], CX("no^^^&1.2&ISO")],
    }
    pool = pools.get(row.match) or by_attribute.get(row.attribute) or [*UNIQUE_IDS, "2.999.7.0"]
    return chance.choices(pool, k=chance.randint(1, 4) if row.many else 1)


def questions(query: StoredQuery, chance: Random) -> Iterator[Values]:
    """Each optional parameter beside what must be given, and a few of them together."""
    groups = sorted({row.either for row in query.parameters if row.either})
    optional = [row.slot for row in query.parameters if not row.required and not row.either]
    together = [chance.sample(optional, k=min(2, len(optional))) for _ in range(4)]
    for wanted in [[], *([slot] for slot in optional), *together]:
        chosen = {row.slot for row in query.parameters if row.required} | set(wanted)
        for group in groups:
            chosen.add(chance.choice([row.slot for row in query.parameters if row.either == group]))
        if query.narrowed_by and chosen.isdisjoint(query.narrowed_by):
            chosen.add(chance.choice(query.narrowed_by))
        values = {
            row.slot: [one_list(row, chance) for _ in range(chance.randint(1, 2) if row.conjoined else 1)]
            for row in query.parameters
            if row.slot in chosen and row.excludes not in chosen
        }
        if any(slot.endswith("LogicalID") for slot in chosen):
            values["$MetadataLevel"] = [["2"]]
        yield values


_new = count(1)


async def fill(registry, objects: list[Held], background: Background = NO_BACKGROUND) -> None:
    """Put the objects into empty tables by their rows."""
    numbers = {one.uuid: number for number, one in enumerate(objects, 1)}
    patients = dict(await registry.store.database.fetch(PATIENTS_HELD))
    held_codes = {*PAIRS, ("EPISODE", "2.999.1")}
    codes_known = await registry.store.codes.intern(held_codes)

    def row_of(one: Held):
        packed = stored_element(one.obj, lambda: f"urn:uuid:00000000-0000-4000-8000-{next(_new):012x}")
        number, patient = numbers[one.uuid], patients[str(one.patient_id)]
        if one.kind == "A":
            registered = background.registered.get(one.uuid)
            row = rows.association_row(one.obj, number, patient, numbers, packed, registered)
        elif one.kind == "D":
            depositor = background.depositors.get(one.uuid)
            row = rows.document_entry_row(one.obj, number, patient, codes_known, packed, depositor)
        else:
            row = ROW_OF[one.kind](one.obj, number, patient, codes_known, packed)
        row["status"] = tables.STATUS_NUMBERS[one.status]
        return row | {"latest": one.latest} if one.kind in "DF" else row

    async with registry.store.database.transaction() as transaction:
        for statement in EMPTY:
            await transaction.execute(statement)
        for kind, (number, statement) in INSERT.items():
            held = [one for one in objects if one.kind == kind]
            await transaction.execute(statement, [row_of(one) for one in held])
            ids = [{"entry_uuid": one.uuid[9:], "id": numbers[one.uuid], "kind": number} for one in held]
            await transaction.execute(INSERT_OBJECT, ids)
        holders = {one.obj.unique_id: one for one in objects if one.kind in "SF"}
        named = [
            {"unique_id": unique_id, "id": numbers[one.uuid], "kind": INSERT[one.kind][0]}
            for unique_id, one in holders.items()
        ]
        await transaction.execute(INSERT_UNIQUE_ID, named)
        pairs = [
            {"document": numbers[document], "replacement": numbers[replacement]}
            for document, replacement in sorted(background.withdrawals)
        ]
        await transaction.execute(INSERT_WITHDRAWAL, pairs)


EMPTY = [
    Statement(delete(table))
    for table in (
        tables.document_entry,
        tables.submission_set,
        tables.folder,
        tables.association,
        tables.registered_object,
        tables.registered_unique_id,
        tables.withdrawal,
    )
]
INSERT = {
    "D": (tables.Kind.DOCUMENT_ENTRY, Statement(insert(tables.document_entry).inline())),
    "S": (tables.Kind.SUBMISSION_SET, Statement(insert(tables.submission_set).inline())),
    "F": (tables.Kind.FOLDER, Statement(insert(tables.folder).inline())),
    "A": (tables.Kind.ASSOCIATION, Statement(insert(tables.association).inline())),
}
ROW_OF: dict[str, Callable[..., rows.Row]] = {
    "S": rows.submission_set_row,
    "F": rows.folder_row,
}
INSERT_OBJECT = Statement(insert(tables.registered_object).inline())
INSERT_WITHDRAWAL = Statement(insert(tables.withdrawal).inline())
INSERT_UNIQUE_ID = Statement(insert(tables.registered_unique_id).inline())
PATIENTS_HELD = Statement(tables.patient.select().with_only_columns(tables.patient.c.cx, tables.patient.c.id))
