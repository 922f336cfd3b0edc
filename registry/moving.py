"""Objects that change hands: their patient, and the patientId of their elements (ITI TF-3: 4.2.3.2.16)."""

from collections.abc import Collection

from sqlalchemy import Table, bindparam, func, select, union, update
from sqlalchemy.sql.elements import BindParameter

from database import Parameters, Row, Statement, Transaction, any_of, constant
from ebxml.write import with_patient_id
from registry import tables as t
from registry.fragments import pack, unpack

# Elements held in memory at once, some 8 KB each.
BATCH_OBJECTS = 500


async def move(
    family: Collection[int], holder: int, receiver: int, patient_id: str, transaction: Transaction
) -> int:
    """Give what is numbered under these patients from its holder to a receiver; how many objects."""
    moved = 0
    for member in family:
        first = member * t.OBJECTS_PER_PATIENT
        given: Parameters = {"first": first, "last": first + t.OBJECTS_PER_PATIENT - 1, "holder": holder}
        for table in _WITH_PATIENT_ID:
            moved += await _move_elements(table, given, receiver, patient_id, transaction)
        ((associations,),) = await transaction.fetch(_COUNT_ASSOCIATIONS, given)
        await transaction.execute(_MOVE_ASSOCIATIONS, {**given, "receiver": receiver})
        moved += associations
    return moved


async def joined_to_others(family: Collection[int], transaction: Transaction) -> set[int]:
    """The Associations with one end numbered under these patients and the other under somebody else."""
    joined: set[int] = set()
    for member in family:
        first = member * t.OBJECTS_PER_PATIENT
        rows = await transaction.fetch(_JOINED, {"first": first, "last": first + t.OBJECTS_PER_PATIENT - 1})
        joined |= {
            number
            for number, *ends in rows
            if any(end // t.OBJECTS_PER_PATIENT not in family for end in ends)
        }
    return joined


async def part(associations: Collection[int], transaction: Transaction) -> list[int]:
    """Deprecate these, but for those of SubmissionSets; return the Folders that lose a member by it."""
    ids = {"ids": sorted(associations)}
    folders, _ = await transaction.fetch_each((_FOLDERS, ids), (_PART, ids))
    return [row[0] for row in folders]


async def _move_elements(
    table: Table, given: Parameters, receiver: int, patient_id: str, transaction: Transaction
) -> int:
    moved, after = 0, given["first"]
    while rows := await transaction.fetch(
        _SELECT[table.name], {**given, "after": after, "most": BATCH_OBJECTS}
    ):
        await transaction.execute(
            _UPDATE[table.name],
            [{"number": row[0], "receiver": receiver, **_columns(table, row, patient_id)} for row in rows],
        )
        moved, after = moved + len(rows), rows[-1][0]
    return moved


def _columns(table: Table, row: Row, patient_id: str) -> dict[str, object]:
    """The rewritten element in the column where it fits, as at registration."""
    _, *stored = row
    element = pack(with_patient_id(unpack(next(filter(None, stored))), patient_id))
    if table is not t.document_entry:
        return {"element": element}
    small = len(element) <= t.INDEXED_FRAGMENT_BYTES
    return {"element": element if small else None, "large_element": None if small else element}


_WITH_PATIENT_ID = (t.document_entry, t.submission_set, t.folder)


def _select(table: Table) -> Statement:
    """The next elements of one member of a family, by their numbers: the primary key is searched."""
    large = (table.c.large_fragment,) if table is t.document_entry else ()
    return Statement(
        select(table.c.id, table.c.fragment, *large)
        .where(
            table.c.id > bindparam("after"),
            table.c.id <= bindparam("last"),
            table.c.patient == bindparam("holder"),
        )
        .order_by(table.c.id)
        .limit(bindparam("most"))
    )


def _update(table: Table) -> Statement:
    columns: dict[str, BindParameter[object]] = {
        "patient": bindparam("receiver"),
        "fragment": bindparam("element"),
    }
    if table is t.document_entry:
        columns["large_fragment"] = bindparam("large_element")
    return Statement(update(table).where(table.c.id == bindparam("number")).values(columns))


_SELECT = {table.name: _select(table) for table in _WITH_PATIENT_ID}
_UPDATE = {table.name: _update(table) for table in _WITH_PATIENT_ID}
# An Association's element names no patient, only its ends.
_of_member = (
    t.association.c.id > bindparam("first"),
    t.association.c.id <= bindparam("last"),
    t.association.c.patient == bindparam("holder"),
)
_COUNT_ASSOCIATIONS = Statement(select(func.count()).select_from(t.association).where(*_of_member))
_MOVE_ASSOCIATIONS = Statement(update(t.association).where(*_of_member).values(patient=bindparam("receiver")))
_JOINED = Statement(
    union(
        *(
            select(t.association.c.id, t.association.c.source, t.association.c.target).where(
                here.between(bindparam("first"), bindparam("last")),
                ~there.between(bindparam("first"), bindparam("last")),
            )
            for here, there in (
                (t.association.c.source, t.association.c.target),
                (t.association.c.target, t.association.c.source),
            )
        )
    )
)
_FOLDERS = Statement(
    select(t.folder.c.id)
    .join(t.association, t.association.c.source == t.folder.c.id)
    .where(any_of(t.association.c.id, bindparam("ids")), t.association.c.status == constant(t.APPROVED))
    .distinct()
)
_PART = Statement(
    update(t.association)
    .where(
        any_of(t.association.c.id, bindparam("ids")),
        t.association.c.source.not_in(
            select(t.submission_set.c.id).where(t.submission_set.c.id == t.association.c.source)
        ),
    )
    .values(status=constant(t.DEPRECATED))
)
